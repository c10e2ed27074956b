//! What comes out of a request: a body or a stream with what the caller is told about it, or a chain's failure.
//!
//! No types of the HTTP server. Imports [`classify`](super::classify).

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use serde::Serialize;
use uuid::Uuid;

use super::classify::{ErrorClass, Failure};

/// An answered request.
pub struct Answer {
    /// The upstream's status: 200, or another 2xx.
    pub status: u16,
    /// What the caller is told in headers.
    pub disclosure: Disclosure,
    /// The body.
    pub body: AnswerBody,
}

/// A body that is there, or one that is still arriving.
pub enum AnswerBody {
    /// A whole JSON text.
    Whole(Bytes),
    /// Server-sent events. Dropping the stream cancels the upstream call.
    Stream(Pin<Box<dyn Stream<Item = Bytes>>>),
}

/// What the caller learns about the way to the answer, also on an error.
#[derive(Debug, Clone, Default)]
pub struct Disclosure {
    /// Catalogue name of the model that answered.
    pub served: Option<String>,
    /// Upstream calls made.
    pub upstream_calls: u32,
    /// The requested model, and the class of its failure; none if it answered itself.
    pub fallback: Option<(String, ErrorClass)>,
    /// Candidates failed or passed over before the answer.
    pub hops: u32,
    /// Time that was ours.
    pub gateway_time: Duration,
    /// Time that was the upstreams'.
    pub upstream_time: Duration,
}

/// A chain that ended without an answer.
#[derive(Debug)]
pub struct ChainFailure {
    /// The failure of the last candidate called; or, if none was, of the last one passed over.
    pub failure: Failure,
    /// The smallest wait that any provider asked for.
    pub retry_after: Option<Duration>,
    /// What was tried.
    pub attempts: Vec<AttemptReport>,
    /// What the caller is told in headers.
    pub disclosure: Disclosure,
}

/// One attempt or pass-over, as it is stored and shown.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptReport {
    /// Catalogue name of the model.
    pub model: String,
    /// Catalogue name of its provider.
    pub provider: String,
    /// The provider's status; none if it gave none.
    pub status: Option<u16>,
    /// Why it failed; none for the one that answered.
    pub error_class: Option<ErrorClass>,
    /// The rule that matched.
    pub matched_rule: Option<&'static str>,
    /// Milliseconds from the call to its end, or to the first real frame.
    pub duration_ms: u64,
    /// Whether it was not called at all.
    pub passed_over: bool,
    /// What was changed in the request for its sake.
    pub adapted: Vec<String>,
}

/// The `failsoft` object of an answer, for callers who ask for it.
#[derive(Debug, Serialize)]
pub struct Metadata<'a> {
    /// Catalogue name of the primary.
    pub requested: &'a str,
    /// Catalogue name of the model that answered.
    pub served: &'a str,
    /// Cost in nano-dollars; null where a price is unknown.
    pub cost: Option<i64>,
    /// What was tried.
    pub attempts: &'a [AttemptReport],
}

/// A chunk that ends a stream with an error, in the words of the caller's dialect.
#[derive(Debug)]
pub struct BrokenStream<'a> {
    /// The stream's raw `id`, `object` and `created`.
    pub identity: &'a super::frame::Identity,
    /// Our name for the model, as a JSON string.
    pub model: &'a str,
    /// What went wrong.
    pub failure: &'a Failure,
    /// The request.
    pub request_id: Uuid,
}

/// The status that a chain's failure has for its caller.
#[must_use]
pub fn status_of(failure: &Failure) -> u16 {
    match failure.class {
        ErrorClass::RateLimited | ErrorClass::QuotaExhausted => 429,
        ErrorClass::Overloaded => 503,
        ErrorClass::Unavailable
        | ErrorClass::InvalidResponse
        | ErrorClass::StreamInterrupted
        | ErrorClass::Authentication
        | ErrorClass::ModelNotFound => 502,
        ErrorClass::Timeout | ErrorClass::Deadline => 504,
        ErrorClass::ContextWindowExceeded | ErrorClass::TooLarge | ErrorClass::ContentPolicy => 400,
        ErrorClass::OverBudget => 402,
        ErrorClass::Cooldown
        | ErrorClass::Disabled
        | ErrorClass::NotAllowed
        | ErrorClass::LacksCapability => 503,
        // The upstream's own, unless it would be taken for the gateway's word about the caller.
        ErrorClass::InvalidRequest => match failure.status {
            Some(status @ 400..=499) if !matches!(status, 401 | 403 | 404 | 407 | 408 | 429) => status,
            _ => 400,
        },
    }
}

/// Whether the caller's SDK may try again by itself: only where that could mend anything.
#[must_use]
pub fn worth_retrying(class: ErrorClass) -> bool {
    match class {
        ErrorClass::RateLimited
        | ErrorClass::Overloaded
        | ErrorClass::Unavailable
        | ErrorClass::InvalidResponse => true,
        ErrorClass::QuotaExhausted
        | ErrorClass::Timeout
        | ErrorClass::ContextWindowExceeded
        | ErrorClass::ContentPolicy
        | ErrorClass::Authentication
        | ErrorClass::ModelNotFound
        | ErrorClass::InvalidRequest
        | ErrorClass::StreamInterrupted
        | ErrorClass::Cooldown
        | ErrorClass::Disabled
        | ErrorClass::NotAllowed
        | ErrorClass::OverBudget
        | ErrorClass::Deadline
        | ErrorClass::TooLarge
        | ErrorClass::LacksCapability => false,
    }
}
