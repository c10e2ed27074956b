//! The scope of a failure: the one request that caused it, or the model.
//!
//! Only a [`ModelFailure`] closes a model or marks a provider, and only this module makes one. So one caller's request
//! cannot close a model to the others: its size, its content, its time budget and what it needs are its own.
//!
//! May import: `providers`, `class`.

use crate::providers::{Reading, Speaks, UpstreamError};

use super::Failure;
use crate::domain::error_class::ErrorClass;

/// What a failure is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureScope {
    /// This one request caused it: another may well be answered.
    Request,
    /// The status leaves it open, and nothing else in the answer decides. It is the model's once several different
    /// requests in a row met it.
    Open,
    /// The model's: any request would fail.
    Model,
    /// The provider's: it refuses our credential, whatever model is asked for.
    Provider,
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

/// A failure that is not the request's. Made by [`Failure::blame`] and by `OpenFailure::confirmed` alone.
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
    pub(in crate::gateway) fn confirmed(self) -> ModelFailure<'a> {
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

/// The scope where the class alone decides.
pub(super) fn of_class(class: ErrorClass) -> FailureScope {
    match class {
        ErrorClass::ContextWindowExceeded
        | ErrorClass::ContentPolicy
        | ErrorClass::InvalidRequest
        | ErrorClass::Cooldown
        | ErrorClass::Disabled
        | ErrorClass::NotAllowed
        | ErrorClass::OverBudget
        | ErrorClass::Deadline
        | ErrorClass::TooLarge
        | ErrorClass::LacksCapability => FailureScope::Request,
        ErrorClass::RateLimited
        | ErrorClass::QuotaExhausted
        | ErrorClass::Overloaded
        | ErrorClass::Unavailable
        | ErrorClass::Timeout
        | ErrorClass::ModelNotFound
        | ErrorClass::InvalidResponse
        | ErrorClass::StreamInterrupted => FailureScope::Model,
        ErrorClass::Authentication => FailureScope::Provider,
    }
}

/// The scope of a failure that the provider answered. `named` says that a code or a sentence gave the class, and not the
/// status alone.
pub(super) fn of_answer(
    error: &UpstreamError,
    class: ErrorClass,
    named: bool,
    sentences: Reading<'_>,
) -> FailureScope {
    let by_class = of_class(class);
    let speaks = sentences.speaks(error.status, &error.message);
    let of_the_request = by_class == FailureScope::Request
        || speaks == Some(Speaks::OfTheRequest)
        || error.status == 413
        || is_firewall(error);
    if of_the_request {
        return FailureScope::Request;
    }
    match class {
        ErrorClass::RateLimited
        | ErrorClass::QuotaExhausted
        | ErrorClass::ModelNotFound
        | ErrorClass::Authentication => {
            // An answer that names the end of a limit speaks of a limit.
            let waits = error.retry_after.is_some() || error.reset.is_some();
            let limited = waits && matches!(class, ErrorClass::RateLimited | ErrorClass::QuotaExhausted);
            if !(named || limited || error.status == 401 || speaks.is_some()) {
                FailureScope::Open
            } else if by_class == FailureScope::Provider && error.status == 403 && names_a_model(error) {
                // The credential is good for the provider's other models.
                FailureScope::Model
            } else {
                by_class
            }
        }
        ErrorClass::Overloaded
        | ErrorClass::Unavailable
        | ErrorClass::Timeout
        | ErrorClass::InvalidResponse
        | ErrorClass::StreamInterrupted
        | ErrorClass::ContextWindowExceeded
        | ErrorClass::ContentPolicy
        | ErrorClass::InvalidRequest
        | ErrorClass::Cooldown
        | ErrorClass::Disabled
        | ErrorClass::NotAllowed
        | ErrorClass::OverBudget
        | ErrorClass::Deadline
        | ErrorClass::TooLarge
        | ErrorClass::LacksCapability => by_class,
    }
}

/// A page for people under a 403 comes from a firewall before the vendor's server: vendors answer with JSON.
fn is_firewall(error: &UpstreamError) -> bool {
    error.status == 403 && error.page
}

fn names_a_model(error: &UpstreamError) -> bool {
    error.message.to_ascii_lowercase().contains("model")
}
