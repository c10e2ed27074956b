//! The outcome of one upstream call: a reply, a fault, or a reply that a content filter emptied.

use bytes::Bytes;

use super::classify::Fault;
use super::first_frame::FrameReader;
use super::frame::Inspected;
use crate::limits::shares::HeldBytes;

/// The outcome of one upstream call.
#[derive(Debug)]
pub enum AttemptOutcome {
    /// A whole answer, or a stream that has begun.
    Ready(Reply),
    /// The call failed with this fault.
    Failed(Fault),
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
}

/// A whole answer that was inspected.
#[derive(Debug)]
pub struct WholeReply {
    /// The HTTP status of the upstream response.
    pub status: u16,
    /// The body of the response.
    pub body: Bytes,
    /// The inspected answer. `None` for a blocked prompt, which is served only if no other candidate answers.
    pub seen: Option<Inspected>,
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

impl Reply {
    /// The HTTP status of the upstream response.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Whole(whole) => whole.status,
            Self::Stream(stream) => stream.status,
        }
    }
}
