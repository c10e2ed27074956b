//! Reads the events of a message's stream.

use super::read_answer::{signature, stop};
use crate::dialects::answers::Event;
use crate::dialects::ids;
use crate::dialects::members::Members;

/// What is known of a stream.
#[derive(Debug, Default)]
pub struct Reader {
    /// The indices of the blocks that are calls, in order.
    calls: Vec<u64>,
    ids: ids::OfAnswer,
}

impl Reader {
    /// Reads the data of one event. Events and blocks that have no equivalent are left out.
    pub fn read(&mut self, data: &[u8], events: &mut Vec<Event>) {
        let Ok(data) = serde_json::from_slice::<Members<'_>>(data) else { return };
        match data.text("type").as_deref() {
            Some("message_start") => {
                let id = data.object("message").and_then(|message| message.text("id"));
                events.push(Event::Begin(id.unwrap_or_default()));
            }
            Some("content_block_start") => self.block(&data, events),
            Some("content_block_delta") => self.delta(&data, events),
            Some("message_delta") => {
                let reason = data.object("delta").and_then(|delta| delta.text("stop_reason"));
                events.extend(reason.map(|reason| Event::Stop(stop(&reason))));
            }
            Some(_) | None => {}
        }
    }

    fn block(&mut self, data: &Members<'_>, events: &mut Vec<Event>) {
        let Some(block) = data.object("content_block") else { return };
        let some = |text: &String| !text.is_empty();
        match block.text("type").as_deref() {
            Some("text") => events.extend(block.text("text").filter(some).map(Event::Text)),
            Some("thinking") => {
                events.extend(block.text("thinking").filter(some).map(Event::Reasoning));
                events.extend(signature(&block).map(Event::Signature));
            }
            Some("redacted_thinking") => events.extend(block.text("data").filter(some).map(Event::Redacted)),
            Some("tool_use") => {
                let position = self.calls.len();
                self.calls.push(data.value("index").unwrap_or_default());
                // A call without an id is broken in the dialect of its provider.
                let id = block.text("id").filter(some).map(|id| self.ids.give(Some(id))).unwrap_or_default();
                let name = block.text("name").unwrap_or_default();
                events.push(Event::Call { position, id, name });
                // Usually the input follows, and the start has an empty one.
                let whole = block.raw("input").map(|input| input.get()).filter(|input| *input != "{}");
                events.extend(whole.map(|json| Event::Input { position, json: json.to_owned() }));
            }
            Some(_) | None => {}
        }
    }

    fn delta(&self, data: &Members<'_>, events: &mut Vec<Event>) {
        let Some(delta) = data.object("delta") else { return };
        let text = |name: &str| delta.text(name).filter(|text| !text.is_empty());
        match delta.text("type").as_deref() {
            Some("text_delta") => events.extend(text("text").map(Event::Text)),
            Some("thinking_delta") => events.extend(text("thinking").map(Event::Reasoning)),
            Some("signature_delta") => events.extend(signature(&delta).map(Event::Signature)),
            Some("input_json_delta") => {
                let index: u64 = data.value("index").unwrap_or_default();
                let position = self.calls.iter().position(|known| *known == index);
                let input = position.zip(text("partial_json"));
                events.extend(input.map(|(position, json)| Event::Input { position, json }));
            }
            Some(_) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::answers::Stop;

    #[test]
    fn the_events_of_a_message_are_read() {
        let mut reader = Reader::default();
        let mut events = Vec::new();
        for data in [
            r#"{"type":"message_start","message":{"id":"msg_1"}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"T"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"eA=="}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"u","name":"g","input":{"a":1}}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            r#"{"type":"content_block_delta","index":3,"delta":{"type":"of_next_year"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":null}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
            "broken",
        ] {
            reader.read(data.as_bytes(), &mut events);
        }
        let call = |position, id: &str, name: &str| Event::Call {
            position,
            id: id.to_owned(),
            name: name.to_owned(),
        };
        let input = |position, json: &str| Event::Input { position, json: json.to_owned() };
        let expected = [
            Event::Begin("msg_1".to_owned()),
            Event::Reasoning("T".to_owned()),
            Event::Signature("c2ln".to_owned()),
            Event::Redacted("eA==".to_owned()),
            Event::Text("Hi".to_owned()),
            call(0, "t", "f"),
            call(1, "u", "g"),
            input(1, r#"{"a":1}"#),
            input(0, "{}"),
            Event::Stop(Stop::Calls),
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn calls_with_the_same_id_are_two() {
        let (mut reader, mut events) = (Reader::default(), Vec::new());
        for index in 0..2 {
            let start = format!(
                r#"{{"type":"content_block_start","index":{index},"content_block":{{"type":"tool_use","id":"t","name":"f","input":{{}}}}}}"#
            );
            reader.read(start.as_bytes(), &mut events);
        }
        let [Event::Call { id: first, .. }, Event::Call { id: second, .. }] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert!(first == "t" && second.starts_with("call_"), "{events:?}");
    }
}
