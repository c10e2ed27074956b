//! The words for what failed. One word for a class in the record, the log and the metric.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::closed_set::closed_set;

/// Why a candidate did not answer. The classes up to `stream_interrupted` are failures of a
/// call; those after it are decisions of ours to pass a candidate over without calling it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Too many requests or tokens for now.
    RateLimited,
    /// The provider's account has no money or no quota left.
    QuotaExhausted,
    /// The provider has more work than it can do.
    Overloaded,
    /// The provider is broken or cannot be reached.
    Unavailable,
    /// The provider took too long.
    Timeout,
    /// The prompt does not fit the model's window.
    ContextWindowExceeded,
    /// The provider's rules forbid the prompt or the answer.
    ContentPolicy,
    /// The provider does not accept our credential.
    Authentication,
    /// The provider has no such model.
    ModelNotFound,
    /// The provider finds fault with the request.
    InvalidRequest,
    /// The provider's success is no usable answer.
    InvalidResponse,
    /// The stream broke after content had been sent on.
    StreamInterrupted,
    /// Passed over: recent failures say that calling it is pointless.
    Cooldown,
    /// Passed over: switched off in the catalogue.
    Disabled,
    /// Passed over: the caller's key may not use it.
    NotAllowed,
    /// Passed over: it would cost more than is left.
    OverBudget,
    /// Passed over: no time is left for it.
    Deadline,
    /// Passed over: the prompt is larger than its window.
    TooLarge,
    /// Passed over: it cannot do what the request asks for.
    LacksCapability,
}

/// A word that is no class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no error class")]
pub struct UnknownErrorClass(pub String);

impl ErrorClass {
    /// Every class, failures first.
    pub const ALL: [Self; 19] = [
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
        Self::Deadline,
        Self::TooLarge,
        Self::LacksCapability,
    ];

    /// The word, as stored and shown.
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
