//! Chains through simulated faults that matter where one dialect is translated into another.

use std::net::TcpListener;

use failsoft::simulate::{Settings, start};
use serde_json::{Value, json};

use super::message;
use crate::support::app::{Answer, App};
use crate::support::on_both_databases;

/// Models of a simulator that is called in one dialect only: `claude-...` in Messages, `gpt-...` in chat completions.
async fn catalog(app: &App) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let base_url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    tokio::spawn(start(listener, Settings::default()).expect("a server"));
    for (vendor, preset) in [("claude", "custom-messages"), ("gpt", "custom")] {
        let provider = app.organization.provider_at(vendor, preset, Some(&base_url)).await;
        for fault in ["bad-signature", "stop-with-tools", "late-thinking"] {
            let upstream = format!("sim/{fault}");
            app.organization
                .model_like(&format!("{vendor}-{fault}"), provider, |model| {
                    upstream.clone_into(&mut model.upstream_model);
                    model.settings.capabilities.reasoning = Some(true);
                })
                .await;
        }
    }
}

fn chat_tools() -> Value {
    json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}])
}

fn tools() -> Value {
    json!([{"name": "f", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}])
}

/// The data of the events of a stream.
fn data(answer: &Answer) -> Vec<Value> {
    let events = answer.events();
    let data = events.iter().filter(|data| data.as_str() != "[DONE]");
    data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
}

/// The type, and the text or the input, of each block of a streamed message. Blocks come one after the other.
fn blocks(answer: &Answer) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    for data in data(answer) {
        match data["type"].as_str() {
            Some("content_block_start") => {
                assert_eq!(data["index"], blocks.len(), "{}", answer.text());
                blocks.push((
                    data["content_block"]["type"].as_str().expect("a type").to_owned(),
                    String::new(),
                ));
            }
            Some("content_block_delta") => {
                assert_eq!(data["index"], blocks.len() - 1, "{}", answer.text());
                let delta = &data["delta"];
                let piece =
                    ["text", "thinking", "partial_json"].iter().find_map(|name| delta[*name].as_str());
                blocks.last_mut().expect("a block").1 += piece.unwrap_or_default();
            }
            _ => {}
        }
    }
    blocks
}

on_both_databases! {
    async fn a_loop_of_tools_keeps_its_signatures_for_a_chat_caller(app: App) {
        catalog(&app).await;
        let mut turns = json!([{"role": "user", "content": "Go to Ulm"}]);
        for finish in ["tool_calls", "stop"] {
            let asked = json!({"model": "claude-bad-signature", "messages": turns, "tools": chat_tools(), "reasoning_effort": "low"});
            let answer = app.chat(&asked).await;
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "1"), "{}", answer.text());
            let choice = answer.json()["choices"][0].clone();
            assert_eq!(choice["finish_reason"], finish, "{choice}");
            assert!(choice["message"]["reasoning_details"][0]["signature"].is_string(), "{choice}");
            let list = turns.as_array_mut().expect("a list");
            list.push(choice["message"].clone());
            if let Some(id) = choice["message"]["tool_calls"][0]["id"].as_str() {
                list.push(json!({"role": "tool", "tool_call_id": id, "content": "R"}));
            }
        }
        // What another one has signed is left out of a second call.
        turns[1]["reasoning_details"][0]["signature"] = "Zm9yZWlnbg==".into();
        let list = turns.as_array_mut().expect("a list");
        list.push(json!({"role": "user", "content": "And now?"}));
        let asked = json!({"model": "claude-bad-signature", "messages": turns, "reasoning_effort": "low"});
        let answer = app.chat(&asked).await;
        assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "2"), "{}", answer.text());
        let row = app.requests(3).await.pop().expect("a row");
        let changes = row["attempts"][1]["adapted"].as_array().expect("a list");
        assert!(changes.contains(&json!("stripped:thinking")), "{row}");
    }

    async fn a_message_with_foreign_reasoning_is_answered_without_it(app: App) {
        catalog(&app).await;
        let asked = json!({
            "model": "claude-bad-signature", "max_tokens": 4_000, "tools": tools(), "thinking": {"type": "enabled", "budget_tokens": 1_024},
            "messages": [
                {"role": "user", "content": "Go"},
                {"role": "assistant", "content": [{"type": "thinking", "thinking": "T", "signature": "c2ln"}, {"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "R"}]}
            ]
        });
        for stream in [false, true] {
            let mut asked = asked.clone();
            asked["stream"] = stream.into();
            let answer = message(&app, &asked).await;
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "2"), "{}", answer.text());
        }
        // Also where nothing but the reasoning that is required is missing.
        let mut without = asked;
        without["messages"][1]["content"].as_array_mut().expect("blocks").remove(0);
        let answer = message(&app, &without).await;
        assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "2"), "{}", answer.text());
        let row = app.requests(3).await.pop().expect("a row");
        assert_eq!(row["attempts"][1]["adapted"], json!(["disabled:thinking"]), "{row}");
    }

    async fn there_is_a_call_if_and_only_if_the_end_says_so(app: App) {
        catalog(&app).await;
        for calls in [true, false] {
            let own = if calls { json!({"tools": tools()}) } else { json!({}) };
            let chat = if calls { json!({"tools": chat_tools()}) } else { json!({}) };
            let (stop, finish) = if calls { ("tool_use", "tool_calls") } else { ("end_turn", "stop") };
            for stream in [false, true] {
                let with = |fields: &Value, model: &str| {
                    let mut body = json!({"model": model, "stream": stream});
                    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
                    body
                };
                let answer = message(&app, &with(&own, "gpt-stop-with-tools")).await;
                let found = if stream {
                    data(&answer).iter().find_map(|data| data["delta"]["stop_reason"].as_str().map(str::to_owned))
                } else {
                    answer.json()["stop_reason"].as_str().map(str::to_owned)
                };
                assert_eq!(found.as_deref(), Some(stop), "{}", answer.text());
                let answer = app.chat(&with(&chat, "claude-stop-with-tools")).await;
                let found = if stream {
                    data(&answer).iter().find_map(|data| data["choices"][0]["finish_reason"].as_str().map(str::to_owned))
                } else {
                    answer.json()["choices"][0]["finish_reason"].as_str().map(str::to_owned)
                };
                assert_eq!(found.as_deref(), Some(finish), "{}", answer.text());
            }
        }
    }

    async fn a_late_thought_is_a_block_of_its_own(app: App) {
        catalog(&app).await;
        let spoken = message(&app, &json!({"model": "gpt-late-thinking", "stream": true})).await;
        let kinds: Vec<String> = blocks(&spoken).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["text", "thinking", "text"], "{}", spoken.text());
        // In the middle of a call it waits, and the input stays whole.
        let called = message(&app, &json!({"model": "gpt-late-thinking", "stream": true, "tools": tools()})).await;
        let blocks = blocks(&called);
        let kinds: Vec<&str> = blocks.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["tool_use", "thinking"], "{}", called.text());
        let input: Value = serde_json::from_str(&blocks[0].1).expect("JSON");
        assert!(input["city"].is_string(), "{input}");
        let late = app.chat(&json!({"model": "claude-late-thinking", "stream": true})).await;
        let deltas: Vec<Value> = data(&late).iter().map(|data| data["choices"][0]["delta"].clone()).collect();
        let place = |name: &str| deltas.iter().position(|delta| delta[name].as_str().is_some_and(|text| !text.is_empty()));
        assert!(place("content").is_some() && place("content") < place("reasoning_content"), "{}", late.text());
    }
}
