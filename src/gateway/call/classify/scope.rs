//! The scope of a failure: the one request that caused it, or the model.
//!
//! Only a [`ModelFailure`](crate::domain::failure::ModelFailure) closes a model or marks a provider. So one caller's
//! request cannot close a model to the others: its size, its content, its time budget and what it needs are its own.

use crate::providers::{MessageRules, SentenceScope, UpstreamError};

use crate::domain::error_class::ErrorClass;
use crate::domain::failure_scope::FailureScope;

/// The scope of a failure that the provider answered. `named` says that a code or a sentence gave the class, and not the
/// status alone.
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
            // An answer that names the end of a limit speaks of a limit.
            let waits = error.retry_after.is_some() || error.reset.is_some();
            let limited = waits && matches!(class, ErrorClass::RateLimited | ErrorClass::QuotaExhausted);
            if !(named || limited || error.status == 401 || sentence_scope.is_some()) {
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
