//! Chat completions to models of Messages: what the provider gets, the whole answer, and the stream.

use failsoft::providers::ModelPrice;
use serde_json::{Value, json};

use super::{adapted, catalog};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// A whole message with reasoning, text and a call.
fn with_a_call() -> Script {
    Script::json(
        200,
        &json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "upstream",
            "content": [
                {"type": "thinking", "thinking": "T", "signature": "c2ln"}, {"type": "text", "text": "Hi"},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}
            ],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 50, "output_tokens": 7}
        }),
    )
}

on_both_databases! {
    async fn the_provider_gets_a_message(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always(Script::message("Hi"));
        let call = json!({"id": "functions.f:0", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}});
        let answer = app.chat(&json!({
            "model": "claude",
            "messages": [
                {"role": "developer", "content": "S1"}, {"role": "system", "content": "S2"},
                {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}}]},
                {"role": "assistant", "content": "", "reasoning_content": "T", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "functions.f:0", "content": "Sunny"},
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "And now?"}
            ],
            "tools": [{"type": "function", "function": {"name": "f", "description": "D", "parameters": {"type": "object"}}}],
            "tool_choice": "required", "parallel_tool_calls": false, "stop": "END", "max_completion_tokens": 99,
            "temperature": 1.5, "top_p": 0.5, "user": "u-1", "seed": 7, "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
        })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.request(0).await;
        assert_eq!((sent.path.as_str(), sent.header("x-api-key")), ("/v1/messages", Some("sk-upstream-secret-0001")));
        assert_eq!(sent.header("anthropic-version"), Some("2023-06-01"));
        let sent = sent.json();
        let id = sent["messages"][1]["content"][0]["id"].as_str().expect("an id").to_owned();
        assert!(id.starts_with("call_") && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{id}");
        assert_eq!(sent, json!({
            "model": "claude-upstream", "max_tokens": 99, "temperature": 1, "stop_sequences": ["END"],
            "system": [{"type": "text", "text": "S1"}, {"type": "text", "text": "S2"}],
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
                ]},
                {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "f", "input": {"a": 1}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": "Sunny"}]},
                    {"type": "text", "text": "<system>\nBe brief.\n</system>"}, {"type": "text", "text": "And now?"}
                ]}
            ],
            "tools": [{"name": "f", "description": "D", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
            "metadata": {"user_id": "u-1"},
            "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}
        }), "{sent}");
        assert_eq!(adapted(&app, 1).await, [
            "aliased:tool_id", "clamped:temperature", "dropped:reasoning_effort", "dropped:seed", "dropped:top_p",
            "mapped:system", "renamed:user", "stripped:detail", "stripped:name", "stripped:thinking",
        ]);
    }

    async fn a_limit_is_added_where_the_caller_has_none(app: App) {
        let fake = FakeProvider::start().await;
        let native = app.organization.provider_at("native", "custom-messages", Some(&fake.base_url())).await;
        app.organization.model_like("short", native, |model| model.settings.max_output_tokens = Some(77)).await;
        app.organization.model("unknown", native).await;
        fake.always(Script::message("Hi"));
        for (number, (model, limit)) in [("short", 77), ("unknown", 4_096)].into_iter().enumerate() {
            let asked = json!({"model": model, "messages": [{"role": "assistant", "content": "A"}, {"role": "user", "content": "B"}]});
            assert_eq!(app.chat(&asked).await.status, 200);
            let sent = fake.request(number).await.json();
            assert_eq!((&sent["max_tokens"], &sent["messages"][0]["role"]), (&json!(limit), &json!("user")), "{sent}");
            assert_eq!(adapted(&app, number + 1).await, ["placeholder:max_tokens", "placeholder:user_message"]);
        }
    }

    async fn the_caller_gets_a_completion(app: App) {
        let fake = FakeProvider::start().await;
        let native = app.organization.provider_at("native", "custom-messages", Some(&fake.base_url())).await;
        app.organization.model_like("claude", native, |model| {
            model.settings.price = Some(ModelPrice {
                input: Some(3_000_000), output: Some(15_000_000), cache_read: Some(300_000), cache_write: Some(3_750_000),
                ..ModelPrice::default()
            });
        }).await;
        fake.next(with_a_call());
        let answer = app.chat(&json!({"model": "claude"})).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["model"], &body["provider"]), (200, &json!("claude"), &json!("native")), "{body}");
        assert_eq!((&body["id"], &body["object"]), (&json!("chatcmpl-1"), &json!("chat.completion")));
        assert_eq!(body["choices"], json!([{
            "index": 0, "logprobs": null, "finish_reason": "tool_calls",
            "message": {
                "role": "assistant", "content": "Hi", "refusal": null, "reasoning_content": "T",
                "reasoning_details": [{"type": "reasoning.text", "text": "T", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0}],
                "tool_calls": [{"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]
            }
        }]), "{body}");
        assert_eq!((&body["usage"]["prompt_tokens"], &body["usage"]["total_tokens"]), (&json!(160), &json!(167)), "{body}");
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!(row["cost_nano_dollars"], 10 * 3_000 + 100 * 300 + 50 * 3_750 + 7 * 15_000, "{row}");
    }

    async fn the_events_of_a_message_become_chunks(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let call = json!({"index": 1, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}});
        let input = json!({"index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"a\":1}"}});
        let script = || Script::message_start().text_start().text_delta("Hi")
            .named("content_block_stop", json!({"index": 0})).named("ping", json!({}))
            .named("content_block_start", call.clone()).named("content_block_delta", input.clone())
            .message_delta("tool_use").message_stop();
        for wanted in [true, false] {
            fake.next(script());
            let answer = app.chat(&json!({"model": "claude", "stream": true, "stream_options": {"include_usage": wanted}})).await;
            let events = answer.events();
            assert_eq!(events.last().map(String::as_str), Some("[DONE]"), "{}", answer.text());
            let chunks: Vec<Value> = events[..events.len() - 1].iter().map(|data| serde_json::from_str(data).expect("JSON")).collect();
            assert!(chunks.iter().all(|chunk| chunk["model"] == "claude" && chunk["id"] == "chatcmpl-fake"), "{}", answer.text());
            let deltas: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
            assert_eq!(deltas[0], &json!({"role": "assistant", "content": ""}));
            assert_eq!(deltas[1], &json!({"content": "Hi"}));
            assert_eq!(deltas[2]["tool_calls"][0]["function"], json!({"name": "f", "arguments": ""}));
            assert_eq!(deltas[3]["tool_calls"][0]["function"], json!({"arguments": "{\"a\":1}"}));
            assert_eq!(chunks[4]["choices"][0]["finish_reason"], "tool_calls", "{}", answer.text());
            assert_eq!(chunks.len(), if wanted { 6 } else { 5 }, "{}", answer.text());
            if wanted {
                assert_eq!((&chunks[5]["choices"], &chunks[5]["usage"]["prompt_tokens"]), (&json!([]), &json!(912)), "{}", answer.text());
            }
            let row = app.requests(1).await.pop().expect("a row");
            assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(912), &json!(31)), "{row}");
        }
    }

    async fn a_break_after_content_ends_with_an_error_chunk(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let overloaded = json!({"error": {"type": "overloaded_error", "message": "Overloaded"}});
        for script in [
            Script::message_start().text_start().text_delta("Hel").close(),
            Script::message_start().text_start().text_delta("Hel").named("error", overloaded).end(),
        ] {
            fake.next(script);
            let answer = app.chat(&json!({"model": "claude", "models": ["gpt"], "stream": true})).await;
            assert!(!answer.text().contains("[DONE]"), "{}", answer.text());
            let events = answer.events();
            let broken: Value = serde_json::from_str(&events[events.len() - 2]).expect("JSON");
            assert_eq!((&broken["id"], broken["error"].is_object()), (&json!("chatcmpl-fake"), true), "{broken}");
        }
        assert!(app.requests(2).await.iter().all(|row| row["outcome"] == "interrupted"));
    }
}
