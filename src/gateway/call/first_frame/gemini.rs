//! Takes the pieces of a stream of Gemini. The stream ends with the connection.

use super::reader::FrameReader;
use super::seen::{Event, Unusable};
use crate::gateway::call::classify::{Fault, Filter, Garbage};
use crate::gateway::call::frame::gemini::is_silent;
use crate::gateway::call::frame::{Inspected, NoAnswer};
use crate::gateway::call::usable_answer::no_answer_fault;
use crate::providers::{FinishMeaning, error_of_event};
use crate::upstream::sse::{is_keepalive, is_named_error};

impl FrameReader {
    /// Takes an event with a JSON text. It is written as it came, because it is always translated.
    pub(super) fn take_generated(
        &mut self,
        event: &[u8],
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Event, Fault> {
        if is_named_error(event) {
            return Err(Fault::Upstream(Box::new(error_of_event(line))));
        }
        if is_keepalive(line) {
            return Ok(Event::Preface);
        }
        let piece = match Inspected::of_generated_piece(line) {
            Ok(piece) => piece,
            Err(NoAnswer::Blocked) => {
                self.seen.finished = true;
                let fault = Fault::Filtered(Filter::Prompt);
                return Ok(Event::Unusable(Unusable { fault, withheld: false }));
            }
            Err(no_answer) => return Err(no_answer_fault(no_answer, line)),
        };
        out.extend_from_slice(event);
        self.seen.extras |= piece.choices.extras;
        if self.seen.upstream_model.is_none() {
            self.seen.upstream_model = piece.upstream_model(line).map(Into::into);
        }
        self.seen.count_cumulative(&piece, line);
        let broke_off = piece.choices.bad.is_some_and(|end| end.finish == FinishMeaning::Broken);
        if self.seen.content && (broke_off || piece.choices.broken_off) {
            return Err(Fault::Garbage(Garbage::Inference));
        }
        // Some endpoints send `STOP` in every piece.
        let continues = piece.choices.content || piece.choices.nameless;
        self.seen.continued_after_end |= continues && self.seen.over.hold(piece.choices.begun);
        self.seen.begun.add(piece.choices.begun);
        self.seen.over.add(piece.choices.over);
        // An answer that ends normally without a part is a known failure of the model.
        if !self.seen.content && !piece.choices.content && is_silent(line) {
            return Ok(Event::Unusable(Unusable {
                fault: Fault::Garbage(Garbage::NoContent),
                withheld: false,
            }));
        }
        Ok(self.seen.take(&piece.choices))
    }
}
