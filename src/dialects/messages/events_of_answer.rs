//! Turns a whole message into the events of a stream, for providers that ignore `stream`.
//!
//! A block is its start with an empty text, one delta, and its stop. Blocks of other kinds are whole in their start.

use serde_json::{Map, Value, json};

/// The events of a whole message, or `None` if it is not one.
#[must_use]
pub fn events(body: &[u8]) -> Option<Vec<u8>> {
    let mut message: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let Some(Value::Array(blocks)) = message.insert("content".to_owned(), json!([])) else { return None };
    let mut end = |name: &str| message.insert(name.to_owned(), Value::Null).unwrap_or_default();
    let delta = json!({"stop_reason": end("stop_reason"), "stop_sequence": end("stop_sequence")});
    let usage = message.get("usage").cloned().unwrap_or_else(|| json!({}));
    let mut out = Vec::with_capacity(body.len() + 1_024);
    event(&mut out, "message_start", json!({"message": message}));
    for (index, mut block) in blocks.into_iter().enumerate() {
        let delta = take_delta(&mut block);
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

/// Takes what clients read from a delta out of a block.
fn take_delta(block: &mut Value) -> Option<Value> {
    let mut take =
        |name: &str, empty: Value| block.get_mut(name).map(|value| std::mem::replace(value, empty));
    if let Some(text) = take("text", json!("")) {
        return Some(json!({"type": "text_delta", "text": text}));
    }
    if let Some(thinking) = take("thinking", json!("")) {
        return Some(json!({"type": "thinking_delta", "thinking": thinking}));
    }
    let input = take("input", json!({}))?;
    Some(json!({"type": "input_json_delta", "partial_json": input.to_string()}))
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
        let body = br#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hi"},{"type":"tool_use","id":"t","name":"n","input":{"a":1}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}"#;
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
        assert!(text.contains(r#""partial_json":"{\"a\":1}""#), "{text}");
        assert!(text.contains(r#""stop_reason":"tool_use""#), "{text}");
        assert!(events(b"[]").is_none() && events(br#"{"content":7}"#).is_none());
    }
}
