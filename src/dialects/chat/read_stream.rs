//! Reads the chunks of a chat completion as events.

use serde_json::value::RawValue;

use super::read_answer::{calls, content, reasoning_of};
use crate::dialects::answers::{Event, Stop};
use crate::dialects::ids;
use crate::dialects::members::{Members, text};

/// What is known of a stream.
#[derive(Debug)]
pub struct Reader {
    /// Interprets the word of a `finish_reason`.
    stop: fn(&str) -> Stop,
    /// Whether the answer has begun.
    begun: bool,
    /// The calls so far, by their positions.
    calls: Vec<Known>,
    ids: ids::OfAnswer,
    /// Whether the model refused in a field of its own.
    refused: bool,
}

/// A call that has begun.
#[derive(Debug, Default)]
struct Known {
    /// The index in the chunks; `None` if its provider sends none.
    index: Option<u64>,
    /// The provider's own id.
    own: String,
    /// The id that the caller gets.
    id: String,
    /// Input that came before the name of the tool.
    early: String,
    /// The name that the call began with.
    name: String,
    begun: bool,
}

impl Reader {
    /// Reads a stream from its beginning.
    #[must_use]
    pub fn new(stop: fn(&str) -> Stop) -> Self {
        Self { stop, begun: false, calls: Vec::new(), ids: ids::OfAnswer::default(), refused: false }
    }

    /// Reads the data of one chunk. Only the first choice counts.
    pub fn read(&mut self, data: &[u8], events: &mut Vec<Event>) {
        let Ok(chunk) = serde_json::from_slice::<Members<'_>>(data) else { return };
        if !std::mem::replace(&mut self.begun, true) {
            events.push(Event::Begin(chunk.text("id").unwrap_or_default()));
        }
        let choices = chunk.list("choices").unwrap_or_default().into_iter().filter_map(Members::of);
        for choice in choices.filter(|choice| choice.value("index").unwrap_or(0_u64) == 0) {
            if let Some(delta) = choice.object("delta") {
                self.delta(&delta, events);
            }
            let reason = choice.text("finish_reason").filter(|reason| !reason.is_empty());
            events.extend(reason.map(|reason| Event::Stop(self.stop_of(&reason))));
        }
    }

    /// Whether there is a call with an input, but without the name of a tool.
    #[must_use]
    pub fn has_call_without_name(&self) -> bool {
        self.calls.iter().any(|call| !call.begun && !call.early.is_empty())
    }

    fn stop_of(&self, reason: &str) -> Stop {
        if self.refused { Stop::Refused } else { (self.stop)(reason) }
    }

    fn delta(&mut self, delta: &Members<'_>, events: &mut Vec<Event>) {
        let (thought, spoken) = content(delta.raw("content"));
        let some = |text: &String| !text.is_empty();
        events.extend(reasoning_of(delta).filter(some).map(Event::Reasoning));
        events.extend(Some(thought).filter(some).map(Event::Reasoning));
        events.extend(Some(spoken).filter(some).map(Event::Text));
        if let Some(refusal) = delta.text("refusal").filter(some) {
            self.refused = true;
            events.push(Event::Text(refusal));
        }
        for call in calls(delta) {
            self.call(&call, events);
        }
    }

    /// A piece of a call. It begins once the name of the tool is known.
    fn call(&mut self, piece: &Members<'_>, events: &mut Vec<Event>) {
        let position = self.position(piece);
        let Some(known) = self.calls.get_mut(position) else { return };
        let Some(function) = piece.object("function") else { return };
        let input = function.raw("arguments").map(input).unwrap_or_default();
        if known.begun {
            let other = function.text("name").filter(|name| !name.is_empty() && *name != known.name);
            if other.is_some() {
                // The caller has the call by its first name already. A call without one is broken.
                events.push(Event::Call { position, id: known.id.clone(), name: String::new() });
            }
            push(position, input, events);
            return;
        }
        known.early += &input;
        let Some(name) = function.text("name").filter(|name| !name.is_empty()) else { return };
        known.begun = true;
        known.name.clone_from(&name);
        events.push(Event::Call { position, id: known.id.clone(), name });
        push(position, std::mem::take(&mut known.early), events);
    }

    /// The position of the call that a piece belongs to: that of its index, else of its id, else the last one. Some vendors
    /// number all calls alike, so another id with another name is another call.
    fn position(&mut self, piece: &Members<'_>) -> usize {
        let index: Option<u64> = piece.value("index");
        let id = piece.text("id").filter(|id| !id.is_empty());
        let named = || piece.object("function").and_then(|function| function.text("name")).is_some();
        let same = |known: &Known| match (index, &id) {
            (Some(index), Some(id)) => known.index == Some(index) && (known.own == *id || !named()),
            (Some(index), None) => known.index == Some(index),
            (None, Some(id)) => known.own == *id,
            (None, None) => true,
        };
        if let Some(position) = self.calls.iter().rposition(same) {
            return position;
        }
        let position = self.calls.len();
        let own = id.clone().unwrap_or_default();
        self.calls.push(Known { index, own, id: self.ids.give(id), ..Known::default() });
        position
    }
}

/// A piece of the input: a part of a string, or a whole object, which some vendors send.
fn input(arguments: &RawValue) -> String {
    text(arguments).unwrap_or_else(|| arguments.get().to_owned())
}

fn push(position: usize, json: String, events: &mut Vec<Event>) {
    if !json.is_empty() {
        events.push(Event::Input { position, json });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(deltas: &[&str]) -> Vec<Event> {
        let mut reader = Reader::new(|reason| if reason == "tool_calls" { Stop::Calls } else { Stop::End });
        let mut events = Vec::new();
        for delta in deltas {
            reader.read(format!(r#"{{"id":"a","choices":[{delta}]}}"#).as_bytes(), &mut events);
        }
        assert_eq!(events.remove(0), Event::Begin("a".to_owned()));
        events
    }

    fn call(position: usize, id: &str, name: &str) -> Event {
        Event::Call { position, id: id.to_owned(), name: name.to_owned() }
    }

    fn input(position: usize, json: &str) -> Event {
        Event::Input { position, json: json.to_owned() }
    }

    #[test]
    fn calls_are_told_apart_by_index_or_by_id() {
        let by_index = events(&[
            r#"{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":""}}]}}"#,
            r#"{"delta":{"tool_calls":[{"index":1,"id":"y","function":{"name":"g","arguments":"{"}}]}}"#,
            r#"{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}},{"index":1,"function":{"arguments":"}"}}]}}"#,
            r#"{"delta":{},"finish_reason":"tool_calls"}"#,
        ]);
        let expected = [
            call(0, "x", "f"),
            call(1, "y", "g"),
            input(1, "{"),
            input(0, "{}"),
            input(1, "}"),
            Event::Stop(Stop::Calls),
        ];
        assert_eq!(by_index, expected);
        let by_id = events(&[
            r#"{"delta":{"tool_calls":[{"id":"x","function":{"name":"f","arguments":{"a": 1}}}]}}"#,
            r#"{"delta":{"tool_calls":[{"id":"y","function":{"name":"g","arguments":"{"}}]}}"#,
            r#"{"delta":{"tool_calls":[{"function":{"arguments":"}"}}]}}"#,
        ]);
        let expected =
            [call(0, "x", "f"), input(0, r#"{"a": 1}"#), call(1, "y", "g"), input(1, "{"), input(1, "}")];
        assert_eq!(by_id, expected);
    }

    #[test]
    fn calls_that_are_numbered_alike_are_two() {
        let alike = events(&[
            r#"{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{}"}}]}}"#,
            r#"{"delta":{"tool_calls":[{"index":0,"id":"y","function":{"name":"f","arguments":"{}"}}]}}"#,
        ]);
        assert_eq!(alike, [call(0, "x", "f"), input(0, "{}"), call(1, "y", "f"), input(1, "{}")]);
    }

    #[test]
    fn a_call_begins_with_its_name() {
        let late = events(&[
            r#"{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}"#,
            r#"{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"}"}}]}}"#,
        ]);
        let Some(Event::Call { position: 0, id, name }) = late.first() else { panic!("{late:?}") };
        assert!(id.starts_with("call_") && name == "f", "{id} {name}");
        assert_eq!(late.get(1..), Some(&[input(0, "{}")][..]));
    }

    #[test]
    fn a_name_in_pieces_breaks_its_call() {
        for later in ["oo", "foo"] {
            let found = events(&[
                r#"{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":""}}]}}"#,
                &format!(
                    r#"{{"delta":{{"tool_calls":[{{"index":0,"function":{{"name":"{later}","arguments":"{{}}"}}}}]}}}}"#
                ),
            ]);
            assert_eq!(found, [call(0, "x", "f"), call(0, "x", ""), input(0, "{}")], "{later}");
        }
    }

    #[test]
    fn calls_with_the_same_id_or_none_get_others() {
        for id in ["t", ""] {
            let piece = |index: u8, input: &str| {
                format!(
                    r#"{{"delta":{{"tool_calls":[{{"index":{index},"id":"{id}","function":{{"name":"f","arguments":"{input}"}}}}]}}}}"#
                )
            };
            // Some vendors repeat the id and the name in each piece.
            let found = events(&[&piece(0, "{"), &piece(1, "{"), &piece(0, "}"), &piece(1, "}")]);
            let ids: Vec<&String> = found
                .iter()
                .filter_map(|event| match event {
                    Event::Call { id, .. } => Some(id),
                    _ => None,
                })
                .collect();
            assert!(ids.len() == 2 && ids[0] != ids[1] && !ids[1].is_empty(), "{found:?}");
            let inputs = [input(0, "{"), input(1, "{"), input(0, "}"), input(1, "}")];
            assert!(inputs.iter().all(|input| found.contains(input)) && found.len() == 6, "{found:?}");
        }
    }

    #[test]
    fn only_the_first_choice_and_what_is_not_empty_counts() {
        let found = events(&[
            r#"{"delta":{"role":"assistant","content":"","reasoning_content":"R"},"finish_reason":null}"#,
            r#"{"index":1,"delta":{"content":"other"}}"#,
            r#"{"index":0,"delta":{"content":"Hi"},"finish_reason":""}"#,
            r#"{"delta":{"refusal":"No."}}"#,
            r#"{"delta":{},"finish_reason":"stop"}"#,
        ]);
        let expected = [
            Event::Reasoning("R".to_owned()),
            Event::Text("Hi".to_owned()),
            Event::Text("No.".to_owned()),
            Event::Stop(Stop::Refused),
        ];
        assert_eq!(found, expected);
    }
}
