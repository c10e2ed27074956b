//! The core error taxonomy. It says what went wrong, and each API decides how to show it.
//!
//! Which to use: a problem with the credential → [`Error::Unauthenticated`], [`Error::ScopeMissing`]; a field of the
//! body or query → [`Error::Invalid`]; a console user without access → [`Error::Visit`]; a request that makes no sense
//! as a whole → [`Error::Refused`]; a resource that does not exist or belongs to another organization →
//! [`Error::Absent`]; an internal fault → [`Error::internal`], which logs its source and does not show it to the caller.
//! Its status and its sentence are decided here; a dialect's `error.rs` adds the shape and what its contract has otherwise.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::domain::failure::chain::ChainFailure;
use crate::domain::routing_info::RoutingInfo;

/// A result with [`Error`] as its default error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a caller's credential was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialFault {
    /// No credential was sent.
    Missing,
    /// The credential does not have the form of an API key, or its checksum is wrong.
    Malformed,
    /// The key is well formed but not in use: it was never issued, or it was revoked or deleted.
    Unknown,
    /// The key's expiry has passed.
    Expired,
    /// `x-api-key` and `Authorization` contain different keys.
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

/// One step of the path to an invalid value: the name of a member or the index in an array.
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

/// One invalid field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the value, such as `["body", "fallback_models", 0]`.
    pub location: Vec<Location>,
    /// The kind of violation, such as `missing`, `string_type`, `value_error` or `too_short`.
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

/// A request that is well formed but makes no sense (400).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The cause and the remedy, in one sentence.
    pub message: String,
    /// The field at fault.
    pub param: Option<String>,
    /// A stable code for programs, such as `invalid_value`.
    pub code: &'static str,
}

/// Why a console user has no access.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VisitFault {
    /// 303 to the sign-in page.
    #[error("nobody is logged in")]
    LoggedOut {
        /// The requested path with its query.
        next: String,
    },
    /// 403: the role of the user does not allow it.
    #[error("your role does not allow it: {0}")]
    RoleMissing(&'static str),
    /// 403: a page of another site sent the form.
    #[error("a page of another site sent this form")]
    ForeignOrigin,
    /// 403: the form has no valid CSRF token.
    #[error("this form is too old, or no page of this browser made it")]
    FormStale,
    /// 415: the body is not a form.
    #[error("this is not the body of a form")]
    NoForm,
    /// 429: too many attempts to sign in or to use a secret link.
    #[error("too many attempts; try again later")]
    Throttled {
        /// The time to wait before the next attempt.
        retry_after: Duration,
    },
}

/// A limit of requests that is reached (429).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitReached {
    /// What has the limit: `API key` or `organization`.
    pub owner: &'static str,
    /// The limited quantity, such as `requests per minute` or `concurrent requests`.
    pub what: &'static str,
    /// The value of the limit.
    pub limit: u64,
    /// When it is worth trying again.
    pub retry_after: Duration,
    /// The time until the limit is fully restored; `None` for the concurrency limit.
    pub reset: Option<Duration>,
}

/// A shared resource of which an organization has used its whole share (429).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// Memory for requests and responses.
    Memory,
    /// Concurrent requests to models.
    Requests,
    /// Live views of events.
    Tails,
}

impl Shared {
    /// The cause and the remedy, as a sentence.
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

/// Every error that can end a request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 401: the credential is not accepted.
    #[error("{}", .0.message())]
    Unauthenticated(CredentialFault),
    /// 403: the key is valid but lacks a scope.
    #[error("this API key lacks the scope '{0}'. Use a key that has it, or add it to this one")]
    ScopeMissing(&'static str),
    /// A console user has no access to a page. The API never returns it.
    #[error("{0}")]
    Visit(VisitFault),
    /// 403: the model is not on the allow-list of the key.
    #[error("this API key may not use the model '{model}'")]
    ModelForbidden {
        /// The name of the model as the caller wrote it.
        model: String,
    },
    /// 404: no such path.
    #[error("there is nothing at this path")]
    RouteUnknown,
    /// 405: the path does not support the method.
    #[error("this method is not allowed here. Allowed: {allow}")]
    MethodNotAllowed {
        /// The value of the `Allow` header.
        allow: String,
    },
    /// 404: the resource does not exist or belongs to another organization.
    #[error("there is no {what} '{id}' in this organization")]
    Absent {
        /// The kind of resource, such as `provider`, `model` or `fallback event`.
        what: &'static str,
        /// The id or name that the caller asked for.
        id: String,
    },
    /// 404: the model is not in the catalog of the organization.
    #[error("the model '{model}' does not exist in this organization's catalog")]
    ModelUnknown {
        /// The name of the model.
        model: String,
        /// Its fallbacks that are not in the catalog, either.
        fallbacks: Vec<String>,
        /// The model names of the organization, sorted.
        available: Vec<String>,
    },
    /// 400: fallbacks that are not in the catalog of the organization.
    #[error("unknown fallback models: {models:?}")]
    FallbacksUnknown {
        /// The names of the models.
        models: Vec<String>,
        /// The model that the list is for, if it is in the list, too.
        itself: Option<String>,
        /// The organization's own model names, sorted.
        available: Vec<String>,
    },
    /// 400: a model in its own fallback list.
    #[error("the model '{model}' cannot be its own fallback")]
    FallbackToSelf {
        /// The name of the model.
        model: String,
    },
    /// 404: the model has no fallbacks of that type.
    #[error("no {kind} fallbacks configured for model '{model}'")]
    FallbackAbsent {
        /// The name of the model.
        model: String,
        /// The type of list: `general`, `context_window` or `content_policy`.
        kind: String,
    },
    /// 422: the body or query has invalid fields.
    #[error("{} invalid field(s)", .0.len())]
    Invalid(Vec<Violation>),
    /// 400: the request makes no sense as a whole.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// 409: the request conflicts with the current state.
    #[error("{message}")]
    Conflict {
        /// The cause and the remedy.
        message: String,
    },
    /// 412: the resource has changed since the caller read it.
    #[error("the revision is {current}, not the one in If-Match")]
    RevisionChanged {
        /// The number of the current revision.
        current: i64,
    },
    /// 413: the body is too large.
    #[error("the body is over the limit of {limit} bytes")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// 415: the body has a `Content-Encoding`.
    #[error("compressed bodies are not accepted. Send the JSON as it is, without Content-Encoding")]
    BodyEncoded,
    /// 408: the body did not arrive in time.
    #[error("the body did not arrive in time. Send it without pauses")]
    BodyStalled,
    /// 400: the connection was closed, or the framing of the body is invalid.
    #[error("the body ended early or is malformed")]
    BodyUnreadable,
    /// 429: a limit of the API key is reached.
    #[error("the limit of {} {} is reached", .0.limit, .0.what)]
    LimitReached(LimitReached),
    /// 429: the organization has used its whole share of a shared resource.
    #[error("{}", .0.message())]
    ShareUsedUp(Shared),
    /// 503: the gateway is overloaded.
    #[error("the gateway is busy. Try again shortly")]
    Busy,
    /// 503: the answer could not be recorded, so it was withheld. Contains the routing headers, if calls were made.
    #[error("the answer could not be recorded and was withheld. Try again shortly")]
    RecordingUnavailable(Option<Box<RoutingInfo>>),
    /// 503: the database cannot be reached. Requests that are served from memory still work.
    #[error("the database cannot be reached. Try again shortly")]
    DatabaseAway,
    /// 500: the data is not loaded yet.
    #[error("the router is not initialized yet")]
    NotReady,
    /// 508: the request was sent by this gateway itself.
    #[error(
        "this request has passed through this gateway before: a provider has the address of this gateway"
    )]
    LoopDetected,
    /// The chain of candidates ended without an answer.
    #[error("{}", .0.failure.message)]
    Chain(Box<ChainFailure>),
    /// 500: an internal fault. Its source goes to the log only.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// An internal fault: `source` goes to the log, and the caller gets a request id.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// A 400 with the field at fault and a stable code.
    pub fn refused(param: Option<&str>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Refusal { message: message.into(), param: param.map(str::to_owned), code })
    }

    /// A resource that does not exist or belongs to another organization.
    pub fn absent(what: &'static str, id: impl fmt::Display) -> Self {
        Self::Absent { what, id: id.to_string() }
    }

    /// The HTTP status. A dialect names the few errors for which its contract has another one.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::FallbacksUnknown { .. }
            | Self::FallbackToSelf { .. }
            | Self::Refused(_)
            | Self::BodyUnreadable => 400,
            Self::Unauthenticated(_) => 401,
            Self::ScopeMissing(_) | Self::ModelForbidden { .. } => 403,
            Self::RouteUnknown
            | Self::Absent { .. }
            | Self::ModelUnknown { .. }
            | Self::FallbackAbsent { .. } => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::BodyStalled => 408,
            Self::Conflict { .. } => 409,
            Self::RevisionChanged { .. } => 412,
            Self::BodyTooLarge { .. } => 413,
            Self::BodyEncoded => 415,
            Self::Invalid(_) => 422,
            Self::LimitReached(_) | Self::ShareUsedUp(_) => 429,
            Self::NotReady | Self::Internal(_) => 500,
            Self::Busy | Self::RecordingUnavailable(_) | Self::DatabaseAway => 503,
            Self::LoopDetected => 508,
            Self::Chain(chain) => chain.status,
            Self::Visit(fault) => fault.status(),
        }
    }

    /// The cause and the remedy as a sentence: capitalized, with a period. The cause of an internal error is only in the
    /// log, under `request_id`.
    #[must_use]
    pub fn sentence(&self, request_id: Uuid) -> String {
        let text = if let Self::Internal(_) = self {
            format!(
                "An internal error occurred. Report the request id {request_id} to the operator of the gateway."
            )
        } else {
            self.to_string()
        };
        let mut letters = text.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
        let end = if text.ends_with('.') { "" } else { "." };
        format!("{first}{}{end}", letters.as_str())
    }
}

impl VisitFault {
    /// The HTTP status. A page redirects to the sign-in page instead of a 401.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::LoggedOut { .. } => 401,
            Self::RoleMissing(_) | Self::ForeignOrigin | Self::FormStale => 403,
            Self::NoForm => 415,
            Self::Throttled { .. } => 429,
        }
    }
}
