//! Whether a failure is about what only this request has: its user, its credential, its route, a file or a model that it
//! names. A caller could otherwise close a model with a value of its own that the provider refuses.

mod address;
mod choice;
mod owner;
mod reference;
mod size;
mod values;
mod words;

use crate::domain::failure::Failure;
use crate::domain::failure::class::ErrorClass;
use crate::domain::failure::scope::FailureScope;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::usage::asked::Asked;
use crate::gateway::usage::pricing::Tier;
use crate::providers::UpstreamError;
use address::of_an_address;
use choice::{chooses_its_route, has_own_access, makes_a_choice, names_a_resource};
use owner::of_an_owner;
use reference::{of_a_reference, of_another_model};
use size::of_its_size;

/// The scope of a failure that is, or may be, about a field of the request. `sent` is the provider's name of the model
/// that was called.
pub(in crate::gateway) fn of_own_fields(
    failure: &Failure,
    error: &UpstreamError,
    request: &ChatRequest,
    sent: &str,
) -> Option<FailureScope> {
    let own = match failure.class {
        ErrorClass::RateLimited | ErrorClass::Overloaded
            if Asked::of(request).tier == Some(Tier::Special) =>
        {
            Some(FailureScope::Request)
        }
        ErrorClass::RateLimited | ErrorClass::Overloaded | ErrorClass::ModelNotFound
            if chooses_its_route(request) =>
        {
            Some(FailureScope::Request)
        }
        ErrorClass::Authentication
        | ErrorClass::RateLimited
        | ErrorClass::QuotaExhausted
        | ErrorClass::ModelNotFound
            if names_a_resource(request) =>
        {
            Some(FailureScope::Request)
        }
        ErrorClass::Authentication => of_a_reference(error, request, sent),
        ErrorClass::RateLimited => {
            of_its_size(error, request).or_else(|| of_an_owner(failure, error, request))
        }
        ErrorClass::QuotaExhausted => of_an_owner(failure, error, request),
        ErrorClass::ModelNotFound => of_another_model(error, request, sent),
        ErrorClass::Overloaded | ErrorClass::Unavailable => of_an_address(error, request),
        ErrorClass::Timeout
        | ErrorClass::ContextWindowExceeded
        | ErrorClass::ContentPolicy
        | ErrorClass::InvalidRequest
        | ErrorClass::InvalidResponse
        | ErrorClass::StreamInterrupted
        | ErrorClass::Cooldown
        | ErrorClass::Disabled
        | ErrorClass::NotAllowed
        | ErrorClass::OverBudget
        | ErrorClass::Deadline
        | ErrorClass::TooLarge
        | ErrorClass::LacksCapability => return None,
    };
    if has_own_access(request) {
        return Some(FailureScope::Request);
    }
    own.or_else(|| makes_a_choice(request).then_some(FailureScope::Open))
}
