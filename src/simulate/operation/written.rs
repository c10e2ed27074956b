//! The answer of an endpoint other than a chat, before it is sent: one body, or the pieces of a stream.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::simulate::behavior::{Behavior, Pace};
use crate::simulate::form::Frames;

pub(super) const JSON: &str = "application/json";
pub(super) const EVENTS: &str = "text/event-stream; charset=utf-8";

/// What the model's name asks of an answer, and what the server gives to it.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) behavior: Behavior,
    pub(super) pace: Pace,
    /// The number of the answer, in letters and digits.
    pub(super) number: String,
    /// When it is made, in Unix seconds.
    pub(super) created: u64,
}

impl Terms {
    /// Whether the last result of a list is missing.
    pub(super) fn lacks_one(&self) -> bool {
        self.behavior == Behavior::MissingIndex
    }

    /// How many of these results a list has.
    pub(super) fn kept(&self, results: usize) -> usize {
        results.saturating_sub(usize::from(self.lacks_one()))
    }
}

/// The answer of an endpoint, with its content type.
pub(super) enum Written {
    Whole { kind: &'static str, body: Bytes },
    Stream { kind: &'static str, pieces: Pieces },
}

impl Written {
    /// One body in JSON.
    pub(super) fn json(value: &impl Serialize) -> Self {
        // Serializing plain data into memory cannot fail, so there is no error to report.
        Self::Whole { kind: JSON, body: serde_json::to_vec(value).unwrap_or_default().into() }
    }

    /// The content type of its body.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Whole { kind, .. } | Self::Stream { kind, .. } => kind,
        }
    }
}

/// A stream, of which the content is written when it is due.
pub(super) struct Pieces {
    length: usize,
    content: Box<dyn Fn(usize) -> Bytes>,
    after: Vec<Bytes>,
}

impl Pieces {
    /// So many pieces of content, and what follows them.
    pub(super) fn new(length: usize, content: impl Fn(usize) -> Bytes + 'static, after: Vec<Bytes>) -> Self {
        Self { length, content: Box::new(content), after }
    }
}

impl Frames for Pieces {
    fn before(&self) -> &[Bytes] {
        &[]
    }

    fn length(&self) -> usize {
        self.length
    }

    fn content(&self, index: usize) -> Bytes {
        (self.content)(index)
    }

    fn after(&self) -> &[Bytes] {
        &self.after
    }
}

/// An event without a name.
pub(super) fn event(data: &Value) -> Bytes {
    format!("data: {data}\n\n").into()
}
