//! The policy of each error class: one row per class, one column per decision.
//!
//! `docs/FALLBACK.md` shows this table to users, and a test compares the two. A dialect may word a class differently,
//! but it makes no decision of its own.

use std::time::Duration;

use crate::domain::failure::class::ErrorClass;
use crate::domain::failure::scope::FailureScope;
use crate::domain::fallback_type::FallbackType;

/// The cooldown after a rate limit without a reset time.
const RATE_LIMIT: Duration = Duration::from_secs(5);
/// The cooldown after a failure that only a person can fix, and the first one after an exhausted quota without a
/// reset time.
const NEEDS_A_PERSON: Duration = Duration::from_secs(60);
/// The longest cooldown after an exhausted quota without a reset time.
const LONGEST_QUOTA: Duration = Duration::from_secs(3_600);

/// The decisions for one error class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassPolicy {
    /// The error class of the row.
    pub class: ErrorClass,
    /// Whether the same model is called again.
    pub same_model: SameModel,
    /// Whether another credential of the same provider may answer the same request.
    pub other_credential: bool,
    /// What the failure does to the cooldown of the model, if it counts against the model.
    pub cooldown: CooldownEffect,
    /// What the failure counts against, where the class alone decides.
    pub scope: FailureScope,
    /// The fallback list that is tried first. [`FallbackType::General`] is the last resort for every class.
    pub list: FallbackType,
    /// The HTTP status for a chain that ends with this class.
    pub status: u16,
    /// The error code for a chain that ends with this class. For an invalid request, a code of the provider takes
    /// precedence.
    pub code: &'static str,
    /// Whether the caller's SDK may retry by itself.
    pub worth_retrying: bool,
    /// Why the candidate was not called, as the end of the sentence "was not called:". `None` for failures of a call.
    pub passed_over: Option<&'static str>,
}

/// Whether the same model is called again after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameModel {
    /// Never: the result would be the same.
    Never,
    /// Up to `num_retries` times, once by default.
    Retries,
    /// Once, if no other candidate is left and the provider asks for a wait of at most 2 seconds.
    IfLast,
}

/// What a failure does to the cooldown of the model, if it counts against the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CooldownEffect {
    /// Nothing: the response shows that the model works.
    None,
    /// It counts: several in a row start a cooldown.
    Counts,
    /// It starts a cooldown of this length.
    Cools(Duration),
    /// It starts a cooldown that lasts until the limit resets. If the provider names no reset time, it lasts for `first`
    /// and doubles after each failed probe, up to `longest`.
    Limited {
        /// The length of the first cooldown.
        first: Duration,
        /// The length of the longest cooldown.
        longest: Duration,
    },
}

impl ErrorClass {
    /// The policy of this class.
    #[must_use]
    pub const fn policy(self) -> &'static ClassPolicy {
        &POLICIES[self as usize]
    }

    /// Whether the class means that the candidate was skipped without a call.
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
        other_credential: true,
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
        other_credential: true,
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
        other_credential: false,
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
        other_credential: false,
        cooldown: CooldownEffect::Counts,
        scope: FailureScope::Open,
        list: FallbackType::General,
        status: 502,
        code: "unavailable",
        worth_retrying: true,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::Timeout,
        same_model: SameModel::Never,
        other_credential: false,
        cooldown: CooldownEffect::Counts,
        scope: FailureScope::Open,
        list: FallbackType::General,
        status: 504,
        code: "timeout",
        worth_retrying: false,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::ContextWindowExceeded,
        same_model: SameModel::Never,
        other_credential: false,
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
        other_credential: false,
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
        other_credential: true,
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
        other_credential: true,
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
        other_credential: false,
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
        other_credential: false,
        cooldown: CooldownEffect::Counts,
        scope: FailureScope::Open,
        list: FallbackType::General,
        status: 502,
        code: "invalid_response",
        worth_retrying: true,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::StreamInterrupted,
        same_model: SameModel::Never,
        other_credential: false,
        cooldown: CooldownEffect::Counts,
        scope: FailureScope::Open,
        list: FallbackType::General,
        status: 502,
        code: "stream_interrupted",
        worth_retrying: false,
        passed_over: None,
    },
    ClassPolicy {
        class: ErrorClass::Cooldown,
        same_model: SameModel::Never,
        other_credential: false,
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
        other_credential: false,
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
        other_credential: false,
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
        other_credential: false,
        cooldown: CooldownEffect::None,
        scope: FailureScope::Request,
        list: FallbackType::General,
        status: 402,
        code: "over_budget",
        worth_retrying: false,
        passed_over: Some("the budget is used up"),
    },
    ClassPolicy {
        class: ErrorClass::NoHeadroom,
        same_model: SameModel::Never,
        other_credential: false,
        cooldown: CooldownEffect::None,
        scope: FailureScope::Request,
        list: FallbackType::General,
        status: 429,
        code: "rate_limit_exceeded",
        worth_retrying: true,
        passed_over: Some("a limit leaves no room for it"),
    },
    ClassPolicy {
        class: ErrorClass::Deadline,
        same_model: SameModel::Never,
        other_credential: false,
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
        other_credential: false,
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
        other_credential: false,
        cooldown: CooldownEffect::None,
        scope: FailureScope::Request,
        list: FallbackType::General,
        status: 503,
        code: "lacks_capability",
        worth_retrying: false,
        passed_over: Some("it cannot do what the request asks for"),
    },
];

/// Each row is at the index of its class.
const _: () = {
    let mut at = 0;
    while at < POLICIES.len() {
        assert!(POLICIES[at].class as usize == at, "the rows are not in the order of the classes");
        at += 1;
    }
};
