//! Which classes of failures what a request brings can cause, and how.

use super::address::has_an_address;
use super::choice::{makes_a_choice, names_a_server};
use super::malformed::is_malformed;
use super::much::asks_for_much;
use super::reference::refers_to_the_account;
use crate::domain::failure::Failure;
use crate::domain::failure::class::ErrorClass;
use crate::gateway::request::chat_request::ChatRequest;

/// A kind of failures that a request can cause, although other requests of it are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A credential or a permission.
    Refusal,
    /// A limit of requests or tokens.
    Limit,
    /// Money or a quota.
    Money,
    /// A model that is missing.
    Missing,
    /// Too many requests for a server.
    Overload,
    /// A server that fails, breaks off or is silent.
    Outage,
}

impl Kind {
    /// The kind of a class; `None` if the class itself says that the request is at fault, or that nothing was called.
    pub(super) fn of(class: ErrorClass) -> Option<Self> {
        match class {
            ErrorClass::Authentication => Some(Self::Refusal),
            ErrorClass::RateLimited => Some(Self::Limit),
            ErrorClass::QuotaExhausted => Some(Self::Money),
            ErrorClass::ModelNotFound => Some(Self::Missing),
            ErrorClass::Overloaded => Some(Self::Overload),
            ErrorClass::Unavailable
            | ErrorClass::Timeout
            | ErrorClass::InvalidResponse
            | ErrorClass::StreamInterrupted => Some(Self::Outage),
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
            | ErrorClass::LacksCapability => None,
        }
    }

    /// Whether it may be of a feature that the request uses: its account, its plan or its model may lack it, or have a limit
    /// for it alone. An outage is of no feature, and neither is a credential that is not accepted, unless a file is fetched
    /// with one, or the request refers to something of the account: some vendors refuse that in the same words.
    pub(super) fn may_be_of_a_feature(self, failure: &Failure, request: &ChatRequest) -> bool {
        match self {
            Self::Refusal if failure.status == Some(401) => {
                refers_to_the_account(request) || request.brings_media() && has_an_address(request)
            }
            Self::Refusal | Self::Missing => request.uses_features() || refers_to_the_account(request),
            Self::Limit | Self::Money => request.uses_features(),
            Self::Overload | Self::Outage => false,
        }
    }

    /// Whether what the request brings may have failed.
    pub(super) fn may_be_brought(self, failure: &Failure, request: &ChatRequest) -> bool {
        match self {
            Self::Limit | Self::Money if asks_for_much(request) => true,
            Self::Refusal | Self::Limit | Self::Money | Self::Missing => {
                makes_a_choice(request) || self.may_be_of_a_feature(failure, request)
            }
            Self::Overload | Self::Outage => {
                request.brings_media()
                    || names_a_server(request)
                    || request.asks_for_own_embeddings()
                    || request.has_blank_input()
                    || is_malformed(request)
            }
        }
    }
}
