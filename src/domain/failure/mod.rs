//! One failed attempt, and what it counts against.

pub mod chain;
pub mod class;
pub mod class_policy;
pub mod evidence;
pub mod scope;

use std::time::Duration;

use crate::domain::failure::class::ErrorClass;
use crate::domain::failure::scope::FailureScope;

/// One failed attempt, classified and redacted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The error class of the failure.
    pub class: ErrorClass,
    /// What the failure counts against. Only a failure of the model can start its cooldown.
    pub scope: FailureScope,
    /// The classification rule, such as `status:429` or `code:context_length_exceeded`. Rules are
    /// stored, so their names are stable.
    pub rule: &'static str,
    /// The HTTP status of the provider; `None` if there was no response. An error inside a successful
    /// response has the status that it names, or 200.
    pub status: Option<u16>,
    /// The wait that the provider asks for, at most [`FARTHEST_RESET`](crate::gateway::call::classify::FARTHEST_RESET); for a limit, until it starts over.
    pub retry_after: Option<Duration>,
    /// A sentence for people: redacted, not empty, at most 2,000 characters.
    pub message: String,
    /// The parameter that the provider rejects.
    pub param: Option<String>,
    /// The error code of the provider.
    pub code: Option<String>,
}

impl Failure {
    /// A failure that the gateway itself detected. Its class decides its scope.
    #[must_use]
    pub fn ours(class: ErrorClass, rule: &'static str, message: &str) -> Self {
        Self {
            class,
            scope: class.policy().scope,
            rule,
            status: None,
            retry_after: None,
            message: message.to_owned(),
            param: None,
            code: None,
        }
    }

    /// Whether another credential of the same provider may answer the same request.
    #[must_use]
    pub fn is_of_the_credential(&self) -> bool {
        self.class.policy().other_credential && self.scope != FailureScope::Request
    }

    /// The HTTP status for the caller of a chain that ended with this failure.
    #[must_use]
    pub fn caller_status(&self) -> u16 {
        match (self.class, self.status) {
            // The status of the provider, except where the caller would take it as a statement of the gateway.
            (ErrorClass::InvalidRequest, Some(status @ 400..=499))
                if !matches!(status, 401 | 403 | 404 | 407 | 408 | 429) =>
            {
                status
            }
            (class, _) => class.policy().status,
        }
    }

    /// The HTTP status for a chain in which all models are in cooldown, so that none was called: 429 for a limit, otherwise
    /// 503.
    #[must_use]
    pub fn caller_status_in_cooldown(&self) -> u16 {
        match self.caller_status() {
            429 => 429,
            _ => 503,
        }
    }
}

/// What a failure counts against.
#[derive(Clone, Copy, Debug)]
pub enum Blame<'a> {
    /// The request. The model is not affected.
    Request,
    /// The model or its provider.
    Model(ModelFailure<'a>),
    /// The model, once there is enough [`evidence`].
    Open(OpenFailure<'a>),
    /// The caller, until another one meets a limit as well.
    UnclearLimit(OpenFailure<'a>),
}

/// A failure of the model or its provider. Only [`Failure::blame`] and [`OpenFailure::confirmed`] create one.
#[derive(Clone, Copy, Debug)]
pub struct ModelFailure<'a> {
    failure: &'a Failure,
    of_one_caller: bool,
}

/// A failure of either the request or the model.
#[derive(Clone, Copy, Debug)]
pub struct OpenFailure<'a>(&'a Failure);

impl<'a> ModelFailure<'a> {
    /// The failure that counts against it.
    #[must_use]
    pub fn failure(self) -> &'a Failure {
        self.failure
    }

    /// Whether only the requests of one of several callers say so.
    #[must_use]
    pub fn is_of_one_caller(self) -> bool {
        self.of_one_caller
    }

    /// Whether the failure affects the whole provider, because it rejects the credential.
    #[must_use]
    pub fn is_of_the_provider(self) -> bool {
        match self.failure.scope {
            FailureScope::Provider => true,
            // A rejected credential affects every model of the provider.
            FailureScope::Open => self.failure.class == ErrorClass::Authentication,
            FailureScope::Model | FailureScope::Request | FailureScope::UnclearLimit => false,
        }
    }
}

impl<'a> OpenFailure<'a> {
    /// The failure that may count against the model.
    #[must_use]
    pub fn failure(self) -> &'a Failure {
        self.0
    }

    /// Treats it as a failure of the model, because there is enough [`evidence`].
    #[must_use]
    pub fn confirmed(self) -> ModelFailure<'a> {
        ModelFailure { failure: self.0, of_one_caller: false }
    }

    /// As [`Self::confirmed`], by the requests of one of several callers. How long a limit lasts for it says little of the others.
    #[must_use]
    pub fn confirmed_by_one(self) -> ModelFailure<'a> {
        ModelFailure { failure: self.0, of_one_caller: true }
    }
}

impl Failure {
    /// What the failure counts against.
    #[must_use]
    pub fn blame(&self) -> Blame<'_> {
        match self.scope {
            FailureScope::Request => Blame::Request,
            FailureScope::Open => Blame::Open(OpenFailure(self)),
            FailureScope::UnclearLimit => Blame::UnclearLimit(OpenFailure(self)),
            FailureScope::Model | FailureScope::Provider => {
                Blame::Model(ModelFailure { failure: self, of_one_caller: false })
            }
        }
    }
}
