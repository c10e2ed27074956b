//! Characters of which a provider sends the halves in two pieces: they arrive whole.

use serde_json::{Value, json};

use super::{catalog, message};
use crate::support::app::Answer;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const EMOJI: &str = "\u{1f600}";

/// A stream of chat completions with the insides of deltas, as JSON.
fn chunks(deltas: &[&str], end: &str) -> Script {
    let chunk = |delta: &str, end: &str| {
        format!(
            "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{{delta}}},\"finish_reason\":{end}}}]}}\n\n"
        )
    };
    let begun = deltas.iter().fold(Script::stream(), |script, delta| script.chunk(chunk(delta, "null")));
    begun.chunk(chunk("", end)).done()
}

/// A stream of a message with the deltas of its first block, as JSON.
fn events(start: &Value, deltas: &[&str], end: &str) -> Script {
    let begun =
        Script::message_start().named("content_block_start", json!({"index": 0, "content_block": start}));
    let event = |delta: &&str| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{delta}}}\n\n"
        )
    };
    let written = deltas.iter().map(event).fold(begun, Script::chunk);
    written.named("content_block_stop", json!({"index": 0})).message_delta(end).message_stop()
}

/// The pieces of a stream with these names, put together.
fn pieces(answer: &Answer, names: &[&str]) -> String {
    let data = answer.events().into_iter().filter_map(|data| serde_json::from_str::<Value>(&data).ok());
    let delta = |data: Value| {
        let delta = if data["delta"].is_object() { &data["delta"] } else { &data["choices"][0]["delta"] };
        let function = &delta["tool_calls"][0]["function"];
        names
            .iter()
            .find_map(|name| delta[*name].as_str().or_else(|| function[*name].as_str()))
            .unwrap_or_default()
            .to_owned()
    };
    data.map(delta).collect()
}

const CALL: [&str; 2] = [
    r#""tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":"{\"a\":\"\ud83d"}}]"#,
    r#""tool_calls":[{"index":0,"function":{"arguments":"\ude00\"}"}}]"#,
];

on_both_databases! {
    async fn halves_meet_in_streams_of_messages(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        for (deltas, end, name, expected) in [
            (&[r#""content":"a\ud83d""#, r#""content":"\ude00b""#][..], "\"stop\"", "text", format!("a{EMOJI}b")),
            (&[r#""content":"a\ud83d""#, r#""content":"b""#], "\"stop\"", "text", "a\u{fffd}b".to_owned()),
            (&[r#""content":"a\ud83d""#], "\"stop\"", "text", "a\u{fffd}".to_owned()),
            (&[r#""reasoning_content":"\ud83d""#, r#""reasoning_content":"\ude00""#], "\"stop\"", "thinking", EMOJI.to_owned()),
            (&CALL, "\"tool_calls\"", "partial_json", format!("{{\"a\":\"{EMOJI}\"}}")),
        ] {
            fake.next(chunks(deltas, end));
            let answer = message(&app, &json!({"model": "gpt", "stream": true})).await;
            assert_eq!(pieces(&answer, &[name]), expected, "{}", answer.text());
            assert!(answer.text().contains("message_stop"), "{}", answer.text());
        }
    }

    async fn halves_meet_in_streams_of_completions(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        for (start, deltas, end, name, expected) in [
            (json!({"type": "text", "text": ""}), [r#"{"type":"text_delta","text":"a\ud83d"}"#, r#"{"type":"text_delta","text":"\ude00b"}"#], "end_turn", "content", format!("a{EMOJI}b")),
            (json!({"type": "text", "text": ""}), [r#"{"type":"text_delta","text":"a"}"#, r#"{"type":"text_delta","text":"\ud83d"}"#], "end_turn", "content", "a\u{fffd}".to_owned()),
            (json!({"type": "thinking", "thinking": ""}), [r#"{"type":"thinking_delta","thinking":"\ud83d"}"#, r#"{"type":"thinking_delta","thinking":"\ude00"}"#], "end_turn", "reasoning_content", EMOJI.to_owned()),
            (json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}), [r#"{"type":"input_json_delta","partial_json":"{\"a\":\"\ud83d"}"#, r#"{"type":"input_json_delta","partial_json":"\ude00\"}"}"#], "tool_use", "arguments", format!("{{\"a\":\"{EMOJI}\"}}")),
        ] {
            fake.next(events(&start, &deltas, end));
            let answer = app.chat(&json!({"model": "claude", "stream": true})).await;
            assert_eq!(pieces(&answer, &[name]), expected, "{}", answer.text());
            assert!(answer.text().contains("[DONE]"), "{}", answer.text());
        }
    }

    async fn halves_meet_in_answers_that_are_put_together(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let text = || chunks(&[r#""content":"a\ud83d""#, r#""content":"\ude00b\ud83d""#], "\"stop\"");
        let expected = json!(format!("a{EMOJI}b\u{fffd}"));
        fake.next(text());
        let native = app.chat(&json!({"model": "gpt"})).await;
        assert_eq!(native.json()["choices"][0]["message"]["content"], expected, "{}", native.text());
        fake.next(text());
        let translated = message(&app, &json!({"model": "gpt"})).await;
        assert_eq!(translated.json()["content"][0]["text"], expected, "{}", translated.text());
        let deltas = [r#"{"type":"text_delta","text":"a\ud83d"}"#, r#"{"type":"text_delta","text":"\ude00b\ud83d"}"#];
        let text = || events(&json!({"type": "text", "text": ""}), &deltas, "end_turn");
        fake.next(text());
        let native = message(&app, &json!({"model": "claude"})).await;
        assert_eq!(native.json()["content"][0]["text"], expected, "{}", native.text());
        fake.next(text());
        let translated = app.chat(&json!({"model": "claude"})).await;
        assert_eq!(translated.json()["choices"][0]["message"]["content"], expected, "{}", translated.text());
        fake.next(chunks(&CALL, "\"tool_calls\""));
        let called = message(&app, &json!({"model": "gpt"})).await;
        assert_eq!(called.json()["content"][0]["input"], json!({"a": EMOJI}), "{}", called.text());
    }

    async fn the_bytes_of_a_native_stream_do_not_change(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        fake.next(chunks(&[r#""content":"a\ud83d""#, r#""content":"\ude00b""#], "\"stop\""));
        let answer = app.chat(&json!({"model": "gpt", "stream": true})).await;
        assert!(answer.text().contains(r#""content":"a\ud83d""#) && answer.text().contains(r#""content":"\ude00b""#), "{}", answer.text());
    }
}
