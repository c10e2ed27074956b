//! Whether a failure is about what only this request has: its user, its credential, its route, a file or a model that it
//! names. A caller could otherwise close a model with a value of its own that the provider refuses.

mod address;
mod choice;
mod field;
mod kind;
mod malformed;
mod much;
mod owner;
mod reference;
mod size;
mod values;
mod words;

use crate::domain::failure::Failure;
use crate::domain::failure::scope::FailureScope;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::usage::asked::Asked;
use crate::gateway::usage::pricing::Tier;
use crate::providers::UpstreamError;
use address::of_an_address;
use choice::{chooses_its_route, has_own_access, makes_a_choice, names_a_resource};
use field::of_a_field;
use kind::Kind;
use much::of_an_unclear_limit;
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
    let kind = Kind::of(failure.class)?;
    if has_own_access(request) {
        return Some(FailureScope::Request);
    }
    let own = match kind {
        Kind::Limit if has_own_tier(request) => Some(FailureScope::Request),
        Kind::Limit | Kind::Overload | Kind::Missing if chooses_its_route(request) => {
            Some(FailureScope::Request)
        }
        // A dead model must close, too, if all of its callers have a tier.
        Kind::Overload if has_own_tier(request) => Some(FailureScope::Open),
        Kind::Refusal | Kind::Limit | Kind::Money | Kind::Missing if names_a_resource(request) => {
            Some(FailureScope::Request)
        }
        Kind::Refusal => of_a_field(error, request)
            .or_else(|| of_its_size(error, request))
            .or_else(|| of_a_reference(error, request, sent)),
        Kind::Limit => of_its_size(error, request).or_else(|| of_an_owner(failure, error, request)),
        Kind::Money => of_a_field(error, request)
            .or_else(|| of_its_size(error, request))
            .or_else(|| of_an_owner(failure, error, request)),
        Kind::Missing => of_another_model(error, request, sent),
        Kind::Overload | Kind::Outage => of_an_address(error, request),
    };
    own.or_else(|| {
        (makes_a_choice(request) || kind.may_be_of_a_feature(failure, request)).then_some(FailureScope::Open)
    })
    .or_else(|| of_an_unclear_limit(kind, failure, error, request))
}

/// Whether the request brings what may have failed: content that the provider fetches or decodes, a server, a choice of the
/// account, a feature, or a size that the rest of a limit does not cover. Such requests of one caller may share a fault.
pub(in crate::gateway) fn may_be_brought(failure: &Failure, request: &ChatRequest) -> bool {
    Kind::of(failure.class).is_some_and(|kind| kind.may_be_brought(failure, request))
}

fn has_own_tier(request: &ChatRequest) -> bool {
    Asked::of(request).tier == Some(Tier::Special)
}
