//! Reads the events of a stream.

use super::read_answer::{new_id, stop, stop_sequence};
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
        if data.raw("messageStart").is_some() {
            events.push(Event::Begin(new_id()));
        } else if let Some(started) = data.object("contentBlockStart") {
            self.start(&started, events);
        } else if let Some(added) = data.object("contentBlockDelta") {
            self.add(&added, events);
        } else if let Some(stopped) = data.object("messageStop") {
            events.extend(stop_sequence(&stopped).map(Event::StopSequence));
            events.extend(stopped.text("stopReason").map(|reason| Event::Stop(stop(&reason))));
        }
    }

    /// Text and reasoning begin with their first piece. A tool that the vendor runs is no call of the caller's.
    fn start(&mut self, started: &Members<'_>, events: &mut Vec<Event>) {
        let call = started.object("start").and_then(|start| start.object("toolUse"));
        let Some(call) = call.filter(|call| call.raw("type").is_none()) else { return };
        let position = self.calls.len();
        self.calls.push(started.value("contentBlockIndex").unwrap_or_default());
        // A call without an id is broken in the dialect of its provider.
        let id = call.text("toolUseId").filter(|id| !id.is_empty());
        let id = id.map(|id| self.ids.give(Some(id))).unwrap_or_default();
        let name = call.text("name").unwrap_or_default();
        events.push(Event::Call { position, id, name });
    }

    fn add(&self, added: &Members<'_>, events: &mut Vec<Event>) {
        let Some(delta) = added.object("delta") else { return };
        let text = |members: &Members<'_>, name: &str| members.text(name).filter(|text| !text.is_empty());
        if let Some(call) = delta.object("toolUse") {
            let index: u64 = added.value("contentBlockIndex").unwrap_or_default();
            // Of calls with the same index, the last one goes on.
            let position = self.calls.iter().rposition(|known| *known == index);
            let input = position.zip(text(&call, "input"));
            events.extend(input.map(|(position, json)| Event::Input { position, json }));
        } else if let Some(reasoning) = delta.object("reasoningContent") {
            events.extend(text(&reasoning, "text").map(Event::Reasoning));
            events.extend(text(&reasoning, "signature").map(Event::Signature));
            events.extend(text(&reasoning, "redactedContent").map(Event::Redacted));
        } else {
            events.extend(text(&delta, "text").map(Event::Text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::answers::Stop;

    fn read(lines: &[&str]) -> Vec<Event> {
        let (mut reader, mut events) = (Reader::default(), Vec::new());
        lines.iter().for_each(|line| reader.read(line.as_bytes(), &mut events));
        events
    }

    #[test]
    fn the_events_of_an_answer_are_read() {
        let mut events = read(&[
            r#"{"messageStart":{"role":"assistant"}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"T"}}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}}}}"#,
            r#"{"contentBlockStop":{"contentBlockIndex":0}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":1,"delta":{"reasoningContent":{"redactedContent":"eA=="}}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":2,"delta":{"text":"Hi"},"p":"abcd"}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":2,"delta":{"citation":{"title":"t"}}}}"#,
            r#"{"contentBlockStart":{"contentBlockIndex":3,"start":{"toolUse":{"toolUseId":"t","name":"weather"}}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":3,"delta":{"toolUse":{"input":"{\"city\":"}}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":3,"delta":{"toolUse":{"input":"\"Ulm\"}"}}}}"#,
            r#"{"contentBlockStart":{"contentBlockIndex":4,"start":{"toolUse":{"toolUseId":"s","name":"search","type":"server_tool_use"}}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":4,"delta":{"toolUse":{"input":"{}"}}}}"#,
            r#"{"messageStop":{"stopReason":"tool_use","additionalModelResponseFields":{"stop_sequence":"END"}}}"#,
            r#"{"metadata":{"usage":{"inputTokens":9,"outputTokens":2,"totalTokens":11}}}"#,
            "broken",
        ]);
        assert!(matches!(events.remove(0), Event::Begin(id) if id.len() == 32));
        assert_eq!(
            events,
            [
                Event::Reasoning("T".to_owned()),
                Event::Signature("c2ln".to_owned()),
                Event::Redacted("eA==".to_owned()),
                Event::Text("Hi".to_owned()),
                Event::Call { position: 0, id: "t".to_owned(), name: "weather".to_owned() },
                Event::Input { position: 0, json: "{\"city\":".to_owned() },
                Event::Input { position: 0, json: "\"Ulm\"}".to_owned() },
                Event::StopSequence("END".to_owned()),
                Event::Stop(Stop::Calls),
            ]
        );
    }

    #[test]
    fn calls_keep_their_inputs_and_no_two_have_the_same_id() {
        let start = |index: u8| {
            format!(
                r#"{{"contentBlockStart":{{"contentBlockIndex":{index},"start":{{"toolUse":{{"toolUseId":"t","name":"n"}}}}}}}}"#
            )
        };
        let input = |index: u8| {
            format!(
                r#"{{"contentBlockDelta":{{"contentBlockIndex":{index},"delta":{{"toolUse":{{"input":"{index}"}}}}}}}}"#
            )
        };
        let events = read(&[&start(1), &start(2), &input(1), &input(2), &input(9)]);
        let [Event::Call { id: first, .. }, Event::Call { id: second, .. }, inputs @ ..] = &events[..] else {
            panic!("{events:?}")
        };
        assert!(first == "t" && second != "t");
        let expected =
            [(0, "1"), (1, "2")].map(|(position, json)| Event::Input { position, json: json.to_owned() });
        assert_eq!(inputs, expected);
    }
}
