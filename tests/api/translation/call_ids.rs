//! Ids of calls that a provider repeats or leaves out: every call gets its own, and results find their calls.

use serde_json::{Value, json};

use super::{adapted, call, catalog, completion, message};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// The values of members of this name, of objects that also have the other one, at any depth and in order.
fn members<'a>(value: &'a Value, name: &str, beside: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => {
            if object.contains_key(beside) {
                found.extend(object.get(name));
            }
            object.values().for_each(|value| members(value, name, beside, found));
        }
        Value::Array(values) => values.iter().for_each(|value| members(value, name, beside, found)),
        _ => {}
    }
}

/// The ids of the calls in JSON texts.
fn ids(texts: &[String], beside: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for text in texts.iter().filter(|text| *text != "[DONE]") {
        let value: Value = serde_json::from_str(text).expect(text);
        let mut found = Vec::new();
        members(&value, "id", beside, &mut found);
        ids.extend(found.into_iter().filter_map(Value::as_str).map(str::to_owned));
    }
    ids
}

fn are_different(ids: &[String]) -> bool {
    let valid = |id: &String| {
        !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    ids.iter().all(|id| valid(id) && ids.iter().filter(|other| *other == id).count() == 1)
}

/// A completion with two calls of this id; `None` leaves it out.
fn two_calls(id: Option<&str>, stream: bool) -> Script {
    if stream {
        let piece = |index: u64| call(index, id, Some("f"), "{}");
        return Script::stream().delta(&piece(0), None).delta(&piece(1), None).finish("tool_calls").done();
    }
    let mut call = json!({"type": "function", "function": {"name": "f", "arguments": "{}"}});
    if let Some(id) = id {
        call["id"] = id.into();
    }
    completion(&json!({"role": "assistant", "content": null, "tool_calls": [call, call]}), "tool_calls")
}

/// A message with two calls of the same id.
fn two_blocks(stream: bool) -> Script {
    let block = json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}});
    if stream {
        let start = |index: u64| json!({"index": index, "content_block": block});
        let stop = |index: u64| json!({"index": index});
        return Script::message_start()
            .named("content_block_start", start(0))
            .named("content_block_stop", stop(0))
            .named("content_block_start", start(1))
            .named("content_block_stop", stop(1))
            .message_delta("tool_use")
            .message_stop();
    }
    Script::json(
        200,
        &json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "upstream", "content": [block, block],
            "stop_reason": "tool_use", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}
        }),
    )
}

on_both_databases! {
    async fn the_calls_of_a_conversation_have_different_ids(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        for stream in [false, true] {
            let mut given = Vec::new();
            // The first id is valid, so its first call keeps it; all others get a new one in each answer.
            for id in [Some("same"), Some(""), None, Some(""), None] {
                fake.next(two_calls(id, stream));
                let answer = message(&app, &json!({"model": "gpt", "stream": stream})).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                let texts = if stream { answer.events() } else { vec![answer.text()] };
                given.extend(ids(&texts, "input"));
            }
            assert_eq!(given.first().map(String::as_str), Some("same"));
            assert!(given.len() == 10 && are_different(&given), "{stream}: {given:?}");
        }
    }

    async fn the_calls_of_a_message_have_different_ids(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        for stream in [false, true] {
            fake.next(two_blocks(stream));
            let answer = app.chat(&json!({"model": "claude", "stream": stream})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let texts = if stream { answer.events() } else { vec![answer.text()] };
            let given = ids(&texts, "function");
            assert_eq!(given.first().map(String::as_str), Some("toolu_1"), "{}", answer.text());
            assert!(given.len() == 2 && are_different(&given), "{}", answer.text());
        }
    }

    async fn results_find_their_calls_at_a_provider_of_messages(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always(Script::message("Hi"));
        let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let result = |id: &str, text: &str| json!({"role": "tool", "tool_call_id": id, "content": text});
        let asked = json!({"model": "claude", "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": null, "tool_calls": [call("x"), call("")]}, result("x", "0"), result("", "1"),
            {"role": "assistant", "content": null, "tool_calls": [call("x"), call("x"), call("")]},
            result("x", "2"), result("x", "3"), result("", "4"),
        ]});
        for _ in 0..2 {
            assert_eq!(app.chat(&asked).await.status, 200);
        }
        let sent = fake.request(0).await.json();
        assert_eq!(sent, fake.request(1).await.json());
        let (mut calls, mut results, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        members(&sent, "id", "input", &mut calls);
        members(&sent, "tool_use_id", "content", &mut results);
        members(&sent["messages"], "content", "tool_use_id", &mut texts);
        assert_eq!(calls, results, "{sent}");
        let texts: Vec<&Value> = texts.into_iter().map(|content| &content[0]["text"]).collect();
        assert_eq!(texts, ["0", "1", "2", "3", "4"], "{sent}");
        let calls: Vec<String> = calls.into_iter().filter_map(Value::as_str).map(str::to_owned).collect();
        assert!(calls.len() == 5 && calls[0] == "x" && are_different(&calls), "{sent}");
        assert!(adapted(&app, 2).await.contains(&"aliased:tool_id".to_owned()));
    }

    async fn results_find_their_calls_at_a_provider_of_chat_completions(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.always(Script::answer("Hi"));
        let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
        let result = |id: &str, text: &str| json!({"type": "tool_result", "tool_use_id": id, "content": text});
        let asked = json!({"model": "gpt", "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [call("x"), call("")]},
            {"role": "user", "content": [result("x", "0"), result("", "1")]},
            {"role": "assistant", "content": [call("x"), call("x"), call("")]},
            {"role": "user", "content": [result("x", "2"), result("x", "3"), result("", "4")]},
        ]});
        assert_eq!(message(&app, &asked).await.status, 200);
        let sent = fake.request(0).await.json();
        let (mut calls, mut results, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        members(&sent, "id", "function", &mut calls);
        members(&sent, "tool_call_id", "content", &mut results);
        members(&sent, "content", "tool_call_id", &mut texts);
        assert_eq!(calls, results, "{sent}");
        assert_eq!(texts, ["0", "1", "2", "3", "4"], "{sent}");
        let calls: Vec<String> = calls.into_iter().filter_map(Value::as_str).map(str::to_owned).collect();
        assert!(calls.len() == 5 && calls[0] == "x" && are_different(&calls), "{sent}");
        assert_eq!(adapted(&app, 1).await, ["aliased:tool_id"]);
    }
}
