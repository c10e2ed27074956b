//! The outcome of one upstream call: a reply, a fault, or a reply that a content filter emptied.

use bytes::Bytes;

use super::classify::Fault;
use super::first_frame::FrameReader;
use super::frame::Inspected;
use super::usable_answer::passed::PassedReply;
use crate::gateway::usage::pricing::{Reported, parse_inside};
use crate::limits::shares::HeldBytes;

/// The outcome of one upstream call.
#[derive(Debug)]
pub enum AttemptOutcome {
    /// A whole answer, or a stream that has begun.
    Ready(Reply),
    /// The call failed with this fault, and its provider neither began an answer nor reported usage.
    Failed(Fault),
    /// The call failed with this fault after its provider had begun to answer or reported usage.
    Unusable(Fault, Box<Reported>),
    /// An answer that the provider's filter emptied. It counts as a failure and is served only if no other candidate
    /// answers.
    Filtered(Reply, Fault),
}

/// A usable answer of a provider.
#[derive(Debug)]
pub enum Reply {
    /// A whole answer, in one body.
    Whole(Box<WholeReply>),
    /// A stream that has reached its first real frame.
    Stream(Box<StreamReply>),
    /// A stream of which the bytes pass, and which has reached its first content.
    Passed(Box<PassedReply>),
}

/// What a whole answer is.
#[derive(Debug)]
pub enum WholeAnswer {
    /// The answer in a chat, of which the size may not be known yet.
    Message(Inspected),
    /// The result of another operation, with the size of its text.
    Result(Inspected),
    /// A blocked prompt, which is served only if no other candidate answers.
    Blocked,
}

impl WholeAnswer {
    /// The inspected answer, if it is one.
    #[must_use]
    pub fn seen(&self) -> Option<&Inspected> {
        match self {
            Self::Message(seen) | Self::Result(seen) => Some(seen),
            Self::Blocked => None,
        }
    }
}

/// A whole answer that was inspected.
#[derive(Debug)]
pub struct WholeReply {
    /// The HTTP status of the upstream response.
    pub status: u16,
    /// The body of the response.
    pub body: Bytes,
    /// What the body is.
    pub answer: WholeAnswer,
    /// The content type, if it is not JSON.
    pub content_type: Option<String>,
    /// Counts the body against the memory share.
    pub held: HeldBytes,
}

/// A stream that has reached its first real frame.
#[derive(Debug)]
pub struct StreamReply {
    /// The HTTP status of the upstream response.
    pub status: u16,
    /// The bytes to send first: the held frames and the first real one.
    pub held: Vec<u8>,
    /// Counts these bytes against the memory share, if they are many.
    pub counted: HeldBytes,
    /// Reads the rest of the stream.
    pub reader: FrameReader,
}

impl AttemptOutcome {
    /// Whether the provider refused the credential of the call.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        match self {
            Self::Failed(fault) | Self::Unusable(fault, _) => fault.is_unauthorized(),
            Self::Ready(_) | Self::Filtered(..) => false,
        }
    }

    /// A call that failed after the headers of its response, with the usage that its provider reported, if any. An error
    /// begins no answer, whatever its status.
    pub(super) fn failed(fault: Fault, reported: Reported) -> Self {
        if reported.present || !matches!(fault, Fault::Upstream(_)) {
            Self::Unusable(fault, Box::new(reported))
        } else {
            Self::Failed(fault)
        }
    }
}

impl Reply {
    /// The usage that the provider has reported so far, and whether an answer with it would be billed. A blocked prompt
    /// would not.
    #[must_use]
    pub fn reported(&self) -> (Reported, bool) {
        match self {
            Self::Whole(whole) => match whole.answer.seen() {
                Some(seen) => (seen.usage, true),
                None => (std::str::from_utf8(&whole.body).map(parse_inside).unwrap_or_default(), false),
            },
            Self::Stream(stream) => (stream.reader.seen.reported(), true),
            Self::Passed(passed) => (passed.reader.reported(), true),
        }
    }

    /// The HTTP status of the upstream response.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Whole(whole) => whole.status,
            Self::Stream(stream) => stream.status,
            Self::Passed(passed) => passed.status,
        }
    }
}
