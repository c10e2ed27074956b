//! Amazon Bedrock's Converse, which only providers speak. No preset serves it yet, so no request is written in it.

use super::Dialect;
use super::answers::{Answer, Event};
use super::change::Changes;
use super::need::Need;
use super::turns::Request;

/// Writes a request for the model of this name.
///
/// # Errors
/// Always: no provider serves the dialect.
pub fn write_request(_: &Request<'_>, _: &str, _: &mut Changes) -> Result<Vec<u8>, Need> {
    Err(Need::Dialect(Dialect::Converse))
}

/// Reads a whole answer. `None` if it is none, as always.
#[must_use]
pub fn read_answer(_: &[u8]) -> Option<Answer<'_>> {
    None
}

/// The events of a whole answer; `None` if it cannot be written as a stream.
#[must_use]
pub fn events_of_answer(_: &[u8]) -> Option<Vec<u8>> {
    None
}

/// Reads a stream, in which there is nothing yet.
#[derive(Debug, Default)]
pub struct Reader;

impl Reader {
    /// Reads the data of one event.
    pub fn read(&mut self, _: &[u8], _: &mut Vec<Event>) {}
}
