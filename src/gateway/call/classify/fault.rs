//! Faults of an attempt, before they are classified.

use crate::providers::UpstreamError;

use crate::domain::failure::class::ErrorClass;

/// A fault of an attempt, for [`classify`](super::classify).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection failed, or closed before an answer began.
    Connect(ConnectFault),
    /// A time limit of the model passed before content arrived.
    Timeout(TimeoutKind),
    /// The request's time budget was used up before the model's limit.
    TimeBudget(TimeoutKind),
    /// The provider returned an error, by its status or as an error object inside a success.
    Upstream(Box<UpstreamError>),
    /// A success without content, which the provider's filter withheld.
    Filtered(Filter),
    /// A success that is not a usable answer.
    Garbage(Garbage),
    /// The stream broke after content was sent to the caller.
    Interrupted(Interruption),
    /// A drill makes the candidate fail with this class; the provider was not called.
    Drill(ErrorClass),
}

impl Fault {
    /// Whether the provider refused the credential of the call.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Upstream(error) if error.status == 401)
    }
}

/// Why the connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFault {
    /// The connection was refused.
    Refused,
    /// The provider closed the connection.
    Reset,
    /// The host name does not resolve.
    Dns,
    /// The TLS handshake failed.
    Tls,
    /// The address policy blocks the address.
    Blocked,
    /// Any other connection error.
    Other,
}

/// The time limit that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutKind {
    /// The limit for connecting.
    Connect,
    /// The limit for the first real frame of a stream.
    FirstFrame,
    /// The limit for the whole answer.
    Answer,
    /// The limit between two reads.
    Idle,
}

/// How the provider reported that its filter applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// A `finish_reason` of any vendor that reports a filter, without content before it. Carries the name of the rule
    /// that matched.
    FinishReason(&'static str),
    /// The prompt was blocked, and the answer has no choice.
    Prompt,
}

/// Why a success is not a usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Garbage {
    /// An HTML page in place of JSON.
    Html,
    /// JSON that does not parse or is not an object.
    BrokenJson,
    /// A whole answer in which no choice has a message.
    NoMessage,
    /// Valid JSON without a choice.
    NoChoice,
    /// Fewer choices than were asked for, or one without an end beside others that have one.
    MissingChoice,
    /// A choice with neither content nor a `finish_reason`.
    NoContent,
    /// Something else than the count of tokens that was asked for.
    NoCount,
    /// Without the result that the endpoint is for, such as images.
    NoResult,
    /// Other embeddings than one for each input, all of the size that was asked for.
    Embeddings,
    /// Neither content nor a call, and a `finish_reason` that says that tools are called.
    NoCall,
    /// No content, and a `finish_reason` that reports a failed inference.
    Inference,
    /// No content, and an unknown `finish_reason`.
    UnknownEnd,
    /// An empty body, or a stream without a frame.
    Empty,
    /// An answer above the size limit.
    TooLarge,
    /// A line of a stream above the length limit.
    EventTooLong,
    /// The body ended before its announced length.
    Truncated,
    /// Invalid framing of the body, by HTTP or by the messages of AWS.
    Framing,
    /// Neither JSON nor server-sent events.
    ContentType,
    /// The answer does not fit into the organization's memory share. Neither the answer nor the model is at fault.
    NoRoom,
    /// The answer does not fit because other organizations hold all memory.
    Busy,
}

/// How a stream broke after content was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The connection was lost.
    Reset,
    /// The connection was lost, or the stream ended unfinished, after the caller had stopped reading.
    Unread,
    /// The stream ended without `[DONE]` or a `finish_reason`.
    Ended,
    /// No data arrived within the idle limit.
    Idle,
    /// The limit for the whole stream passed.
    Deadline,
    /// The stream continued with something that is not an answer.
    Garbage(Garbage),
    /// The provider sent an error event.
    Upstream(Box<UpstreamError>),
}
