//! What each error class leads to: one row for each class, one column for each decision.
//!
//! `docs/FALLBACK.md` shows this table to users; a test holds the two to each other. A dialect may word a class
//! differently, but it decides nothing.

use std::time::Duration;

use crate::domain::error_class::ErrorClass;
use crate::domain::failure_scope::FailureScope;
use crate::domain::fallback_type::FallbackType;

/// A rate limit that names no time.
const RATE_LIMIT: Duration = Duration::from_secs(5);
/// What only a person can mend; and the first window of a used-up quota that names no time.
const NEEDS_A_PERSON: Duration = Duration::from_secs(60);
/// The longest window of a used-up quota that names no time.
const LONGEST_QUOTA: Duration = Duration::from_secs(3_600);

/// What a class leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassPolicy {
    /// The class.
    pub class: ErrorClass,
    /// Whether the same model is called again.
    pub same_model: SameModel,
    /// What the failure does to the model, if it is the model's.
    pub cooldown: CooldownEffect,
    /// What the failure is held against, where the class alone decides.
    pub scope: FailureScope,
    /// The list of fallbacks that answers it first. [`FallbackType::General`] answers every class in the end.
    pub list: FallbackType,
    /// The HTTP status of a chain that ended with it.
    pub status: u16,
    /// The symbolic error code of a chain that ended with it. An invalid request has it only where the provider gave
    /// no code.
    pub code: &'static str,
    /// Whether the caller's SDK may try again by itself: only where that could mend anything.
    pub worth_retrying: bool,
    /// Why the candidate was not called, to follow "was not called:". `None`: it was called.
    pub passed_over: Option<&'static str>,
}

/// Whether the same model is called again after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameModel {
    /// No: it would say the same.
    Never,
    /// As often as `num_retries` says, once by default.
    Retries,
    /// Once, if no other candidate is left and the provider asks for a wait of at most 2 s.
    IfLast,
}

/// What a failure does to the model that failed, if it is the model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CooldownEffect {
    /// Nothing: the model is well, and has said so.
    None,
    /// It counts: enough of these in a row open the cooldown.
    Counts,
    /// It opens the cooldown for so long.
    Cools(Duration),
    /// It opens the cooldown until the limit starts over or, where the provider does not say when, for `first`, twice
    /// as long after each failed probe, up to `longest`.
    Limited {
        /// The first window.
        first: Duration,
        /// The longest window.
        longest: Duration,
    },
}

impl ErrorClass {
    /// The class's row.
    #[must_use]
    pub const fn policy(self) -> &'static ClassPolicy {
        &POLICIES[self as usize]
    }

    /// Whether the candidate was never called.
    #[must_use]
    pub const fn is_passed_over(self) -> bool {
        self.policy().passed_over.is_some()
    }
}

/// In the order of [`ErrorClass::ALL`].
const POLICIES: [ClassPolicy; ErrorClass::ALL.len()] = [
    ClassPolicy {
        class: ErrorClass::RateLimited,
        same_model: SameModel::IfLast,
        cooldown: CooldownEffect::Limited { first: RATE_LIMIT, longest: RATE_LIMIT },
        scope: FailureScope::Model,
        list: FallbackType::General,
        status: 429,
        code: "rate_limit_exceeded",
        worth_retrying: true,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::QuotaExhausted,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::Limited { first: NEEDS_A_PERSON, longest: LONGEST_QUOTA },
        scope: FailureScope::Model,
        list: FallbackType::General,
        status: 429,
        code: "insufficient_quota",
        worth_retrying: false,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::Overloaded,
        same_model: SameModel::Retries,
        cooldown: CooldownEffect::Counts,
        scope: FailureScope::Model,
        list: FallbackType::General,
        status: 503,
        code: "overloaded",
        worth_retrying: true,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::Unavailable,
        same_model: SameModel::Retries,
        cooldown: CooldownEffect::Counts,
        scope: FailureScope::Model,
        list: FallbackType::General,
        status: 502,
        code: "unavailable",
        worth_retrying: true,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::Timeout,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::Counts,
        scope: FailureScope::Model,
        list: FallbackType::General,
        status: 504,
        code: "timeout",
        worth_retrying: false,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::ContextWindowExceeded,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::None,
        scope: FailureScope::Request,
        list: FallbackType::ContextWindow,
        status: 400,
        code: "context_length_exceeded",
        worth_retrying: false,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::ContentPolicy,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::None,
        scope: FailureScope::Request,
        list: FallbackType::ContentPolicy,
        status: 400,
        code: "content_policy_violation",
        worth_retrying: false,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::Authentication,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::Cools(NEEDS_A_PERSON),
        scope: FailureScope::Provider,
        list: FallbackType::General,
        status: 502,
        code: "upstream_authentication",
        worth_retrying: false,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::ModelNotFound,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::Cools(NEEDS_A_PERSON),
        scope: FailureScope::Model,
        list: FallbackType::General,
        status: 502,
        code: "upstream_model_not_found",
        worth_retrying: false,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::InvalidRequest,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::None,
        scope: FailureScope::Request,
        list: FallbackType::General,
        status: 400,
        code: "invalid_request",
        worth_retrying: false,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::InvalidResponse,
        same_model: SameModel::Retries,
        cooldown: CooldownEffect::Counts,
        scope: FailureScope::Model,
        list: FallbackType::General,
        status: 502,
        code: "invalid_response",
        worth_retrying: true,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::StreamInterrupted,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::Counts,
        scope: FailureScope::Model,
        list: FallbackType::General,
        status: 502,
        code: "stream_interrupted",
        worth_retrying: false,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::Cooldown,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::None,
        scope: FailureScope::Request,
        list: FallbackType::General,
        status: 503,
        code: "cooldown",
        worth_retrying: false,
        passed_over: Some("it has been failing and is left alone for a while"),
    },
    ClassPolicy {
        class: ErrorClass::Disabled,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::None,
        scope: FailureScope::Request,
        list: FallbackType::General,
        status: 503,
        code: "disabled",
        worth_retrying: false,
        passed_over: Some("it is disabled"),
    },
    ClassPolicy {
        class: ErrorClass::NotAllowed,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::None,
        scope: FailureScope::Request,
        list: FallbackType::General,
        status: 503,
        code: "not_allowed",
        worth_retrying: false,
        passed_over: Some("the API key may not use it"),
    },
    ClassPolicy {
        class: ErrorClass::OverBudget,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::None,
        scope: FailureScope::Request,
        list: FallbackType::General,
        status: 402,
        code: "over_budget",
        worth_retrying: false,
        passed_over: Some("the budget is used up"),
    },
    ClassPolicy {
        class: ErrorClass::Deadline,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::None,
        scope: FailureScope::Request,
        list: FallbackType::General,
        status: 504,
        code: "deadline",
        worth_retrying: false,
        passed_over: Some("no time was left"),
    },
    ClassPolicy {
        class: ErrorClass::TooLarge,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::None,
        scope: FailureScope::Request,
        list: FallbackType::ContextWindow,
        status: 400,
        code: "context_length_exceeded",
        worth_retrying: false,
        passed_over: Some("the prompt is larger than its context window"),
    },
    ClassPolicy {
        class: ErrorClass::LacksCapability,
        same_model: SameModel::Never,
        cooldown: CooldownEffect::None,
        scope: FailureScope::Request,
        list: FallbackType::General,
        status: 503,
        code: "lacks_capability",
        worth_retrying: false,
        passed_over: Some("it cannot do what the request asks for"),
    },
];

/// Every row sits where its class looks for it.
const _: () = {
    let mut at = 0;
    while at < POLICIES.len() {
        assert!(POLICIES[at].class as usize == at, "the rows are not in the order of the classes");
        at += 1;
    }
};
