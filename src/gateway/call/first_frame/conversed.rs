//! Takes the events of a stream of Converse, which are always translated.

use super::message::size_of;
use super::reader::FrameReader;
use super::seen::Event;
use crate::dialects::converse::event::Event as ConverseEvent;
use crate::dialects::messages::content::Piece;
use crate::gateway::call::choices::Part;
use crate::gateway::call::classify::{Fault, Garbage};
use crate::gateway::call::frame::NoAnswer;
use crate::gateway::call::usable_answer::no_answer_fault;
use crate::gateway::usage::pricing::of_converse;
use crate::providers::error_of_event;
use crate::upstream::sse::is_named_error;

impl FrameReader {
    /// Takes an event with a JSON text. The one with the usage is the last, after that with the end.
    pub(super) fn take_conversed(
        &mut self,
        event: &[u8],
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Event, Fault> {
        if is_named_error(event) {
            return Err(Fault::Upstream(Box::new(error_of_event(line))));
        }
        let Some(read) = ConverseEvent::read(line) else {
            return Err(no_answer_fault(NoAnswer::Broken, line));
        };
        let begins = matches!(read, ConverseEvent::Start);
        if !begins && !self.has_begun && !matches!(read, ConverseEvent::Other) {
            return Err(Fault::Garbage(Garbage::NoMessage));
        }
        out.extend_from_slice(event);
        match read {
            ConverseEvent::Start => {
                self.has_begun = true;
                Ok(Event::Preface)
            }
            ConverseEvent::Piece(piece) => {
                self.seen.uncounted |= matches!(piece, Piece::VendorsCall(_));
                self.add(Part {
                    content: piece.is_content(),
                    unnamed: matches!(piece, Piece::Unnamed(_)),
                    size: size_of(piece),
                    ..Part::default()
                })
            }
            ConverseEvent::End(reason) => self.add(Part { end: Some(&*reason), ..Part::default() }),
            ConverseEvent::Metadata { usage, tier } => {
                if let Some(usage) = usage {
                    let usage = of_converse(usage, tier);
                    self.seen.uncounted = false;
                    self.seen.replace_usage(usage, &usage);
                }
                let ended = self.seen.choices.is_over();
                Ok(if ended { Event::Done(event.to_vec().into()) } else { Event::Preface })
            }
            ConverseEvent::Other => Ok(Event::Preface),
        }
    }
}
