//! Checks the calls of a stream: a caller can act only on one that has a name, an id and a valid input.

use super::Unwritable;
use crate::dialects::answers::Event;
use crate::dialects::messages::write_stream::MOST_WAITING;
use crate::dialects::turns::Input;

/// The inputs of the calls of a stream so far.
#[derive(Debug, Default)]
pub(super) struct CallInputs {
    /// The input of each call, by position. Empty ones are objects without members.
    inputs: Vec<String>,
    /// The bytes of all inputs.
    size: usize,
    /// Whether the answer broke off, so that its last call may be incomplete.
    broke_off: bool,
}

impl CallInputs {
    /// Adds what an event says of calls.
    ///
    /// # Errors
    /// A call has no name or no id, or the inputs are too large.
    pub(super) fn add(&mut self, event: &Event) -> Result<(), Unwritable> {
        match event {
            Event::Call { id, name, .. } if id.is_empty() || name.is_empty() => {
                return Err(Unwritable::BrokenCall);
            }
            Event::Call { position, .. } => {
                let calls = self.inputs.len().max(position + 1);
                self.inputs.resize(calls, String::new());
            }
            Event::Input { position, json } => {
                if let Some(input) = self.inputs.get_mut(*position) {
                    input.push_str(json);
                    self.size += json.len();
                }
            }
            Event::Stop(stop) => self.broke_off |= stop.breaks_off(),
            Event::Begin(_)
            | Event::Text(_)
            | Event::Reasoning(_)
            | Event::Signature(_)
            | Event::Redacted(_)
            | Event::CallSignature(_)
            | Event::StopSequence(_) => {}
        }
        if self.size > MOST_WAITING { Err(Unwritable::TooMuch) } else { Ok(()) }
    }

    /// Whether the event is white space before an input, which clients could not parse if nothing follows.
    pub(super) fn is_blank_before_input(&self, event: &Event) -> bool {
        match event {
            Event::Input { position, json } => {
                self.inputs.get(*position).is_some_and(String::is_empty) && json.trim_ascii().is_empty()
            }
            Event::Begin(_)
            | Event::Text(_)
            | Event::Reasoning(_)
            | Event::Signature(_)
            | Event::Redacted(_)
            | Event::CallSignature(_)
            | Event::Call { .. }
            | Event::StopSequence(_)
            | Event::Stop(_) => false,
        }
    }

    /// Checks the calls at the end of the answer. Of one that broke off, the last call need not be whole. `nameless` says
    /// that there is a call without a name.
    ///
    /// # Errors
    /// A call is without a name, or an input is not a JSON object.
    pub(super) fn check(&self, nameless: bool) -> Result<(), Unwritable> {
        let valid = || self.inputs.iter().all(|input| Input::of_arguments(input).is_some());
        if self.broke_off || !nameless && valid() { Ok(()) } else { Err(Unwritable::BrokenCall) }
    }
}
