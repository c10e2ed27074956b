//! Reads an event of a message's stream, in Anthropic's dialect.

use super::no_answer_fault;
use crate::dialects::messages::event::{Event, Named};
use crate::gateway::call::classify::Fault;
use crate::gateway::call::frame::NoAnswer;
use crate::providers::error_of_event;
use crate::upstream::sse::{event_name, is_keepalive, is_named_error};

/// Reads an event with the data `line`. `None` if it carries nothing.
///
/// # Errors
/// It reports an error, or its data is not that of an event.
pub(in crate::gateway::call) fn read<'a>(event: &[u8], line: &'a [u8]) -> Result<Option<Named<'a>>, Fault> {
    let is_error = is_named_error(event);
    if is_keepalive(line) && !is_error {
        return Ok(None);
    }
    match Named::read(line, event_name(event)) {
        Some(named) if !is_error && !matches!(named.event, Event::Error) => Ok(Some(named)),
        None if !is_error => Err(no_answer_fault(NoAnswer::Broken, line)),
        Some(_) | None => Err(Fault::Upstream(Box::new(error_of_event(line)))),
    }
}
