//! What comes out of a request: a body or a stream with what the caller is told about it, or a chain's failure.
//!
//! No types of the HTTP server. Imports [`classify`](super::classify), and [`relay`](mod@super::relay) for the stream.

use std::time::Duration;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::relay::StreamRelay;
use crate::gateway::call::classify::{ErrorClass, Failure, FailureScope};

/// An answered request.
pub struct Answer {
    /// The upstream's status: 200, or another 2xx.
    pub status: u16,
    /// What the caller is told in headers, or at the end of a stream that began without them.
    pub disclosure: Disclosure,
    /// The body.
    pub body: AnswerBody,
}

/// A body that is there, or one that is still arriving.
pub enum AnswerBody {
    /// A whole JSON text.
    Whole(Bytes),
    /// Server-sent events. Dropping them cancels the upstream call.
    Stream(Box<StreamRelay>),
}

/// What the caller learns about the way to the answer, also on an error: in headers, or in a body.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Disclosure {
    /// Catalogue name of the model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<String>,
    /// Upstream calls made.
    pub upstream_calls: u32,
    /// How it came that another model was asked; none if the requested one answered itself.
    pub fallback: Option<Fallback>,
    /// Time that was ours; in a body `gateway_ms`.
    #[serde(rename = "gateway_ms", serialize_with = "in_millis")]
    pub gateway_time: Duration,
    /// Time that was the upstreams'; in a body `upstream_ms`.
    #[serde(rename = "upstream_ms", serialize_with = "in_millis")]
    pub upstream_time: Duration,
    /// `soft`: a budget's soft limit is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<&'static str>,
}

/// How it came that another model was asked.
#[derive(Debug, Clone, Serialize)]
pub struct Fallback {
    /// The requested model.
    pub from: String,
    /// The class of the first failure.
    pub class: ErrorClass,
    /// Candidates failed or passed over before the answer.
    pub hops: u32,
}

/// A chain that ended without an answer.
#[derive(Debug)]
pub struct ChainFailure {
    /// The failure of the last candidate called; or, if none was, of the last one passed over.
    pub failure: Failure,
    /// The status for the caller.
    pub status: u16,
    /// Whether every model that could have answered is in cooldown, so that none was called.
    pub cooling: bool,
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

/// The `failsoft` object of an answer, for callers who ask for it and for those who got no headers.
#[derive(Debug, Serialize)]
pub struct Metadata<'a> {
    /// Catalogue name of the primary.
    pub requested: &'a str,
    /// What the headers say.
    #[serde(flatten)]
    pub disclosure: &'a Disclosure,
    /// Cost in nano-dollars; null where a price is unknown.
    pub cost: Option<i64>,
    /// What was tried.
    pub attempts: &'a [AttemptReport],
}

/// A chunk that ends a stream with an error, in the words of the caller's dialect.
#[derive(Debug)]
pub struct BrokenStream<'a> {
    /// The stream's raw `id`, `object` and `created`.
    pub identity: &'a crate::gateway::call::frame::Identity,
    /// Our name for the model, as a JSON string.
    pub model: &'a str,
    /// What went wrong.
    pub failure: &'a Failure,
    /// The request.
    pub request_id: Uuid,
}

/// Milliseconds with three decimals.
fn in_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    serializer.serialize_f64(f64::from(micros) / 1_000.0)
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

/// The status of a chain of which no model was called because all are in cooldown: a limit keeps the status of a
/// limit, and a call that was never made did not fail.
#[must_use]
pub fn status_in_cooldown(failure: &Failure) -> u16 {
    match status_of(failure) {
        429 => 429,
        _ => 503,
    }
}

/// The longest wait that an SDK may sleep through inside its caller.
const SHORT_WAIT: Duration = Duration::from_secs(2);

impl ChainFailure {
    /// Whether the caller's SDK may try again by itself: only where that could mend anything, and soon.
    #[must_use]
    pub fn is_worth_retrying(&self) -> bool {
        if self.cooling {
            return self.retry_after.is_some_and(|wait| wait <= SHORT_WAIT);
        }
        let too_large =
            self.failure.class == ErrorClass::RateLimited && self.failure.scope == FailureScope::Request;
        worth_retrying(self.failure.class) && !too_large
    }
}

/// Whether the caller's SDK may try again by itself after a failure of this class: only where that could mend anything.
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
