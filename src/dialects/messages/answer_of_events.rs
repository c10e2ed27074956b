//! Assembles the events of a stream to a whole message, for providers that stream although they were not asked to.
//!
//! Texts are concatenated, and the input of a call keeps its bytes; for any other member the last value counts.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::event::{Event, Order};
use super::usage;

/// A message under construction.
#[derive(Debug, Default)]
pub struct AssembledMessage {
    order: Order,
    /// Its members except the content and the usage.
    members: Map<String, Value>,
    blocks: BTreeMap<u64, Block>,
    usage: Map<String, Value>,
}

/// A block under construction.
#[derive(Debug)]
struct Block {
    members: Map<String, Value>,
    /// The input of a call so far, as text.
    input: String,
}

impl AssembledMessage {
    /// Adds an event. `None` means that it must not come at this place, or lacks its members.
    pub fn add(&mut self, event: &Event<'_>, data: &[u8]) -> Option<()> {
        if !self.order.admits(event) {
            return None;
        }
        let mut data: Map<String, Value> = serde_json::from_slice(data).ok()?;
        match event {
            Event::Start { .. } => {
                self.members = object(data.remove("message"));
                self.count();
            }
            Event::Block(_) => {
                let next = self.blocks.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
                let members = object(data.remove("content_block"));
                self.blocks.insert(index(&data).unwrap_or(next), Block { members, input: String::new() });
            }
            Event::Delta(_) => {
                let last = self.blocks.last_key_value().map(|(last, _)| *last);
                let block = self.blocks.get_mut(&index(&data).or(last)?)?;
                block.add(object(data.remove("delta")));
            }
            Event::End { .. } => {
                let delta = object(data.remove("delta"));
                let beside = data.into_iter().filter(|(name, _)| name != "type");
                self.members.extend(delta.into_iter().chain(beside).filter(|(_, value)| !value.is_null()));
                self.count();
            }
            Event::Stop | Event::Error | Event::Other => {}
        }
        Some(())
    }

    /// Whether the message has its `stop_reason`.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.members.get("stop_reason").is_some_and(Value::is_string)
    }

    /// The message as JSON. `None` means that there is none, or that the input of a call is not an object.
    #[must_use]
    pub fn into_body(mut self) -> Option<String> {
        if self.members.is_empty() {
            return None;
        }
        self.members.remove("content");
        let blocks: Option<Vec<String>> = self.blocks.into_values().map(Block::into_json).collect();
        let content = format!("[{}]", blocks?.join(","));
        let message = with(Value::Object(self.members).to_string(), "content", &content);
        Some(with(message, "usage", &Value::Object(self.usage).to_string()))
    }

    /// Takes the usage out of the members.
    fn count(&mut self) {
        usage::replace(&mut self.usage, object(self.members.remove("usage")));
    }
}

impl Block {
    fn add(&mut self, delta: Map<String, Value>) {
        for (name, piece) in delta {
            match (&*name, piece) {
                ("type", _) => {}
                ("partial_json", Value::String(piece)) => self.input.push_str(&piece),
                ("citation", citation) => match self.members.entry("citations").or_insert(Value::Null) {
                    Value::Array(citations) => citations.push(citation),
                    none => *none = Value::Array(vec![citation]),
                },
                // It comes as a whole.
                ("signature", signature) => drop(self.members.insert(name, signature)),
                (_, Value::String(piece)) => match self.members.entry(name).or_insert(Value::Null) {
                    Value::String(known) => known.push_str(&piece),
                    none => *none = Value::String(piece),
                },
                (_, value) => drop(self.members.insert(name, value)),
            }
        }
    }

    fn into_json(mut self) -> Option<String> {
        if self.input.is_empty() {
            return Some(Value::Object(self.members).to_string());
        }
        let input: &RawValue = serde_json::from_str(&self.input).ok()?;
        self.members.remove("input");
        input
            .get()
            .starts_with('{')
            .then(|| with(Value::Object(self.members).to_string(), "input", input.get()))
    }
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(members)) => members,
        Some(_) | None => Map::new(),
    }
}

fn index(data: &Map<String, Value>) -> Option<u64> {
    data.get("index").and_then(Value::as_u64)
}

/// Adds a member to an object that is written as JSON.
fn with(mut object: String, name: &str, value: &str) -> String {
    object.pop();
    if object.len() > 1 {
        object.push(',');
    }
    object.extend(["\"", name, "\":", value, "}"]);
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::event::Named;
    use super::super::events_of_answer;
    use super::*;

    fn assembled(events: &[u8]) -> Option<String> {
        let mut message = AssembledMessage::default();
        for line in events.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data: ")) {
            message.add(&Named::read(line, None)?.event, line)?;
        }
        message.into_body()
    }

    #[test]
    fn a_message_that_became_events_is_the_same_again() {
        let message = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "container": {"id": "c"},
            "content": [
                {"type": "thinking", "thinking": "Two cities.", "signature": "c2ln"},
                {"type": "text", "text": "H\u{e9}llo", "citations": null},
                {"type": "tool_use", "id": "t", "name": "n", "input": {"b": 1, "a": [2, {"c": null}]}},
                {"type": "tool_use", "id": "u", "name": "n", "input": {}},
                {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
            ],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {"input_tokens": 3, "output_tokens": 2, "cache_creation": {"ephemeral_5m_input_tokens": 0}}
        });
        let events = events_of_answer::events(message.to_string().as_bytes()).expect("events");
        let body = assembled(&events).expect("a message");
        assert_eq!(serde_json::from_str::<Value>(&body).expect("JSON"), message);
    }

    #[test]
    fn pieces_are_joined_and_the_input_of_a_call_keeps_its_bytes() {
        let body = assembled(concat!(
            "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":12,\"output_tokens\":1}}}\n",
            "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{}}}\n",
            "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n",
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hel\"}}\n",
            "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"z\\\": 12345678901234567890123,\"}}\n",
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"lo\"}}\n",
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"citations_delta\",\"citation\":{\"a\":1}}}\n",
            "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"a\\\":1.0}\"}}\n",
            "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"input_tokens\":0,\"output_tokens\":31},\"context_management\":{}}\n",
        ).as_bytes())
        .expect("a message");
        assert!(body.contains(r#""input":{"z": 12345678901234567890123,"a":1.0}"#), "{body}");
        let message: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(message["content"][0], json!({"type": "text", "text": "Hello", "citations": [{"a": 1}]}));
        assert_eq!(message["usage"], json!({"input_tokens": 12, "output_tokens": 31}));
        assert_eq!(
            (&message["stop_reason"], &message["context_management"]),
            (&json!("tool_use"), &json!({}))
        );
    }

    #[test]
    fn what_is_no_message_is_none() {
        let start = "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n";
        let call = "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\"}}\n";
        let piece = |json: &str| {
            format!(
                "data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"partial_json\":\"{json}\"}}}}\n"
            )
        };
        for (events, whole) in [
            (String::new(), false),
            (call.to_owned(), false),
            ([start, &piece("{}")].concat(), false),
            ([start, call, &piece("{")].concat(), false),
            ([start, call, &piece("[]")].concat(), false),
            ([start, call, &piece("{}")].concat(), true),
            (start.to_owned(), true),
        ] {
            assert_eq!(assembled(events.as_bytes()).is_some(), whole, "{events}");
        }
    }
}
