//! Requests, answers and events that are not as they should be: whatever they are, there is a result and no panic.
//! `make fuzz` tries many more of them.

use proptest::prelude::*;
use proptest::sample::Index;

use super::members::{PAIRS, request_of, translated};
use super::streams::{ended, streams};
use super::vendors::STREAMS;
use super::*;

/// Words that readers look for, so that what is random comes near to what they read.
const WORDS: [&str; 24] = [
    "type",
    "text",
    "content",
    "role",
    "user",
    "assistant",
    "system",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "input",
    "tool_use",
    "tool_result",
    "thinking",
    "image",
    "source",
    "url",
    "document",
    "schema",
    "delta",
    "index",
    "finish_reason",
];

/// Any JSON that is not large.
fn json_values() -> impl Strategy<Value = Value> {
    let word = || prop::sample::select(WORDS.to_vec());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        word().prop_map(Value::from),
        "[ -~äж漢🎉\u{0}]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let member = (word(), inner.clone()).prop_map(|(name, value)| (name.to_owned(), value));
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
            prop::collection::vec(member, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The places of all values in a value.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    found.push(place.to_owned());
    match value {
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(at, value)| places(value, &format!("{place}/{at}"), found));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| places(value, &format!("{place}/{name}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The value with another one at one of its places.
fn mutated(value: &Value, place: Index, other: Value) -> Value {
    let mut found = Vec::new();
    places(value, "", &mut found);
    let mut value = value.clone();
    if let Some(old) = value.pointer_mut(place.get::<String>(&found)) {
        *old = other;
    }
    value
}

/// What a provider gets is JSON with a model.
fn check(pair: (CallerDialect, Dialect), body: &Value) -> Result<(), TestCaseError> {
    // The gateway reads no other request.
    if !body.is_object() {
        return Ok(());
    }
    if let Ok((written, _)) = translated(pair, body) {
        let written: Value = serde_json::from_str(&written).expect("JSON");
        prop_assert_eq!(&written["model"], "m");
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_request_with_anything_anywhere_is_translated_or_refused(
        pair in prop::sample::select(PAIRS.to_vec()),
        changes in prop::collection::vec((any::<Index>(), json_values()), 1..3),
    ) {
        let body = changes.into_iter().fold(request_of(pair.0), |body, (place, other)| mutated(&body, place, other));
        check(pair, &body)?;
    }

    #[test]
    fn a_request_of_anything_is_translated_or_refused(
        pair in prop::sample::select(PAIRS.to_vec()),
        body in json_values(),
    ) {
        check(pair, &body)?;
    }

    #[test]
    fn an_event_of_anything_is_read_or_ignored(
        at in any::<Index>(),
        place in any::<Index>(),
        other in json_values(),
    ) {
        for (from, stream) in streams() {
            let (_, sent) = STREAMS.iter().find(|(dialect, _)| *dialect == from).expect("a stream");
            let mut sent: Vec<String> = sent.iter().map(|event| (*event).to_owned()).collect();
            let at = at.index(sent.len());
            let broken = sent.get_mut(at).expect("an event");
            let event: Value = serde_json::from_str(broken).expect("JSON");
            *broken = mutated(&event, place, other.clone()).to_string();
            // One end, or none at all.
            let heard = ended(stream, &sent);
            prop_assert!(heard.is_none_or(|heard| heard.ends.len() == 1), "{:?}", sent);
        }
    }

    #[test]
    fn an_answer_of_anything_is_an_answer_or_none(
        place in any::<Index>(),
        other in json_values(),
    ) {
        let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [
            {"type": "thinking", "thinking": "T", "signature": "c2ln"}, {"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
        ], "stop_reason": "tool_use", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 2}});
        let completion = json!({"id": "c", "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": "Hi", "reasoning_content": "T", "refusal": null,
            "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
        }}]});
        let members: Members<'_> = serde_json::from_str("{}").expect("JSON");
        let repeated = Repeated::of(&members);
        let generated = json!({"responseId": "r", "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
            {"text": "T", "thought": true}, {"text": "Hi"},
            {"functionCall": {"id": "t", "name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}
        ]}}]});
        let conversed = json!({"stopReason": "tool_use", "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "T", "signature": "c2ln"}}}, {"text": "Hi"},
            {"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": 1}}}
        ]}}});
        for (from, to, whole) in [
            (Dialect::Messages, CallerDialect::ChatCompletions, &message),
            (Dialect::Messages, CallerDialect::Responses, &message),
            (Dialect::ChatCompletions, CallerDialect::Messages, &completion),
            (Dialect::ChatCompletions, CallerDialect::Responses, &completion),
            (Dialect::Gemini, CallerDialect::ChatCompletions, &generated),
            (Dialect::Gemini, CallerDialect::Messages, &generated),
            (Dialect::Gemini, CallerDialect::Responses, &generated),
            (Dialect::Converse, CallerDialect::ChatCompletions, &conversed),
            (Dialect::Converse, CallerDialect::Messages, &conversed),
            (Dialect::Converse, CallerDialect::Responses, &conversed),
        ] {
            let context = Context { stop, signer: Signer::Studio, created: 1, repeated: Some(&repeated) };
            for whole in [mutated(whole, place, other.clone()), other.clone()] {
                if let Some((written, _)) = answer((from, to), whole.to_string().as_bytes(), Tokens::default(), context) {
                    prop_assert!(serde_json::from_slice::<Value>(&written).is_ok(), "{}", whole);
                }
            }
        }
    }
}
