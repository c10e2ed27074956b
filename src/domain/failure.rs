//! One failed attempt, and what it is held against.

use std::time::Duration;

use crate::domain::error_class::ErrorClass;
use crate::domain::failure_scope::FailureScope;

/// One failed attempt, ready to be acted on, recorded and shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it means.
    pub class: ErrorClass,
    /// What the failure is held against: only a failure of the model closes the model.
    pub scope: FailureScope,
    /// The rule that said so, such as `status:429` or `code:context_length_exceeded`. The
    /// names are stable: they are stored.
    pub rule: &'static str,
    /// The provider's status; `None` if there was no answer. An error inside a success that
    /// names no status of its own has 200.
    pub status: Option<u16>,
    /// The wait that the provider asks for, at most [`FARTHEST_RESET`](crate::gateway::call::classify::FARTHEST_RESET); for a limit, until it starts over.
    pub retry_after: Option<Duration>,
    /// A sentence for people, redacted, at most 2,000 characters, never empty.
    pub message: String,
    /// The parameter that the provider finds fault with.
    pub param: Option<String>,
    /// The provider's own code.
    pub code: Option<String>,
}

impl Failure {
    /// A failure that the gateway describes itself, the provider having said nothing. Its class decides its scope.
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

    /// The status that a chain which ended with this failure has for its caller.
    #[must_use]
    pub fn caller_status(&self) -> u16 {
        match (self.class, self.status) {
            // The provider's own, unless it would be taken for the gateway's word about the caller.
            (ErrorClass::InvalidRequest, Some(status @ 400..=499))
                if !matches!(status, 401 | 403 | 404 | 407 | 408 | 429) =>
            {
                status
            }
            (class, _) => class.policy().status,
        }
    }

    /// The status of a chain of which no model was called because all are in cooldown: a limit keeps the status of a
    /// limit, and a call that was never made did not fail.
    #[must_use]
    pub fn caller_status_in_cooldown(&self) -> u16 {
        match self.caller_status() {
            429 => 429,
            _ => 503,
        }
    }
}

/// Who a failure is held against.
#[derive(Clone, Copy, Debug)]
pub enum Blame<'a> {
    /// The request: nothing is held against the model.
    Request,
    /// The model or its provider.
    Model(ModelFailure<'a>),
    /// The model, if several different requests in a row meet it.
    Open(OpenFailure<'a>),
}

/// A failure that is not the request's. Made by [`Failure::blame`] and by [`OpenFailure::confirmed`] alone.
#[derive(Clone, Copy, Debug)]
pub struct ModelFailure<'a>(&'a Failure);

/// A failure that may be the request's or the model's.
#[derive(Clone, Copy, Debug)]
pub struct OpenFailure<'a>(&'a Failure);

impl<'a> ModelFailure<'a> {
    /// The failure.
    #[must_use]
    pub fn failure(self) -> &'a Failure {
        self.0
    }

    /// Whether it says something about the provider as a whole: it refuses our credential.
    #[must_use]
    pub fn is_of_the_provider(self) -> bool {
        match self.0.scope {
            FailureScope::Provider => true,
            // Nothing but the credential is left to refuse.
            FailureScope::Open => self.0.class == ErrorClass::Authentication,
            FailureScope::Model | FailureScope::Request => false,
        }
    }
}

impl<'a> OpenFailure<'a> {
    /// Several different requests in a row have met it.
    #[must_use]
    pub fn confirmed(self) -> ModelFailure<'a> {
        ModelFailure(self.0)
    }
}

impl Failure {
    /// Who it is held against.
    #[must_use]
    pub fn blame(&self) -> Blame<'_> {
        match self.scope {
            FailureScope::Request => Blame::Request,
            FailureScope::Open => Blame::Open(OpenFailure(self)),
            FailureScope::Model | FailureScope::Provider => Blame::Model(ModelFailure(self)),
        }
    }
}
