//! Streams of both dialects as streams of responses.

use serde_json::{Value, json};

use super::{adapted, catalog, events, items, respond, spoken, without_id};
use crate::support::app::with_json;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// A chunk with a piece of a call.
fn call(index: u64, id: Option<&str>, name: Option<&str>, arguments: &str) -> Value {
    let mut call = json!({"index": index, "function": {"arguments": arguments}});
    if let Some(id) = id {
        call["id"] = id.into();
    }
    if let Some(name) = name {
        call["function"]["name"] = name.into();
    }
    json!({"tool_calls": [call]})
}

/// What Codex sends with a model that it knows to have few tools: all are in the input.
fn codex() -> Value {
    json!({
        "stream": true, "store": false, "tool_choice": "auto", "parallel_tool_calls": true, "prompt_cache_key": "thread",
        "include": ["reasoning.encrypted_content"], "client_metadata": {"x": "y"}, "text": {"verbosity": "low"},
        "reasoning": {"effort": "low", "context": "all_turns"},
        "input": [
            {"type": "additional_tools", "role": "developer", "tools": [
                {"type": "namespace", "name": "functions", "tools": [
                    {"type": "custom", "name": "exec", "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}},
                    {"type": "function", "name": "wait", "parameters": {"type": "object"}}
                ]}
            ]},
            {"type": "message", "role": "developer", "id": "msg_1", "content": [{"type": "input_text", "text": "You are Codex."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "ping"}]}
        ]
    })
}

fn with(body: &Value, name: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[name] = value;
    body
}

on_both_databases! {
    async fn codex_runs_its_tools_on_every_model(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(
            Script::stream()
                .delta(&json!({"role": "assistant", "content": "", "reasoning_content": "T"}), None)
                .text("Hel")
                .text("lo")
                .delta(&call(0, Some("call_1"), Some("functions__exec"), ""), None)
                .delta(&call(0, None, None, "{\"input\":"), None)
                .delta(&call(1, Some("call_2"), Some("functions__wait"), "{"), None)
                .delta(&call(0, None, None, "\"ls\"}"), None)
                .delta(&call(1, None, None, "}"), None)
                .finish("tool_calls")
                .usage(12, 31)
                .done(),
        );
        let answer = respond(&app, &with(&codex(), "model", json!("gpt"))).await;
        let sent = fake.request(0).await.json();
        assert_eq!(sent["messages"], json!([{"role": "system", "content": "You are Codex."}, {"role": "user", "content": "ping"}]));
        let names: Vec<&Value> = sent["tools"].as_array().expect("tools").iter().map(|tool| &tool["function"]["name"]).collect();
        assert_eq!(names, ["functions__exec", "functions__wait"]);
        let first = events(&answer);
        let done: Vec<Value> = items(&first).into_iter().map(without_id).collect();
        let calls = [
            json!({"type": "custom_tool_call", "call_id": "call_1", "name": "exec", "namespace": "functions", "input": "ls", "status": "completed"}),
            json!({"type": "function_call", "call_id": "call_2", "name": "wait", "namespace": "functions", "arguments": "{}", "status": "completed"}),
        ];
        let reasoning = json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "T"}]});
        assert_eq!(done, [reasoning, spoken("Hello"), calls[0].clone(), calls[1].clone()], "{}", answer.text());
        let end = &first.last().expect("an end")["response"];
        assert_eq!((&end["output"], &end["model"], &end["usage"]["total_tokens"]), (&json!(items(&first)), &json!("gpt"), &json!(43)));
        let changes = adapted(&app, 1).await;
        assert!(changes.contains(&"wrapped:custom_tool".to_owned()), "{changes:?}");

        // The next turn goes on with another vendor.
        let mut input = codex()["input"].as_array().expect("items").clone();
        input.extend(items(&first));
        input.push(json!({"type": "custom_tool_call_output", "call_id": "call_1", "output": "README.md"}));
        input.push(json!({"type": "function_call_output", "call_id": "call_2", "output": "done"}));
        fake.next(Script::message_stream("Done"));
        let next = with(&with(&codex(), "model", json!("claude")), "input", json!(input));
        let answer = respond(&app, &next).await;
        let sent = fake.request(1).await.json();
        assert_eq!(sent["messages"][1]["content"], json!([
            {"type": "text", "text": "Hello"},
            {"type": "tool_use", "id": "call_1", "name": "functions__exec", "input": {"input": "ls"}},
            {"type": "tool_use", "id": "call_2", "name": "functions__wait", "input": {}},
        ]), "{sent}");
        assert_eq!(sent["messages"][2]["content"][0]["tool_use_id"], "call_1", "{sent}");
        assert_eq!(items(&events(&answer)).into_iter().map(without_id).collect::<Vec<_>>(), [spoken("Done")]);
        let row = app.requests(2).await.pop().expect("a row");
        assert_eq!((&row["invocation_type"], &row["outcome"]), (&json!("response_stream"), &json!("answered")), "{row}");
    }

    async fn every_complete_stream_has_one_end(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let begun = || Script::stream().text("Hi");
        for (script, end, calls) in [
            (begun().finish("stop").done(), "response.completed", 0),
            (begun().finish("stop").end(), "response.completed", 0),
            (begun().finish("stop").close(), "response.completed", 0),
            (begun().finish("length").usage(1, 2).done(), "response.incomplete", 0),
            (begun().finish("content_filter").done(), "response.incomplete", 0),
            (begun().finish("tool_calls").done(), "response.completed", 0),
            (begun().delta(&call(0, Some("c"), Some("f"), "{}"), None).finish("stop").done(), "response.completed", 1),
            (begun().delta(&call(0, Some("c"), Some("f"), "{\"a"), None).finish("length").done(), "response.incomplete", 0),
            (Script::answer("Hi"), "response.completed", 0),
            (Script::stream().finish("stop").done(), "response.completed", 0),
            (begun().finish("stop").usage(1, 2).done().trickled(), "response.completed", 0),
        ] {
            fake.next(script);
            let answer = respond(&app, &json!({"model": "gpt", "stream": true})).await;
            let events = events(&answer);
            assert_eq!(events.last().expect("an end")["type"], end, "{}", answer.text());
            let made = items(&events).iter().filter(|item| item["type"] == "function_call").count();
            assert_eq!(made, calls, "{}", answer.text());
            assert!(!answer.text().contains("[DONE]"), "{}", answer.text());
        }
        assert!(app.requests(11).await.iter().all(|row| row["outcome"] == "answered"));
    }

    async fn a_break_after_content_is_a_failed_response(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let begun = || Script::stream().text("Hel");
        for script in [
            begun().close(),
            begun().end(),
            begun().event(&json!({"error": {"message": "Overloaded", "code": "overloaded"}})).end(),
            begun().chunk("data: {\"choices\":\n\n").end(),
            begun().delta(&call(0, Some("c"), Some("f"), "[1]"), None).finish("stop").done(),
        ] {
            fake.next(script);
            let answer = respond(&app, &json!({"model": "gpt", "models": ["claude"], "stream": true})).await;
            let events = events(&answer);
            let failed = events.last().expect("an end");
            assert_eq!((&failed["type"], &failed["response"]["status"]), (&json!("response.failed"), &json!("failed")), "{}", answer.text());
            let error = &failed["response"]["error"];
            assert!(error["message"].as_str().is_some_and(|text| text.starts_with("The stream broke: ")), "{error}");
            assert!(error["code"].is_string() && failed["error"].is_null(), "{failed}");
        }
        assert!(app.requests(5).await.iter().all(|row| row["outcome"] == "interrupted"));
    }

    async fn metadata_is_an_event_of_its_own(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(Script::stream().text("Hi").finish("stop").usage(1, 2).done());
        let body = json!({"model": "gpt", "stream": true, "input": "Hi"});
        let request = with_json(app.request(reqwest::Method::POST, "/v1/responses"), &body);
        let answer = app.call(request.header("x-failsoft-metadata", "enabled"), &app.organization.key).await;
        assert!(answer.text().contains("event: failsoft\ndata: {\"type\":\"failsoft\""), "{}", answer.text());
        let kinds: Vec<Value> = events(&answer).iter().map(|event| event["type"].clone()).collect();
        assert_eq!(kinds[kinds.len() - 3..], ["response.output_item.done", "failsoft", "response.completed"], "{kinds:?}");
    }
}
