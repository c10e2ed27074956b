//! The scope of a failure: the request that caused it, or the model.
//!
//! Only a [`ModelFailure`](crate::domain::failure::ModelFailure) starts a cooldown or changes a provider's health. So
//! a request that fails because of its size, content, time budget or requirements cannot take a model away from other
//! callers.

use crate::providers::errors::codes;
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
        || error.status == 429 && codes::is_too_large(error)
        || is_firewall(error);
    if of_the_request {
        return FailureScope::Request;
    }
    if sentence_scope == Some(SentenceScope::Either) {
        return FailureScope::Open;
    }
    // What was not read may be about the request.
    if error.unread {
        return FailureScope::Open;
    }
    let says = sentence_scope.is_some();
    let waits = error.retry_after.is_some() || error.reset.is_some();
    let open = match class {
        // A page is a proxy's or a network's, and a bare status any server's.
        ErrorClass::Authentication => {
            error.page || !(named || says || error.status == 401 && error.structured)
        }
        // An answer that says when a limit resets is about a limit.
        ErrorClass::RateLimited | ErrorClass::QuotaExhausted => !(named || waits || says),
        ErrorClass::ModelNotFound => !(named || says),
        ErrorClass::Overloaded => {
            !(named || says || error.retry_after.is_some() || error.message.is_empty() || error.status == 529)
        }
        ErrorClass::Unavailable
        | ErrorClass::Timeout
        | ErrorClass::InvalidResponse
        | ErrorClass::StreamInterrupted => !(says || is_unreachable(error.status)),
        ErrorClass::ContextWindowExceeded
        | ErrorClass::ContentPolicy
        | ErrorClass::InvalidRequest
        | ErrorClass::Cooldown
        | ErrorClass::Disabled
        | ErrorClass::NotAllowed
        | ErrorClass::OverBudget
        | ErrorClass::NoHeadroom
        | ErrorClass::Deadline
        | ErrorClass::TooLarge
        | ErrorClass::LacksCapability => return by_class,
    };
    if open {
        FailureScope::Open
    } else if by_class == FailureScope::Provider && !(error.status == 403 && accepts_the_credential(error)) {
        FailureScope::Provider
    } else {
        FailureScope::Model
    }
}

/// Whether the status is from a server in front of the provider's that did not reach it, or a redirect: no request
/// causes that.
fn is_unreachable(status: u16) -> bool {
    matches!(status, 300..=399 | 521 | 522 | 523 | 525 | 526)
}

/// Whether a 403 comes from a firewall: vendors answer with JSON, firewalls with an HTML page.
fn is_firewall(error: &UpstreamError) -> bool {
    error.status == 403 && error.page
}

/// Whether the credential is valid for other models of the provider, or only a verification of its owner is missing.
fn accepts_the_credential(error: &UpstreamError) -> bool {
    let message = error.message.to_ascii_lowercase();
    message.contains("model") || message.contains("must be verified")
}
