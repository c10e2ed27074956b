//! Whole responses of models of both dialects.

use serde_json::{Value, json};

use super::{adapted, catalog, respond, spoken, without_id};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// The tools of a request: a function, a tool with free text, and both in a namespace.
fn tools() -> Value {
    let schema = json!({"type": "object", "properties": {"z": {}, "a": {}}});
    json!([
        {"type": "function", "name": "f", "description": "F.", "parameters": schema, "strict": true},
        {"type": "custom", "name": "patch", "description": "Patches.", "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}},
        {"type": "namespace", "name": "n", "tools": [{"type": "custom", "name": "exec"}]}
    ])
}

on_both_databases! {
    async fn a_completion_cut_off_in_its_call_is_an_incomplete_response(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(Script::json(200, &json!({
            "id": "chatcmpl-fake", "object": "chat.completion", "created": 1_700_000_000, "model": "upstream",
            "choices": [{"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":\"abc"}}
            ]}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109}
        })));
        let answer = respond(&app, &json!({"model": "gpt"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let response = answer.json();
        assert_eq!(
            (&response["status"], &response["incomplete_details"], &response["output"]),
            (&json!("incomplete"), &json!({"reason": "max_output_tokens"}), &json!([]))
        );
        assert_eq!(app.events().await, Vec::<Value>::new());
    }

    async fn a_completion_becomes_a_response(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(Script::json(200, &json!({
            "id": "chatcmpl-fake", "object": "chat.completion", "created": 1_700_000_000, "model": "upstream",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "Hi", "reasoning_content": "T",
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"z\": 1}"}},
                    {"id": "call_2", "type": "function", "function": {"name": "patch", "arguments": "{\"input\":\"*** Begin\"}"}},
                    {"id": "call_3", "type": "function", "function": {"name": "n__exec", "arguments": "{\"input\":\"ls\"}"}}
                ]
            }}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109, "prompt_tokens_details": {"cached_tokens": 60}}
        })));
        let answer = respond(&app, &json!({
            "model": "gpt", "instructions": "Be brief.", "max_output_tokens": 64, "tools": tools(), "tool_choice": "required",
            "parallel_tool_calls": false, "reasoning": {"effort": "low"}, "metadata": {"k": "v"}
        })).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "gpt"), "{}", answer.text());
        let sent = fake.request(0).await.json();
        assert_eq!(sent["messages"], json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]));
        assert_eq!((&sent["max_tokens"], &sent["tool_choice"], &sent["parallel_tool_calls"]), (&json!(64), &json!("required"), &json!(false)));
        assert_eq!(sent["tools"][0]["function"]["name"], "f");
        let patch = &sent["tools"][1]["function"];
        assert_eq!(patch["parameters"]["required"], json!(["input"]), "{patch}");
        assert!(patch["description"].as_str().is_some_and(|text| text.starts_with("Patches.") && text.contains("start: x")), "{patch}");
        let response = answer.json();
        let output: Vec<Value> = response["output"].as_array().expect("a list").iter().cloned().map(without_id).collect();
        assert_eq!(output, [
            json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "T"}]}),
            spoken("Hi"),
            json!({"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{\"z\": 1}", "status": "completed"}),
            json!({"type": "custom_tool_call", "call_id": "call_2", "name": "patch", "input": "*** Begin", "status": "completed"}),
            json!({"type": "custom_tool_call", "call_id": "call_3", "name": "exec", "namespace": "n", "input": "ls", "status": "completed"}),
        ]);
        for (name, expected) in [
            ("object", json!("response")), ("status", json!("completed")), ("model", json!("gpt")), ("error", Value::Null),
            ("incomplete_details", Value::Null), ("instructions", json!("Be brief.")), ("tools", tools()),
            ("tool_choice", json!("required")), ("parallel_tool_calls", json!(false)), ("metadata", json!({"k": "v"})), ("store", json!(false)),
            ("usage", json!({
                "input_tokens": 100, "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 0},
                "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 109
            })),
        ] {
            assert_eq!(response[name], expected, "{name}");
        }
        let changes = adapted(&app, 1).await;
        for expected in ["wrapped:custom_tool", "dropped:metadata", "mapped:reasoning"] {
            assert!(changes.iter().any(|change| change == expected), "{changes:?}");
        }
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!((&row["endpoint"], &row["invocation_type"]), (&json!("/v1/responses"), &json!("response")), "{row}");
        assert_eq!((&row["input_tokens"], &row["output_tokens"], &row["cached_tokens"]), (&json!(100), &json!(9), &json!(60)), "{row}");
    }

    async fn a_message_becomes_a_response(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(Script::json(200, &json!({
            "id": "msg_fake", "type": "message", "role": "assistant", "model": "upstream",
            "content": [
                {"type": "thinking", "thinking": "T", "signature": "c2ln"}, {"type": "text", "text": "Hi"},
                {"type": "tool_use", "id": "toolu_1", "name": "patch", "input": {"input": "*** Begin"}}
            ],
            "stop_reason": "tool_use", "usage": {"input_tokens": 3, "cache_read_input_tokens": 7, "output_tokens": 2}
        })));
        let answer = respond(&app, &json!({"model": "claude", "instructions": "Be brief.", "tools": tools()})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = fake.request(0).await;
        assert_eq!(sent.path, "/v1/messages");
        let sent = sent.json();
        assert_eq!(sent["system"], json!([{"type": "text", "text": "Be brief."}]));
        assert_eq!((&sent["tools"][1]["name"], &sent["tools"][2]["name"]), (&json!("patch"), &json!("n__exec")));
        let response = answer.json();
        assert_eq!(response["output"][2]["input"], "*** Begin", "{response}");
        assert_eq!((&response["usage"]["input_tokens"], &response["usage"]["input_tokens_details"]["cached_tokens"]), (&json!(10), &json!(7)));
    }

    async fn an_answer_that_was_cut_off_is_incomplete(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        for (reason, details) in [("length", "max_output_tokens"), ("content_filter", "content_filter")] {
            fake.next(Script::json(200, &json!({
                "id": "c", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": reason}]
            })));
            let response = respond(&app, &json!({"model": "gpt"})).await.json();
            assert_eq!((&response["status"], &response["incomplete_details"]["reason"]), (&json!("incomplete"), &json!(details)), "{response}");
        }
    }

    async fn a_chain_crosses_dialects(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        for (first, second, script) in [("gpt", "claude", Script::message("Hi")), ("claude", "gpt", Script::answer("Hi"))] {
            fake.next_for(&format!("{first}-upstream"), Script::error(503, "overloaded", "Overloaded"));
            fake.next_for(&format!("{second}-upstream"), script);
            let answer = respond(&app, &json!({"model": first, "models": [second], "num_retries": 0})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, second), "{}", answer.text());
            assert_eq!(answer.header("x-failsoft-fallback"), format!("from={first}; class=overloaded; hops=1"));
            assert_eq!(answer.json()["model"], second);
        }
        let event = app.events().await.pop().expect("an event");
        assert_eq!(event["invocation_type"], "response", "{event}");
    }
}
