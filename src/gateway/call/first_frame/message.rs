//! Takes the events of a message's stream, in Anthropic's dialect.

use serde_json::Value;
use serde_json::value::RawValue;

use super::alike::Sample;
use super::reader::FrameReader;
use super::seen::Event;
use crate::dialects::messages::content::Piece;
use crate::dialects::messages::event::Event as MessageEvent;
use crate::gateway::call::choices::{Choices, Indices, Part};
use crate::gateway::call::classify::Fault;
use crate::gateway::call::frame::NoAnswer;
use crate::gateway::call::usable_answer::no_answer_fault;
use crate::gateway::request::json_object::{quoted, span};
use crate::gateway::usage::pricing::{Reported, parse};
use crate::gateway::usage::text_size::TextSize;
use crate::providers::error_of_event;
use crate::upstream::sse::{is_keepalive, is_named_error};

impl FrameReader {
    /// Takes an event with a JSON text. Only the name of the model changes.
    pub(super) fn take_message(
        &mut self,
        event: &[u8],
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Event, Fault> {
        let is_error = is_named_error(event);
        if is_keepalive(line) && !is_error {
            return Ok(Event::Preface);
        }
        let reported = || Fault::Upstream(Box::new(error_of_event(line)));
        let read = match MessageEvent::read(line) {
            _ if is_error => return Err(reported()),
            Some(read) => read,
            None => return Err(no_answer_fault(NoAnswer::Broken, line)),
        };
        match read {
            MessageEvent::Error => Err(reported()),
            MessageEvent::Stop => Ok(Event::Done(event.to_vec().into())),
            MessageEvent::Start { model, usage } => {
                self.count(usage);
                self.write_renamed(event, model, out);
                Ok(Event::Preface)
            }
            MessageEvent::Content(piece) => {
                // Exactly one allocation for an event.
                out.reserve(event.len());
                out.extend_from_slice(event);
                if let Piece::Text(text) = piece {
                    let text = span(event, text.get().as_bytes());
                    self.alike.learn(&Sample { event, text, written: event, choice: Indices::of_message() });
                }
                Ok(self.add(Part { content: piece.is_content(), size: size_of(piece), end: None }))
            }
            MessageEvent::End { reason, usage } => {
                self.count(usage);
                out.extend_from_slice(event);
                Ok(self.add(Part { content: false, size: TextSize::default(), end: reason.as_deref() }))
            }
            MessageEvent::Other => {
                out.extend_from_slice(event);
                Ok(Event::Preface)
            }
        }
    }

    /// Adds what an event says of the message.
    fn add(&mut self, part: Part<'_>) -> Event {
        let choices = Choices::of_message(part);
        self.seen.begun.add(choices.begun);
        self.seen.over.add(choices.over);
        self.seen.take(&choices)
    }

    fn count(&mut self, usage: Option<&RawValue>) {
        if let Some(usage) = usage {
            self.seen.replace_usage(self.usage.followed_by(usage));
        }
    }

    fn write_renamed(&self, event: &[u8], model: Option<&RawValue>, out: &mut Vec<u8>) {
        let name = &self.expected.names.model;
        out.reserve(event.len() + name.len());
        let place = model.map(|model| span(event, model.get().as_bytes()));
        let (before, after) = match place {
            Some(place) => (event.get(..place.start), event.get(place.end..)),
            None => return out.extend_from_slice(event),
        };
        out.extend_from_slice(before.unwrap_or_default());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(after.unwrap_or_default());
    }
}

/// The size of what the model wrote.
fn size_of(piece: Piece<'_>) -> TextSize {
    match piece {
        Piece::Text(text) => TextSize::of_piece(text.get()),
        Piece::Json(json) => TextSize::of_json(json.get()),
        Piece::Opaque | Piece::Nothing => TextSize::default(),
    }
}

/// The usage of a message, of which later events repeat only a part.
#[derive(Debug, Default)]
pub(super) struct MessageUsage(serde_json::Map<String, Value>);

impl MessageUsage {
    /// The usage with the counts of a later event. Those that it does not repeat still hold.
    fn followed_by(&mut self, later: &RawValue) -> Reported {
        let Ok(later) = serde_json::from_str::<serde_json::Map<String, Value>>(later.get()) else {
            return parse(later.get());
        };
        self.0.extend(later.into_iter().filter(|(_, value)| !value.is_null()));
        let members = self.0.iter().map(|(name, value)| format!("{}:{value}", quoted(name)));
        parse(&format!("{{{}}}", members.collect::<Vec<_>>().join(",")))
    }
}
