//! Reasoning in the history that its provider refuses: the same model is called once more without it.

use serde_json::{Value, json};

use super::{catalog, message};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const REFUSED: &str = "messages.1.content.0: Invalid `signature` in `thinking` block";

fn refused() -> Script {
    Script::anthropic_error(400, "invalid_request_error", REFUSED)
}

/// A turn that goes on after a tool, which began with reasoning that has this signature.
fn tool_loop(signature: &str) -> Value {
    json!([
        {"role": "user", "content": "Go"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "T", "signature": signature},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "R"}]}
    ])
}

fn sorted(adapted: &Value) -> Vec<String> {
    let mut changes: Vec<String> = serde_json::from_value(adapted.clone()).expect("texts");
    changes.sort_unstable();
    changes
}

on_both_databases! {
    async fn the_same_model_is_called_once_more_without_reasoning(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let asked = json!({
            "model": "claude", "models": ["gpt"], "num_retries": 0, "max_tokens": 4_000, "messages": tool_loop("Zm9yZWlnbg=="),
            "thinking": {"type": "enabled", "budget_tokens": 1_024},
            "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}
        });
        // As often as would count toward a cooldown.
        for number in 0..6 {
            fake.next_for("claude-upstream", refused());
            fake.next_for("claude-upstream", Script::message("Hi"));
            let answer = message(&app, &asked).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "claude"), "{}", answer.text());
            assert_eq!((answer.header("x-failsoft-attempts"), answer.header("x-failsoft-fallback")), ("2", "none"));
            let (first, second) = (fake.request(2 * number).await.json(), fake.request(2 * number + 1).await.json());
            assert_eq!((&first["messages"], &first["thinking"]), (&asked["messages"], &asked["thinking"]), "{first}");
            assert_eq!(second["messages"][1]["content"], json!([{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]), "{second}");
            assert_eq!((&second["thinking"], &second["context_management"]), (&Value::Null, &Value::Null), "{second}");
        }
        let row = app.requests(6).await.pop().expect("a row");
        let attempts = row["attempts"].as_array().expect("a list");
        assert_eq!((attempts.len(), &attempts[0]["status"], &attempts[0]["error_class"]), (2, &json!(400), &json!("invalid_request")), "{row}");
        assert_eq!((&attempts[0]["adapted"], &attempts[1]["model"]), (&json!([]), &json!("claude")), "{row}");
        assert_eq!(sorted(&attempts[1]["adapted"]), ["disabled:thinking", "dropped:context_management", "stripped:thinking"]);
        let models = app.get("/v1/model-router/models").await.json();
        assert!(models["items"].as_array().expect("models").iter().all(|model| model["cooldown"]["open"] != true), "{models}");
    }

    async fn a_second_refusal_moves_on(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always_for("claude-upstream", refused());
        fake.always_for("gpt-upstream", Script::answer("Hi"));
        let asked = json!({"model": "claude", "models": ["gpt"], "messages": tool_loop("Zm9yZWlnbg==")});
        let answer = message(&app, &asked).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "gpt"), "{}", answer.text());
        assert_eq!((answer.header("x-failsoft-attempts"), fake.requests().len()), ("3", 3));
        assert_eq!(answer.header("x-failsoft-fallback"), "from=claude; class=invalid_request; hops=1");
        // Without anything to leave out, there is no second call.
        let plain = message(&app, &json!({"model": "claude", "models": ["gpt"]})).await;
        assert_eq!((plain.status, plain.header("x-failsoft-attempts")), (200, "2"), "{}", plain.text());
    }

    async fn a_chat_completion_is_sent_without_reasoning_too(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next_for("gpt-upstream", Script::error(400, "invalid_request_error", "Thought signature is not valid."));
        fake.next_for("gpt-upstream", Script::answer("Hi"));
        let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let mut signed = call.clone();
        signed["extra_content"] = json!({"google": {"thought_signature": "x"}});
        let asked = json!({"model": "gpt", "num_retries": 0, "messages": [
            {"role": "user", "content": "Go"},
            {"role": "assistant", "content": null, "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}], "tool_calls": [signed]},
            {"role": "tool", "tool_call_id": "c", "content": "R"}
        ]});
        let answer = app.chat(&asked).await;
        assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "2"), "{}", answer.text());
        assert_eq!(fake.request(0).await.json()["messages"], asked["messages"]);
        let second = fake.request(1).await.json();
        assert_eq!(second["messages"][1], json!({"role": "assistant", "content": null, "tool_calls": [call]}), "{second}");
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!(sorted(&row["attempts"][1]["adapted"]), ["stripped:extra_content", "stripped:reasoning_details"], "{row}");
    }

    async fn a_turn_that_another_vendor_began_goes_on_without_a_budget(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always(Script::message("Hi"));
        for (thinking, sent, changes) in [
            (json!({"type": "enabled", "budget_tokens": 1_024}), Value::Null, vec!["disabled:thinking", "stripped:thinking"]),
            // These models reason at any place.
            (json!({"type": "adaptive"}), json!({"type": "adaptive"}), vec!["stripped:thinking"]),
        ] {
            let asked = json!({"model": "claude", "max_tokens": 4_000, "messages": tool_loop("ZmFpbHNvZnQ="), "thinking": thinking});
            assert_eq!(message(&app, &asked).await.status, 200);
            let received = fake.requests().pop().expect("a request").json();
            assert_eq!(received["thinking"], sent, "{received}");
            let row = app.requests(1).await.pop().expect("a row");
            assert_eq!(sorted(&row["attempts"][0]["adapted"]), changes, "{row}");
        }
    }
}
