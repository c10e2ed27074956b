//! What can go wrong with an attempt, as the attempt itself saw it.

use crate::providers::UpstreamError;

use crate::domain::error_class::ErrorClass;

/// What an attempt hands to [`classify`](super::classify).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No connection came about, or it broke before an answer began.
    Connect(ConnectFault),
    /// A time limit of the model ran out before content was sent on.
    Timeout(TimeoutKind),
    /// What was left of the request's own time ran out before the model's limit did.
    TimeBudget(TimeoutKind),
    /// The provider answered that it failed, by its status or by an error object inside a
    /// success.
    Upstream(Box<UpstreamError>),
    /// A success without content, withheld by the provider's filter.
    Filtered(Filter),
    /// A success that is no usable answer.
    Garbage(Garbage),
    /// The answer broke after content had been sent on.
    Interrupted(Interruption),
    /// A drill makes the candidate fail with this class; nobody was called.
    Drill(ErrorClass),
}

/// Why there was no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFault {
    /// Nobody listens there.
    Refused,
    /// It was closed on us.
    Reset,
    /// The name has no address.
    Dns,
    /// The encryption could not be agreed on.
    Tls,
    /// Our address policy forbids the address.
    Blocked,
    /// Anything else.
    Other,
}

/// Which time limit ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutKind {
    /// For the connection.
    Connect,
    /// For the first real frame of a stream.
    FirstFrame,
    /// For the whole answer.
    Answer,
    /// Between two reads.
    Idle,
}

/// How the filter showed itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// A `finish_reason` that means it, in any vendor's word, with no content before it. With the rule that reads
    /// the word so.
    FinishReason(&'static str),
    /// The prompt was blocked, and there is no choice at all.
    Prompt,
}

/// What is wrong with a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Garbage {
    /// A page for people.
    Html,
    /// JSON that does not parse, or is no object.
    BrokenJson,
    /// Sound JSON without a choice.
    NoChoice,
    /// A choice without content and without an end.
    NoContent,
    /// The end, without content, says that the inference broke.
    Inference,
    /// The end, without content, is a word that we do not know.
    UnknownEnd,
    /// Nothing, or a stream that ended without a frame.
    Empty,
    /// Larger than the largest answer that is read.
    TooLarge,
    /// A stream's line longer than the longest that is read.
    EventTooLong,
    /// The body ended before its announced end.
    Truncated,
    /// The body's framing makes no sense.
    Framing,
    /// Neither JSON nor a stream of events.
    ContentType,
    /// It does not fit into the organization's share of memory. The answer is not at fault, and neither is the model.
    NoRoom,
}

/// How a stream broke after content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The connection broke.
    Reset,
    /// It ended without saying that it was done.
    Ended,
    /// It fell silent.
    Idle,
    /// The time for the whole answer ran out.
    Deadline,
    /// It went on with something that is no answer.
    Garbage(Garbage),
    /// The provider sent an error.
    Upstream(Box<UpstreamError>),
}
