//! What a request needs and a model of another dialect cannot do: the model is passed over, or the request refused.

use serde_json::{Value, json};

use super::{catalog, message};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// Members of a message that no chat completion can serve, with the need.
fn of_messages() -> Vec<(Value, &'static str)> {
    let content = |block: Value| json!({"messages": [{"role": "user", "content": [block]}]});
    let pdf = json!({"type": "base64", "media_type": "application/pdf", "data": "aGk="});
    vec![
        (json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}), "server_tool"),
        (
            json!({"mcp_servers": [{"type": "url", "url": "https://mcp.example.com", "name": "m"}]}),
            "mcp_servers",
        ),
        (json!({"fallbacks": "default"}), "fallbacks"),
        (json!({"container": "c"}), "container"),
        (json!({"inference_geo": "us"}), "region"),
        (json!({"stop_sequences": ["a", "b", "c", "d", "e"]}), "stop_sequences"),
        (content(json!({"type": "document", "source": pdf})), "document"),
        (content(json!({"type": "image", "source": {"type": "file", "file_id": "f"}})), "file"),
        (content(json!({"type": "of_next_year"})), "server_tool"),
        (
            json!({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "I"}]}),
            "prefill",
        ),
        (json!({"messages": [{"role": "user", "content": 7}]}), "translation"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "tool_use", "name": "f"}]}]}),
            "translation",
        ),
    ]
}

/// Members of a chat completion that no message can serve, with the need.
fn of_completions() -> Vec<(Value, &'static str)> {
    let audio = json!({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}});
    vec![
        (json!({"n": 2}), "choices"),
        (json!({"stop": "\n"}), "stop_sequences"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"modalities": ["text", "audio"], "audio": {"voice": "v", "format": "wav"}}), "audio"),
        (json!({"messages": [{"role": "user", "content": [audio]}]}), "audio"),
        (json!({"functions": [{"name": "f"}]}), "functions"),
        (json!({"tools": [{"type": "custom", "custom": {"name": "f"}}]}), "custom_tool"),
        (json!({"web_search_options": {"search_context_size": "low"}}), "server_tool"),
        (
            json!({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "I"}]}),
            "prefill",
        ),
        (json!({"messages": [{"role": "tool", "content": "x"}]}), "translation"),
    ]
}

fn with(more: &Value, members: Value) -> Value {
    let mut body = members;
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    body
}

on_both_databases! {
    async fn a_model_that_cannot_serve_the_request_is_passed_over(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always_for("claude-upstream", Script::message("Hi"));
        fake.always_for("gpt-upstream", Script::answer("Hi"));
        for (more, need) in of_messages() {
            let answer = message(&app, &with(&json!({"model": "gpt", "models": ["claude"]}), more)).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "claude"), "{need}: {}", answer.text());
            let row = app.requests(1).await.pop().expect("a row");
            assert_eq!(row["attempts"][0]["matched_rule"], format!("lacks_capability:{need}"), "{row}");
        }
        for (more, need) in of_completions() {
            let answer = app.chat(&with(&json!({"model": "claude", "models": ["gpt"]}), more)).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "gpt"), "{need}: {}", answer.text());
            let row = app.requests(1).await.pop().expect("a row");
            assert_eq!(row["attempts"][0]["matched_rule"], format!("lacks_capability:{need}"), "{row}");
        }
    }

    async fn a_request_that_no_model_can_serve_is_refused_before_any_call(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        for (more, need) in of_messages() {
            let refused = message(&app, &with(&json!({"model": "gpt"}), more)).await;
            assert_eq!((refused.status, &refused.json()["error"]["type"]), (400, &json!("invalid_request_error")), "{need}: {}", refused.text());
        }
        for (more, need) in of_completions() {
            let refused = app.chat(&with(&json!({"model": "claude"}), more)).await;
            let code = if need == "translation" { "invalid_value" } else { "unsupported_feature" };
            assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!(code)), "{need}: {}", refused.text());
        }
        assert_eq!(fake.served(), 0);
        assert!(app.requests(0).await.is_empty() && app.events().await.is_empty());
        // A model is refused for what it is first.
        assert_eq!(message(&app, &json!({"model": "nothing"})).await.status, 404);
    }

    async fn a_dry_run_names_what_would_be_changed(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let asked = json!({"model": "claude", "messages": [{"role": "user", "content": "Hi"}], "seed": 7, "temperature": 1.5});
        let explained = app.post("/v1/model-router/explain", &asked).await.json();
        let adapted = &explained["candidates"][0]["adapted"];
        assert_eq!(adapted, &json!(["dropped:seed", "clamped:temperature", "placeholder:max_tokens"]), "{explained}");
        assert_eq!(fake.served(), 0);
    }
}
