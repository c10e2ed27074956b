//! A request body that is being written for a candidate.

use bytes::Bytes;

use crate::dialects::Dialect;
use crate::dialects::change::Changes;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::json_object::{is_plain, quoted, span};
use crate::gateway::usage::asked::Asked;
use crate::upstream::Pieces;

/// Longer values are sent from the caller's body.
const LONG: usize = 16 * 1024;

/// A request body for one candidate.
#[derive(Debug)]
pub struct Adapted {
    /// The body to send.
    pub body: Pieces,
    /// The changes made for this candidate, as [`change`](crate::dialects::change) names them.
    pub changes: Vec<String>,
    /// What the body asks for that has a price of its own.
    pub asked: Asked,
}

/// A body that is being written. Long values of the caller's body are not copied.
pub(super) struct Out<'a> {
    caller: &'a Bytes,
    dialect: Dialect,
    pieces: Vec<Bytes>,
    /// What follows the last piece.
    pub(super) text: Vec<u8>,
    /// What was written that has a price of its own.
    pub(super) asked: Asked,
}

impl<'a> Out<'a> {
    /// `size` is the size of the whole body.
    pub(super) fn new(request: &'a ChatRequest, size: usize) -> Self {
        Self {
            caller: &request.body,
            dialect: request.dialect,
            pieces: Vec::new(),
            text: Vec::with_capacity(size.min(LONG)),
            asked: Asked::default(),
        }
    }

    fn value(&mut self, value: &[u8]) {
        let place = span(self.caller, value);
        let own = self.caller.get(place.clone()).is_some_and(|own| std::ptr::eq(own, value));
        if own && value.len() > LONG {
            self.pieces.push(std::mem::take(&mut self.text).into());
            self.pieces.push(self.caller.slice(place));
        } else {
            self.text.extend_from_slice(value);
        }
    }

    /// The whole body, with the changes to it.
    pub(super) fn into_body(mut self, changes: Changes) -> Adapted {
        self.pieces.push(self.text.into());
        Adapted { body: Pieces(self.pieces), changes: changes.into_names(), asked: self.asked }
    }
}

/// Writes a field, with a comma before it if it is not the first.
pub(super) fn member(out: &mut Out<'_>, name: &str, value: &[u8]) {
    if out.text.len() > 1 || !out.pieces.is_empty() {
        out.text.push(b',');
    }
    if is_plain(name) {
        out.text.push(b'"');
        out.text.extend_from_slice(name.as_bytes());
        out.text.push(b'"');
    } else {
        out.text.extend_from_slice(quoted(name).as_bytes());
    }
    out.text.push(b':');
    out.value(value);
    out.asked.add(out.dialect, name, value);
}
