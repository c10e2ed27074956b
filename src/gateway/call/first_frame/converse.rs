//! Takes the events of a stream of Converse.

use super::reader::FrameReader;
use super::seen::Event;
use crate::gateway::call::classify::Fault;
use crate::gateway::call::frame::NoAnswer;
use crate::gateway::call::usable_answer::no_answer_fault;

impl FrameReader {
    /// Takes an event with a JSON text. There is none: no preset serves the dialect.
    pub(super) fn take_conversed(&mut self, _: &[u8], line: &[u8], _: &mut Vec<u8>) -> Result<Event, Fault> {
        self.seen.content = false;
        Err(no_answer_fault(NoAnswer::Broken, line))
    }
}
