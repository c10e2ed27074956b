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
        ErrorClass::RateLimited if has_own_tier(request) => Some(FailureScope::Request),
        ErrorClass::RateLimited | ErrorClass::Overloaded | ErrorClass::ModelNotFound
            if chooses_its_route(request) =>
        {
            Some(FailureScope::Request)
        }
        // A dead model must close, too, if all of its callers have a tier.
        ErrorClass::Overloaded if has_own_tier(request) => Some(FailureScope::Open),
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
    own.or_else(|| {
        (makes_a_choice(request) || may_be_of_a_feature(failure, error, request))
            .then_some(FailureScope::Open)
    })
}

fn has_own_tier(request: &ChatRequest) -> bool {
    Asked::of(request).tier == Some(Tier::Special)
}

/// Whether a limit or a refusal may be of a feature that the request uses: its account, its plan or its model may lack
/// it, or have a limit for it alone. A credential that is not accepted, and an outage, are of no feature.
fn may_be_of_a_feature(failure: &Failure, error: &UpstreamError, request: &ChatRequest) -> bool {
    let may_be = match failure.class {
        ErrorClass::RateLimited | ErrorClass::QuotaExhausted | ErrorClass::ModelNotFound => true,
        ErrorClass::Authentication => error.status != 401,
        ErrorClass::Overloaded
        | ErrorClass::Unavailable
        | ErrorClass::Timeout
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
        | ErrorClass::LacksCapability => false,
    };
    may_be && request.uses_features()
}
