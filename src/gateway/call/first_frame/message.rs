//! Takes the events of a message's stream, in Anthropic's dialect.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::alike::Sample;
use super::reader::FrameReader;
use super::seen::Event;
use crate::dialects::messages::content::Piece;
use crate::dialects::messages::event::{Event as MessageEvent, Order};
use crate::dialects::messages::usage;
use crate::gateway::call::choices::{Choices, Indices, Part};
use crate::gateway::call::classify::{Fault, Garbage};
use crate::gateway::call::usable_answer::event_error::is_of_a_dialect;
use crate::gateway::call::usable_answer::message_event;
use crate::gateway::request::json_object::{quoted, span};
use crate::gateway::usage::pricing::{Reported, parse};
use crate::gateway::usage::text_size::TextSize;
use crate::upstream::sse::event_name;

/// What the events of a message said so far that later ones build on.
#[derive(Debug, Default)]
pub(super) struct MessageSoFar {
    order: Order,
    usage: MessageUsage,
    /// The usage of a message that came in one piece. Its events have counts of ours in place of missing ones.
    in_one_piece: Option<Reported>,
}

impl FrameReader {
    /// Says that the events are ours, and what the provider reported with the answer.
    pub(super) fn has_in_one_piece(&mut self, reported: Reported) {
        self.message.in_one_piece = Some(reported);
        self.reads_text();
    }

    /// Takes an event with a JSON text. Only the name of the model changes, and the name of an event that has the wrong
    /// one.
    pub(super) fn take_message(
        &mut self,
        event: &[u8],
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Event, Fault> {
        let Some(read) = message_event::read(event, line)? else { return Ok(Event::Preface) };
        if let Some(name) = read.name.filter(|name| event_name(event) != Some(*name)) {
            let head = format!("event: {name}\ndata: ");
            let renamed = [head.as_bytes(), line, b"\n\n"].concat();
            let line = renamed.get(head.len()..head.len() + line.len()).unwrap_or_default();
            return self.take_message(&renamed, line, out);
        }
        if !self.message.order.admits(&read.event) {
            return Err(Fault::Garbage(Garbage::NoMessage));
        }
        match read.event {
            MessageEvent::Stop => Ok(Event::Done(event.to_vec().into())),
            MessageEvent::Start { model, usage } => {
                self.seen.upstream_model = model.map(|model| model.get().as_bytes().into());
                if self.message.in_one_piece.is_none() {
                    self.count(usage);
                }
                self.write_renamed(event, model, out);
                Ok(Event::Preface)
            }
            MessageEvent::Block(piece) | MessageEvent::Delta(piece) => {
                // Exactly one allocation for an event.
                out.reserve(event.len());
                out.extend_from_slice(event);
                if let Piece::Text(text) = piece {
                    let text = span(event, text.get().as_bytes());
                    self.alike.learn(&Sample { event, text, written: event, choice: Indices::of_message() });
                }
                self.seen.uncounted |= matches!(piece, Piece::VendorsCall(_));
                self.add(Part {
                    content: piece.is_content(),
                    unnamed: matches!(piece, Piece::Unnamed(_)),
                    size: size_of(piece),
                    ..Part::default()
                })
            }
            MessageEvent::End { reason, usage } => {
                match self.message.in_one_piece {
                    Some(reported) if reported.present => {
                        self.seen.uncounted = false;
                        self.seen.replace_usage(reported, &reported);
                    }
                    Some(_) => {}
                    None => {
                        self.seen.uncounted &= usage.is_none();
                        self.count(usage);
                    }
                }
                out.extend_from_slice(event);
                self.add(Part { end: reason.as_deref(), ..Part::default() })
            }
            MessageEvent::Error | MessageEvent::Other => {
                if is_of_a_dialect(event, line)? && !self.expected.secrets.finds(event) {
                    out.extend_from_slice(event);
                }
                Ok(Event::Preface)
            }
        }
    }

    /// Adds what an event says of the message.
    pub(super) fn add(&mut self, part: Part<'_>) -> Result<Event, Fault> {
        let choices = Choices::of_message(part);
        self.seen.refuse_broken_end(&choices)?;
        Ok(self.seen.take(&choices))
    }

    fn count(&mut self, usage: Option<&RawValue>) {
        if let Some(usage) = usage {
            self.seen.replace_usage(self.message.usage.followed_by(usage), &parse(usage.get()));
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
pub(super) fn size_of(piece: Piece<'_>) -> TextSize {
    match piece {
        Piece::Text(text) => TextSize::of_piece(text.get()),
        Piece::Json(json) | Piece::VendorsCall(json) | Piece::Unnamed(json) => TextSize::of_json(json.get()),
        Piece::Opaque | Piece::Nothing | Piece::Broken => TextSize::default(),
    }
}

/// The usage of a message, of which later events repeat only a part.
#[derive(Debug, Default)]
struct MessageUsage(Map<String, Value>);

impl MessageUsage {
    /// The usage with the counts of a later event.
    fn followed_by(&mut self, later: &RawValue) -> Reported {
        let Ok(later) = serde_json::from_str::<Map<String, Value>>(later.get()) else {
            return parse(later.get());
        };
        usage::replace(&mut self.0, later);
        let members = self.0.iter().map(|(name, value)| format!("{}:{value}", quoted(name)));
        parse(&format!("{{{}}}", members.collect::<Vec<_>>().join(",")))
    }
}
