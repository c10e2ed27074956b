//! Reads the pieces of a stream of Gemini as events.

use serde_json::value::RawValue;

use super::answer::{Answer, Call, Kind};
use super::signature::Signer;
use crate::dialects::answers::{Event, Stop};
use crate::dialects::ids;
use crate::dialects::members::text;

/// What is known of a stream.
#[derive(Debug)]
pub struct Reader {
    /// Interprets the word of a `finishReason`.
    stop: fn(&str) -> Stop,
    /// The endpoint that signs the calls.
    signer: Signer,
    begun: bool,
    /// The number of calls so far. Each comes whole.
    calls: usize,
    ids: ids::OfAnswer,
}

impl Reader {
    /// Reads a stream of this endpoint from its beginning.
    #[must_use]
    pub fn new(stop: fn(&str) -> Stop, signer: Signer) -> Self {
        Self { stop, signer, begun: false, calls: 0, ids: ids::OfAnswer::default() }
    }

    /// Reads the data of one piece.
    pub fn read(&mut self, data: &[u8], events: &mut Vec<Event>) {
        let Some(answer) = Answer::read(data) else { return };
        if !std::mem::replace(&mut self.begun, true) {
            events.push(Event::Begin(answer.id.unwrap_or_default()));
        }
        let Some(candidate) = answer.candidate else { return };
        for part in candidate.parts.into_iter().flatten() {
            match part.kind {
                Kind::Text(json) => events.extend(text(json).map(Event::Text)),
                Kind::Thought(json) => events.extend(text(json).map(Event::Reasoning)),
                Kind::Call(call) => self.call(call, part.signature, events),
                Kind::Media(_) | Kind::Other => {}
            }
        }
        events.extend(candidate.end.map(|end| Event::Stop((self.stop)(&end))));
    }

    /// A call. One without a name is broken.
    fn call(&mut self, call: Call<'_>, signature: Option<String>, events: &mut Vec<Event>) {
        let position = self.calls;
        self.calls += 1;
        events.extend(signature.map(|signature| Event::CallSignature(self.signer.marked(&signature))));
        let (id, name) = (self.ids.give(call.id), call.name.unwrap_or_default());
        events.push(Event::Call { position, id, name });
        let json = call.input.map_or("{}", RawValue::get).to_owned();
        events.push(Event::Input { position, json });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(reason: &str) -> Stop {
        if reason == "MAX_TOKENS" { Stop::Length } else { Stop::End }
    }

    fn events(pieces: &[&str]) -> Vec<Event> {
        let mut reader = Reader::new(stop, Signer::Vertex);
        let mut events = Vec::new();
        for piece in pieces {
            reader.read(format!(r#"{{"candidates":[{piece}],"responseId":"r"}}"#).as_bytes(), &mut events);
        }
        assert_eq!(events.remove(0), Event::Begin("r".to_owned()));
        events
    }

    #[test]
    fn pieces_are_events_in_their_order() {
        let found = events(&[
            r#"{"content":{"parts":[{"text":"T","thought":true}]},"index":0}"#,
            r#"{"content":{"parts":[{"text":"Hi"}]},"index":0}"#,
            r#"{"content":{"parts":[{"text":""}]},"finishReason":"MAX_TOKENS","index":0}"#,
        ]);
        let expected =
            [Event::Reasoning("T".to_owned()), Event::Text("Hi".to_owned()), Event::Stop(Stop::Length)];
        assert_eq!(found, expected);
    }

    #[test]
    fn several_calls_in_one_piece_have_positions_and_ids() {
        let found = events(&[
            r#"{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":1}},"thoughtSignature":"c2ln"},{"functionCall":{"name":"f"}}]}}"#,
            r#"{"content":{"parts":[{"functionCall":{"id":"x","name":"g","args":{}}}]},"finishReason":"STOP"}"#,
        ]);
        let ids: Vec<String> = found
            .iter()
            .filter_map(|event| match event {
                Event::Call { id, .. } => Some(id.clone()),
                _ => None,
            })
            .collect();
        assert!(ids[0] != ids[1] && ids[2] == "x", "{ids:?}");
        let call = |position: usize, name: &str| Event::Call {
            position,
            id: ids[position].clone(),
            name: name.to_owned(),
        };
        let input = |position: usize, json: &str| Event::Input { position, json: json.to_owned() };
        let expected = [
            Event::CallSignature(Signer::Vertex.marked("c2ln")),
            call(0, "f"),
            input(0, r#"{"a":1}"#),
            call(1, "f"),
            input(1, "{}"),
            call(2, "g"),
            input(2, "{}"),
            Event::Stop(Stop::End),
        ];
        assert_eq!(found, expected);
    }
}
