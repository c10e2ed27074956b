//! The core error taxonomy: what can go wrong, without a word about how it is shown.
//!
//! Which to use: the caller's credential → [`Error::Unauthenticated`], [`Error::ScopeMissing`]; a field of the body or
//! query → [`Error::Invalid`]; a person at a page → [`Error::Visit`]; a whole request that makes no sense →
//! [`Error::Refused`]; a thing that is not there (or another organization's, which is the same) → [`Error::Absent`];
//! something of ours that broke → [`Error::internal`], whose source goes to the log and never to the caller. Each
//! dialect under `api/` builds the response of every variant in its own `error.rs`, by an exhaustive match.

use std::fmt;
use std::time::Duration;

use crate::domain::chain_failure::ChainFailure;
use crate::domain::routing_info::RoutingInfo;

/// The result of everything that can fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a caller's credential was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialFault {
    /// No credential was sent.
    Missing,
    /// What was sent does not look like a key of ours, or its checksum is wrong.
    Malformed,
    /// Well-formed, but not a key that is in use: never issued, revoked or deleted.
    Unknown,
    /// The key's expiry has passed.
    Expired,
    /// `x-api-key` and `Authorization` hold different keys.
    Conflicting,
}

impl CredentialFault {
    /// One sentence that names the cause and the remedy.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Missing => {
                "No API key was sent. Send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'."
            }
            Self::Malformed => {
                "The API key is malformed: a key starts with 'fsk_', is 40 characters long and ends in a checksum. Check that it was copied whole."
            }
            Self::Unknown => {
                "The API key is not valid: it was never issued or has been revoked. Use a living key."
            }
            Self::Expired => "The API key has expired. Create a new one.",
            Self::Conflicting => "'x-api-key' and 'Authorization' hold different API keys. Send one of them.",
        }
    }
}

/// One step of the way to a bad value: a member's name or an array's index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A member of an object, or the part of the request (`body`, `query`, `path`).
    Name(String),
    /// A position in an array, from 0.
    Index(usize),
}

impl From<&str> for Location {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<usize> for Location {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// One field that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where: `["body", "fallback_models", 0]`.
    pub location: Vec<Location>,
    /// What kind: `missing`, `string_type`, `value_error`, `too_short` ...
    pub kind: &'static str,
    /// The cause and the remedy, in one sentence.
    pub message: String,
}

impl Violation {
    /// A violation at a path of names and indexes.
    pub fn new(
        location: impl IntoIterator<Item = Location>,
        kind: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { location: location.into_iter().collect(), kind, message: message.into() }
    }

    /// A violation of one member of the body.
    pub fn body(field: &str, kind: &'static str, message: impl Into<String>) -> Self {
        Self::new([Location::from("body"), Location::from(field)], kind, message)
    }

    /// A violation of one parameter of the query.
    pub fn query(parameter: &str, kind: &'static str, message: impl Into<String>) -> Self {
        Self::new([Location::from("query"), Location::from(parameter)], kind, message)
    }
}

/// A request that was understood and makes no sense (400).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The cause and the remedy, in one sentence.
    pub message: String,
    /// The field at fault.
    pub param: Option<String>,
    /// A stable word for programs, such as `invalid_value`.
    pub code: &'static str,
}

/// Why a person with a browser is not let through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VisitFault {
    /// 303 to the log-in.
    #[error("nobody is logged in")]
    LoggedOut {
        /// Where the visitor wanted to go: a path with its query.
        next: String,
    },
    /// 403: what the visitor's role does not allow.
    #[error("your role does not allow it: {0}")]
    RoleMissing(&'static str),
    /// 403: a form that a page elsewhere sent.
    #[error("a page of another site sent this form")]
    ForeignOrigin,
    /// 403: a form without the token of the page that it stands on.
    #[error("this form is too old, or no page of this browser made it")]
    FormStale,
    /// 415: a body that no form of ours sends.
    #[error("this is not the body of a form")]
    NoForm,
    /// 429: too many attempts at something that must not be guessed.
    #[error("too many attempts; try again later")]
    Throttled {
        /// When it is worth trying again.
        retry_after: Duration,
    },
}

/// A limit of a key that was reached (429).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitReached {
    /// Which: `requests per minute` or `concurrent requests`.
    pub what: &'static str,
    /// The limit's size.
    pub limit: u64,
    /// When it is worth trying again.
    pub retry_after: Duration,
    /// When the limit per minute is whole again; none for the other limit.
    pub reset: Option<Duration>,
}

/// What all organizations share, of which one has used up its share (429).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// Bytes that are held for its requests and answers.
    Memory,
    /// Requests to models that are under way.
    Requests,
    /// Live views of events.
    Tails,
}

impl Shared {
    /// The cause and the remedy.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Memory => {
                "This organization's requests and answers fill its share of the gateway's memory. Wait until some of them have ended, or send smaller ones."
            }
            Self::Requests => {
                "This organization has as many requests under way as it may have at once. Wait until some of them have ended, or ask the gateway's operator for more."
            }
            Self::Tails => {
                "You or your organization have as many live views open as one may have at once. Close some of them."
            }
        }
    }
}

/// Everything that can go wrong between a request and its answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 401.
    #[error("{}", .0.message())]
    Unauthenticated(CredentialFault),
    /// 403: the key is good, but lacks a scope.
    #[error("this API key lacks the scope '{0}'")]
    ScopeMissing(&'static str),
    /// A person's visit to a page that ends at the door; the API never says it.
    #[error("{0}")]
    Visit(VisitFault),
    /// 403: the key's allow-list leaves the model out.
    #[error("this API key may not use the model '{model}'")]
    ModelForbidden {
        /// The model's name as the caller wrote it.
        model: String,
    },
    /// 404: no such path.
    #[error("there is nothing at this path")]
    RouteUnknown,
    /// 405.
    #[error("the method is not allowed here; allowed: {allow}")]
    MethodNotAllowed {
        /// The value of the `Allow` header.
        allow: String,
    },
    /// 404: an id of nothing, or of another organization's.
    #[error("no {what} with the id or name '{id}'")]
    Absent {
        /// `provider`, `model`, `fallback event` ...
        what: &'static str,
        /// What the caller asked for.
        id: String,
    },
    /// 404: a model name that is not in the organization's catalogue.
    #[error("the model '{model}' does not exist in this organization's catalogue")]
    ModelUnknown {
        /// The name.
        model: String,
        /// The organization's own model names, sorted.
        available: Vec<String>,
    },
    /// 400: fallback names that are not in the organization's catalogue.
    #[error("unknown fallback models: {models:?}")]
    FallbacksUnknown {
        /// The names.
        models: Vec<String>,
        /// The organization's own model names, sorted.
        available: Vec<String>,
    },
    /// 400: a model in its own list.
    #[error("the model '{model}' cannot be its own fallback")]
    FallbackToSelf {
        /// The name.
        model: String,
    },
    /// 404: nothing is configured for that model and type.
    #[error("no {kind} fallbacks configured for model '{model}'")]
    FallbackAbsent {
        /// The model's name.
        model: String,
        /// `general`, `context_window`, `content_policy`.
        kind: String,
    },
    /// 422: fields that were refused.
    #[error("{} invalid field(s)", .0.len())]
    Invalid(Vec<Violation>),
    /// 400: a request that makes no sense as a whole.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// 409.
    #[error("{message}")]
    Conflict {
        /// The cause and the remedy.
        message: String,
    },
    /// 412: somebody else changed it since the caller read it.
    #[error("the revision is {current}, not the one in If-Match")]
    RevisionChanged {
        /// The revision in force.
        current: i64,
    },
    /// 413.
    #[error("the body is over the limit of {limit} bytes")]
    BodyTooLarge {
        /// Bytes.
        limit: usize,
    },
    /// 415.
    #[error("the body's Content-Encoding is not supported: send it uncompressed")]
    BodyEncoded,
    /// 408: the body stopped arriving.
    #[error("the body did not arrive in time")]
    BodyStalled,
    /// 400: the connection broke off, or the framing was wrong.
    #[error("the body could not be read")]
    BodyUnreadable,
    /// 429.
    #[error("the limit of {} {} is reached", .0.limit, .0.what)]
    LimitReached(LimitReached),
    /// 429: the organization has used up its share of what all organizations share.
    #[error("{}", .0.message())]
    ShareUsedUp(Shared),
    /// 503: too much is under way at once.
    #[error("the gateway is busy; try again shortly")]
    Busy,
    /// 503: the answer could not be recorded, so it was not given. With what the caller is told about the calls that
    /// were made for it.
    #[error("the answer could not be recorded and was withheld; try again")]
    RecordingUnavailable(Option<Box<RoutingInfo>>),
    /// 503: the database cannot be reached. What is served from memory goes on.
    #[error("the database cannot be reached; try again shortly")]
    DatabaseAway,
    /// 500: the data is not loaded yet.
    #[error("the router is not initialized")]
    NotReady,
    /// 508: the request came from this gateway itself.
    #[error("this request has already passed through this gateway: a provider's address points back at it")]
    LoopDetected,
    /// The chain of candidates ended without an answer.
    #[error("{}", .0.failure.message)]
    Chain(Box<ChainFailure>),
    /// 500: something of ours broke. Only the log sees the source.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Something of ours broke: `source` goes to the log, the caller sees a request id.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// A 400 with its field and a stable code.
    pub fn refused(param: Option<&str>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Refusal { message: message.into(), param: param.map(str::to_owned), code })
    }

    /// Absence, which is also how another organization's things look.
    pub fn absent(what: &'static str, id: impl fmt::Display) -> Self {
        Self::Absent { what, id: id.to_string() }
    }
}
