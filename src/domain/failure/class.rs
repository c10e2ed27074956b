//! The classes of errors. Records, logs and metrics use the same word for a class.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::closed_set::closed_set;

/// Why a candidate did not answer. The classes up to `stream_interrupted` are failures of a
/// call. After them come the reasons for which the gateway skips a candidate.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The provider limits the rate of requests or tokens.
    RateLimited,
    /// The account at the provider has no money or quota left.
    QuotaExhausted,
    /// The provider is overloaded.
    Overloaded,
    /// The provider fails or cannot be reached.
    Unavailable,
    /// The provider did not answer in time.
    Timeout,
    /// The prompt exceeds the context window of the model.
    ContextWindowExceeded,
    /// The content policy of the provider forbids the prompt or the answer.
    ContentPolicy,
    /// The provider rejects the credential.
    Authentication,
    /// The provider does not have the model.
    ModelNotFound,
    /// The provider rejects the request as invalid.
    InvalidRequest,
    /// The provider reports success, but its answer is not usable.
    InvalidResponse,
    /// The stream broke off after content was sent to the caller.
    StreamInterrupted,
    /// Skipped: the model is in cooldown after recent failures.
    Cooldown,
    /// Skipped: the model is disabled in the catalog.
    Disabled,
    /// Skipped: the API key of the caller may not use the model.
    NotAllowed,
    /// Skipped: the budget does not cover it.
    OverBudget,
    /// Skipped: a limit of requests or tokens leaves no room for it.
    NoHeadroom,
    /// Skipped: the deadline of the request leaves no time for it.
    Deadline,
    /// Skipped: the prompt is larger than its context window.
    TooLarge,
    /// Skipped: the model lacks a capability that the request needs.
    LacksCapability,
}

/// A word that is not an error class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an error class")]
pub struct UnknownErrorClass(pub String);

impl ErrorClass {
    /// Every class, failures first.
    pub const ALL: [Self; 20] = [
        Self::RateLimited,
        Self::QuotaExhausted,
        Self::Overloaded,
        Self::Unavailable,
        Self::Timeout,
        Self::ContextWindowExceeded,
        Self::ContentPolicy,
        Self::Authentication,
        Self::ModelNotFound,
        Self::InvalidRequest,
        Self::InvalidResponse,
        Self::StreamInterrupted,
        Self::Cooldown,
        Self::Disabled,
        Self::NotAllowed,
        Self::OverBudget,
        Self::NoHeadroom,
        Self::Deadline,
        Self::TooLarge,
        Self::LacksCapability,
    ];

    /// The word in the database, JSON and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::ContextWindowExceeded => "context_window_exceeded",
            Self::ContentPolicy => "content_policy",
            Self::Authentication => "authentication",
            Self::ModelNotFound => "model_not_found",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidResponse => "invalid_response",
            Self::StreamInterrupted => "stream_interrupted",
            Self::Cooldown => "cooldown",
            Self::Disabled => "disabled",
            Self::NotAllowed => "not_allowed",
            Self::OverBudget => "over_budget",
            Self::NoHeadroom => "no_headroom",
            Self::Deadline => "deadline",
            Self::TooLarge => "too_large",
            Self::LacksCapability => "lacks_capability",
        }
    }
}

closed_set!(ErrorClass);

impl fmt::Display for ErrorClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for ErrorClass {
    type Err = UnknownErrorClass;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == word)
            .ok_or_else(|| UnknownErrorClass(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_one_word_for_display_parsing_and_json() {
        for class in ErrorClass::ALL {
            assert_eq!(class.to_string().parse(), Ok(class));
            let json = serde_json::to_string(&class).expect("json");
            assert_eq!(json, format!("\"{class}\""));
            assert_eq!(serde_json::from_str::<ErrorClass>(&json).expect("class"), class);
        }
        assert!("Timeout".parse::<ErrorClass>().is_err());
    }

    #[test]
    fn failures_come_before_decisions() {
        let first = ErrorClass::ALL.iter().position(|class| class.is_passed_over());
        assert_eq!(first, Some(12));
        assert!(ErrorClass::ALL.iter().skip(12).all(|class| class.is_passed_over()));
        assert!(ErrorClass::ALL.is_sorted());
    }
}
