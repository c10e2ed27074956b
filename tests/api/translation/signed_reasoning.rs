//! Claude's reasoning for callers of chat completions: they get it with its signature, and send it back.

use serde_json::{Value, json};

use super::{adapted, catalog};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

fn signed() -> Value {
    json!({"type": "thinking", "thinking": "T", "signature": "c2ln"})
}

fn called() -> Script {
    Script::json(
        200,
        &json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "upstream",
            "content": [signed(), {"type": "redacted_thinking", "data": "eA=="}, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}],
            "stop_reason": "tool_use", "stop_sequence": null, "usage": {"input_tokens": 10, "output_tokens": 7}
        }),
    )
}

on_both_databases! {
    async fn a_chat_caller_gives_claude_its_reasoning_back(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(called());
        fake.next(Script::message("Done"));
        let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
        let first = json!({"model": "claude", "messages": [{"role": "user", "content": "Go"}], "tools": tools});
        let answer = app.chat(&first).await.json()["choices"][0]["message"].clone();
        let second = json!({"model": "claude", "tools": tools, "messages": [
            {"role": "user", "content": "Go"}, answer, {"role": "tool", "tool_call_id": "toolu_1", "content": "R"}
        ]});
        let answer = app.chat(&second).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.request(1).await.json();
        assert_eq!(sent["messages"][1]["content"], json!([
            signed(), {"type": "redacted_thinking", "data": "eA=="}, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
        ]), "{sent}");
        assert_eq!(adapted(&app, 2).await, ["placeholder:max_tokens"]);
    }

    async fn a_stream_has_the_signature_in_one_piece(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let block = json!({"index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}});
        let delta = |delta: Value| json!({"index": 0, "delta": delta});
        fake.next(Script::message_start().named("content_block_start", block)
            .named("content_block_delta", delta(json!({"type": "thinking_delta", "thinking": "T"})))
            .named("content_block_delta", delta(json!({"type": "thinking_delta", "thinking": "U"})))
            .named("content_block_delta", delta(json!({"type": "signature_delta", "signature": "c2ln"})))
            .named("content_block_stop", json!({"index": 0}))
            .named("content_block_start", json!({"index": 1, "content_block": {"type": "text", "text": ""}}))
            .named("content_block_delta", json!({"index": 1, "delta": {"type": "text_delta", "text": "Hi"}}))
            .named("content_block_stop", json!({"index": 1})).message_delta("end_turn").message_stop());
        let answer = app.chat(&json!({"model": "claude", "stream": true})).await;
        let events = answer.events();
        let chunks = events.iter().filter(|data| *data != "[DONE]").map(|data| serde_json::from_str::<Value>(data).expect("JSON"));
        let deltas: Vec<Value> = chunks.map(|chunk| chunk["choices"][0]["delta"].clone()).collect();
        assert_eq!(deltas[1..5], [
            json!({"reasoning_content": "T"}), json!({"reasoning_content": "U"}),
            json!({"reasoning_details": [{"type": "reasoning.text", "text": "TU", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0}]}),
            json!({"content": "Hi"}),
        ], "{}", answer.text());
    }

    async fn other_models_do_not_get_claudes_reasoning(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let openai = app.organization.provider_at("openai", "openai", Some(&fake.base_url())).await;
        app.organization.model("o", openai).await;
        fake.always_for("claude-upstream", Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        fake.always_for("o-upstream", Script::answer("Hi"));
        let detail = json!({"type": "reasoning.text", "text": "T", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0});
        let asked = json!({"model": "claude", "models": ["o"], "num_retries": 0, "messages": [
            {"role": "user", "content": "Go"}, {"role": "assistant", "content": "A", "reasoning_content": "T", "reasoning_details": [detail]},
            {"role": "user", "content": "And now?"}
        ]});
        let answer = app.chat(&asked).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "o"), "{}", answer.text());
        let sent = fake.requests().pop().expect("a request").json();
        assert_eq!(sent["messages"][1], json!({"role": "assistant", "content": "A"}), "{sent}");
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!(row["attempts"][1]["adapted"], json!(["stripped:reasoning_content", "stripped:reasoning_details"]), "{row}");
    }
}
