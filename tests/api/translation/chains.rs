//! Chains over both dialects: one conversation, and each turn answered by another vendor.

use serde_json::{Value, json};

use super::{call, catalog, completion, message};
use crate::support::app::Answer;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// The blocks of a streamed message, put together as Anthropic's clients do.
fn assembled(answer: &Answer) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    for data in answer.events() {
        let data: Value = serde_json::from_str(&data).expect("JSON");
        match data["type"].as_str().expect("a type") {
            "content_block_start" => {
                assert_eq!(data["index"], blocks.len(), "{}", answer.text());
                blocks.push(data["content_block"].clone());
                inputs.push(String::new());
            }
            "content_block_delta" => {
                let delta = &data["delta"];
                let block = blocks.last_mut().expect("a block");
                for name in ["text", "thinking"] {
                    if let Some(text) = delta[name].as_str() {
                        block[name] = format!("{}{text}", block[name].as_str().expect("a text")).into();
                    }
                }
                if let Some(signature) = delta["signature"].as_str() {
                    block["signature"] = signature.into();
                }
                *inputs.last_mut().expect("a block") += delta["partial_json"].as_str().unwrap_or_default();
            }
            _ => {}
        }
    }
    for (block, input) in blocks.iter_mut().zip(inputs).filter(|(_, input)| !input.is_empty()) {
        block["input"] = serde_json::from_str(&input).expect("JSON");
    }
    blocks
}

/// A native message that thinks and calls a tool, or answers.
fn native(call: Option<&str>) -> Script {
    let block = |index: u64, block: Value| json!({"index": index, "content_block": block});
    let begun = Script::message_start()
        .named("content_block_start", block(0, json!({"type": "thinking", "thinking": "", "signature": ""})))
        .block_delta(&json!({"type": "thinking_delta", "thinking": "T"}))
        .block_delta(&json!({"type": "signature_delta", "signature": "c2ln"}))
        .named("content_block_stop", json!({"index": 0}));
    match call {
        Some(id) => begun
            .named(
                "content_block_start",
                block(1, json!({"type": "tool_use", "id": id, "name": "f", "input": {}})),
            )
            .named(
                "content_block_delta",
                json!({"index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}}),
            )
            .named("content_block_stop", json!({"index": 1}))
            .message_delta("tool_use")
            .message_stop(),
        None => begun
            .named("content_block_start", block(1, json!({"type": "text", "text": ""})))
            .named(
                "content_block_delta",
                json!({"index": 1, "delta": {"type": "text_delta", "text": "Done"}}),
            )
            .named("content_block_stop", json!({"index": 1}))
            .message_delta("end_turn")
            .message_stop(),
    }
}

on_both_databases! {
    async fn fields_that_are_not_sent_keep_no_dead_model_open(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always(Script::error(529, "overloaded_error", "Overloaded"));
        for turn in 0..5 {
            let prompt = json!([{"role": "user", "content": format!("turn {turn}")}]);
            let chat = app.chat(&json!({"model": "claude", "service_tier": "flex", "messages": prompt})).await;
            assert_eq!(chat.header("x-failsoft-attempts"), "1", "{turn}: {}", chat.text());
            let sent = message(&app, &json!({"model": "gpt", "speed": "fast", "messages": prompt})).await;
            assert_eq!(sent.header("x-failsoft-attempts"), "1", "{turn}: {}", sent.text());
        }
        let models = app.get("/v1/model-router/models").await.json();
        for model in models["items"].as_array().expect("models") {
            assert_eq!(model["cooldown"]["open"], true, "{model}");
        }
    }

    async fn a_conversation_with_tools_stays_valid_from_vendor_to_vendor(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let tools = json!([{"name": "f", "input_schema": {"type": "object"}}]);
        let mut turns = json!([{"role": "user", "content": "Go"}]);
        let overloaded = || Script::anthropic_error(529, "overloaded_error", "Overloaded");
        let result = |id: &Value| json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "R"}]});
        // Native, then translated while the native model is down, then native again.
        fake.next_for("claude-upstream", native(Some("toolu_1")));
        fake.next_for("claude-upstream", overloaded());
        fake.next_for("claude-upstream", native(None));
        fake.next_for("gpt-upstream", Script::stream()
            .delta(&json!({"role": "assistant", "reasoning_content": "Unsigned"}), None)
            .delta(&call(0, Some("functions.f:0"), Some("f"), "{}"), None)
            .finish("tool_calls").usage(12, 3).done());
        let mut answered = Vec::new();
        for _ in 0..3 {
            let asked = json!({"model": "claude", "models": ["gpt"], "stream": true, "tools": tools, "messages": turns});
            let answer = message(&app, &asked).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            answered.push(answer.header("x-failsoft-model").to_owned());
            let blocks = assembled(&answer);
            let list = turns.as_array_mut().expect("a list");
            list.push(json!({"role": "assistant", "content": blocks}));
            if let Some(called) = blocks.iter().find(|block| block["type"] == "tool_use") {
                list.push(result(&called["id"]));
            }
        }
        assert_eq!(answered, ["claude", "gpt", "claude"]);
        let requests = fake.requests();
        // The translated turn has neither Claude's reasoning nor its signature.
        let translated = requests.iter().find(|request| request.model.as_deref() == Some("gpt-upstream")).expect("a request").json();
        assert_eq!(translated["messages"], json!([
            {"role": "user", "content": "Go"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "toolu_1", "content": "R"}
        ]), "{translated}");
        // The native turn after it has Claude's own reasoning as it was, not the unsigned one, and ids of Anthropic's form.
        let last = requests.last().expect("a request").json();
        assert_eq!(last["messages"][1]["content"][0], json!({"type": "thinking", "thinking": "T", "signature": "c2ln"}), "{last}");
        let kinds = |message: usize| last["messages"][message]["content"].as_array().expect("blocks").iter().map(|block| block["type"].clone()).collect::<Vec<_>>();
        assert_eq!((kinds(1), kinds(3)), (vec![json!("thinking"), json!("tool_use")], vec![json!("tool_use")]), "{last}");
        let id = last["messages"][3]["content"][0]["id"].as_str().expect("an id");
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')), "{id}");
        assert_eq!(last["messages"][4]["content"][0]["tool_use_id"], id);
        let rows = app.requests(3).await;
        assert_eq!(rows[2]["attempts"][0]["adapted"], json!(["stripped:thinking"]), "{}", rows[2]);
        assert!(rows.iter().all(|row| row["outcome"] == "answered"), "{rows:?}");
    }

    async fn an_unusable_answer_of_a_translated_model_moves_on(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always_for("claude-upstream", Script::message("Hi"));
        let broken = json!({"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\""}}]});
        for (script, class) in [
            (completion(&broken, "tool_calls"), "invalid_response"),
            (completion(&json!({"content": null}), "content_filter"), "content_policy"),
            (completion(&json!({"content": null}), "tool_calls"), "invalid_response"),
            (Script::message("not a completion"), "invalid_response"),
            (Script::error(500, "server_error", "boom"), "unavailable"),
        ] {
            fake.next_for("gpt-upstream", script);
            let answer = message(&app, &json!({"model": "gpt", "models": ["claude"]})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "claude"), "{class}: {}", answer.text());
            assert_eq!(answer.header("x-failsoft-fallback"), format!("from=gpt; class={class}; hops=1"));
        }
        // Without another model, a filtered answer passes, in the dialect of the caller.
        fake.next_for("gpt-upstream", completion(&json!({"content": null}), "content_filter"));
        let refused = message(&app, &json!({"model": "gpt"})).await;
        assert_eq!((refused.status, &refused.json()["stop_reason"]), (200, &json!("refusal")), "{}", refused.text());
    }

    async fn the_bytes_of_a_native_candidate_do_not_change(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always_for("gpt-upstream", Script::error(503, "overloaded", "later"));
        fake.always_for("claude-upstream", Script::message("Hi"));
        let messages = r#"[ {"role":"user", "content":"H\u0069"} ]"#;
        let body = format!(r#"{{"model":"gpt","models":["claude"],"max_tokens":1,"messages":{messages},"of_next_year":[ 1 ]}}"#);
        let request = app.request(reqwest::Method::POST, "/v1/messages").header("content-type", "application/json").body(body);
        let answer = app.call(request, &app.organization.key).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "claude"), "{}", answer.text());
        let sent = String::from_utf8(fake.requests().pop().expect("a request").body).expect("a text");
        assert_eq!(sent, format!(r#"{{"max_tokens":1,"messages":{messages},"of_next_year":[ 1 ],"model":"claude-upstream"}}"#));
    }

    async fn the_record_says_in_which_dialect_each_provider_was_called(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always_for("claude-upstream", Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        fake.always_for("gpt-upstream", Script::answer("Hi"));
        let asked = json!({"model": "claude", "models": ["gpt"], "num_retries": 0});
        assert_eq!(message(&app, &asked).await.status, 200);
        assert_eq!(app.chat(&asked).await.status, 200);
        for (row, endpoint, translated) in [
            (0, "/v1/messages", [Value::Null, json!("chat_completions")]),
            (1, "/v1/chat/completions", [json!("messages"), Value::Null]),
        ] {
            let row = app.requests(2).await.remove(row);
            assert_eq!(row["endpoint"], endpoint, "{row}");
            let found = row["attempts"].as_array().expect("a list").iter().map(|attempt| attempt["translated_to"].clone());
            assert_eq!(found.collect::<Vec<_>>(), translated, "{row}");
        }
    }
}
