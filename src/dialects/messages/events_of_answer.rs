//! Turns a whole message into the events of a stream, for providers that ignore `stream`.
//!
//! A block is its start with an empty text, one delta, and its stop. Blocks of other kinds are whole in their start. The input
//! of a call keeps its bytes.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::dialects::whole_characters::whole_characters;

/// The inputs of calls, as they are written.
#[derive(Deserialize, Default)]
struct Inputs<'a> {
    #[serde(borrow)]
    content: Vec<Input<'a>>,
}

#[derive(Deserialize)]
struct Input<'a> {
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

/// The events of a whole message, or `None` if it is not one.
#[must_use]
pub fn events(body: &[u8]) -> Option<Vec<u8>> {
    let body = &*whole_characters(body);
    let mut message: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let Some(Value::Array(blocks)) = message.insert("content".to_owned(), json!([])) else { return None };
    let inputs: Inputs<'_> = serde_json::from_slice(body).unwrap_or_default();
    let mut delta = Map::new();
    for name in ["stop_reason", "stop_sequence", "stop_details"] {
        if let Some(value) = message.get_mut(name) {
            delta.insert(name.to_owned(), value.take());
        }
    }
    let usage = counted(message.remove("usage"));
    message.insert("usage".to_owned(), usage.clone());
    let mut out = Vec::with_capacity(body.len() + 1_024);
    event(&mut out, "message_start", json!({"message": message}));
    for (index, mut block) in blocks.into_iter().enumerate() {
        let input = inputs.content.get(index).and_then(|block| block.input);
        let delta = take_delta(&mut block, input);
        event(&mut out, "content_block_start", json!({"index": index, "content_block": block}));
        if let Some(delta) = delta {
            event(&mut out, "content_block_delta", json!({"index": index, "delta": delta}));
        }
        event(&mut out, "content_block_stop", json!({"index": index}));
    }
    event(&mut out, "message_delta", json!({"delta": delta, "usage": usage}));
    out.extend_from_slice(super::LAST_EVENT);
    Some(out)
}

/// The usage with the counts that clients read without looking whether they are there.
fn counted(usage: Option<Value>) -> Value {
    let mut counts = match usage {
        Some(Value::Object(counts)) => counts,
        Some(_) | None => Map::new(),
    };
    for name in ["input_tokens", "output_tokens"] {
        let count = counts.entry(name).or_insert(Value::Null);
        if !count.is_number() {
            *count = json!(0);
        }
    }
    Value::Object(counts)
}

/// Takes what clients read from a delta out of a block. `input` is that of a call, as it is written.
fn take_delta(block: &mut Value, input: Option<&RawValue>) -> Option<Value> {
    let (name, kind, empty) = match block.get("type").and_then(Value::as_str)? {
        "text" => ("text", "text_delta", json!("")),
        "thinking" => ("thinking", "thinking_delta", json!("")),
        "tool_use" | "server_tool_use" | "mcp_tool_use" => ("input", "input_json_delta", json!({})),
        _ => return None,
    };
    let value = std::mem::replace(block.get_mut(name)?, empty);
    Some(match name {
        "input" => {
            let input = input.map_or_else(|| value.to_string(), |input| input.get().to_owned());
            json!({"type": kind, "partial_json": input})
        }
        name => json!({"type": kind, name: value}),
    })
}

fn event(out: &mut Vec<u8>, name: &str, mut data: Value) {
    data["type"] = Value::from(name);
    out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_its_blocks_and_its_end() {
        let body = br#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hi"},{"type":"tool_use","id":"t","name":"n","input":{"b": 1.50,"a":12345678901234567890123}}],"stop_reason":"tool_use","stop_sequence":null,"stop_details":{"type":"refusal"},"usage":{"input_tokens":3,"output_tokens":2}}"#;
        let text = String::from_utf8(events(body).expect("events")).expect("UTF-8");
        let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
        assert_eq!(
            names,
            [
                "message_start",
                "content_block_start",
                "content_block_delta",
                "content_block_stop",
                "content_block_start",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "message_stop"
            ]
        );
        let input = r#""partial_json":"{\"b\": 1.50,\"a\":12345678901234567890123}""#;
        assert!(text.contains(input), "{text}");
        let end =
            r#""delta":{"stop_details":{"type":"refusal"},"stop_reason":"tool_use","stop_sequence":null}"#;
        assert!(text.contains(end), "{text}");
        assert!(events(b"[]").is_none() && events(br#"{"content":7}"#).is_none());
    }

    #[test]
    fn clients_always_find_a_usage() {
        for (usage, expected) in [
            ("", json!({"input_tokens": 0, "output_tokens": 0})),
            (r#","usage":null"#, json!({"input_tokens": 0, "output_tokens": 0})),
            (r#","usage":{"input_tokens":3}"#, json!({"input_tokens": 3, "output_tokens": 0})),
            (
                r#","usage":{"output_tokens":null,"of_next_year":1}"#,
                json!({"input_tokens": 0, "output_tokens": 0, "of_next_year": 1}),
            ),
        ] {
            let body = format!(r#"{{"content":[],"stop_reason":"end_turn"{usage}}}"#);
            let text = String::from_utf8(events(body.as_bytes()).expect("events")).expect("UTF-8");
            let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
            let data: Vec<Value> = data.map(|data| serde_json::from_str(data).expect("JSON")).collect();
            assert_eq!((&data[0]["message"]["usage"], &data[1]["usage"]), (&expected, &expected), "{body}");
        }
    }

    #[test]
    fn half_a_character_does_not_hide_the_message() {
        let body = br#"{"content":[{"type":"text","text":"a\ud83d"}],"stop_reason":"end_turn"}"#;
        let text = String::from_utf8(events(body).expect("events")).expect("UTF-8");
        assert!(text.contains("a\u{fffd}"), "{text}");
    }
}
