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
                self.seen.choices.blocked();
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
        if self.seen.choices.content && (broke_off || piece.choices.broken_off) {
            return Err(Fault::Garbage(Garbage::Inference));
        }
        // An answer that ends normally without a part is a known failure of the model.
        let is_silent = !self.seen.choices.content && !piece.choices.content && is_silent(line);
        let taken = self.seen.take(&piece.choices);
        if is_silent {
            let fault = Fault::Garbage(Garbage::NoContent);
            return Ok(Event::Unusable(Unusable { fault, withheld: false }));
        }
        Ok(taken)
    }
}
