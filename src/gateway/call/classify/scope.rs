//! The scope of a failure: the request that caused it, or the model.
//!
//! Only a [`ModelFailure`](crate::domain::failure::ModelFailure) starts a cooldown or changes a provider's health. So
//! a request that fails because of its size, content, time budget or requirements cannot take a model away from other
//! callers.

use crate::providers::{MessageRules, SentenceScope, UpstreamError};

use crate::domain::failure::class::ErrorClass;
use crate::domain::failure::scope::FailureScope;

/// The scope of an error that the provider returned. `named` says that a code or a sentence gave the class rather
/// than the status alone.
pub(super) fn of_answer(
    error: &UpstreamError,
    class: ErrorClass,
    named: bool,
    sentences: MessageRules<'_>,
) -> FailureScope {
    let by_class = class.policy().scope;
    let sentence_scope = sentences.sentence_scope(error.status, &error.message);
    let of_the_request = by_class == FailureScope::Request
        || sentence_scope == Some(SentenceScope::Request)
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
            // An answer that says when a limit resets is about a limit.
            let waits = error.retry_after.is_some() || error.reset.is_some();
            let limited = waits && matches!(class, ErrorClass::RateLimited | ErrorClass::QuotaExhausted);
            if !(named || limited || error.status == 401 || sentence_scope.is_some()) {
                FailureScope::Open
            } else if by_class == FailureScope::Provider && error.status == 403 && names_a_model(error) {
                // The credential is valid for other models of the provider.
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

/// Whether a 403 comes from a firewall: vendors answer with JSON, firewalls with an HTML page.
fn is_firewall(error: &UpstreamError) -> bool {
    error.status == 403 && error.page
}

fn names_a_model(error: &UpstreamError) -> bool {
    error.message.to_ascii_lowercase().contains("model")
}
