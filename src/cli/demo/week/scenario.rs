//! The possible outcomes of a request in the invented week, with their frequencies.

use crate::domain::failure::class::ErrorClass;
use crate::domain::outcome::Outcome;

/// One possible outcome of a request.
#[derive(Debug)]
pub(super) struct Scenario {
    /// The relative frequency of this outcome.
    pub(super) weight: u32,
    /// The name of the requested model.
    pub(super) requested: &'static str,
    /// The models that failed or were passed over, in order.
    pub(super) failed_attempts: &'static [FailedAttempt],
    /// The model that answered; none if every one failed.
    pub(super) answered_by: Option<&'static str>,
    /// The status of the response.
    pub(super) status: u16,
}

/// A model that failed or was passed over.
#[derive(Debug)]
pub(super) struct FailedAttempt {
    pub(super) model: &'static str,
    pub(super) class: ErrorClass,
    pub(super) status: Option<u16>,
    pub(super) rule: Option<&'static str>,
    pub(super) message: &'static str,
    pub(super) duration_ms: i64,
}

impl Scenario {
    /// The entry of the chain after this failure: the next one that failed, or the one that answered. A stream that broke
    /// after content has none.
    pub(super) fn next(&self, failed: &FailedAttempt) -> Option<&'static str> {
        let next_failed =
            self.failed_attempts.iter().skip_while(|other| !std::ptr::eq(*other, failed)).nth(1);
        next_failed.map(|next| next.model).or(self.answered_by.filter(|_| !self.interrupted()))
    }

    /// Whether the answer broke off.
    pub(super) fn interrupted(&self) -> bool {
        self.failed_attempts.last().is_some_and(|failed| failed.class == ErrorClass::StreamInterrupted)
    }

    pub(super) fn outcome(&self) -> Outcome {
        match (self.answered_by, self.interrupted()) {
            (Some(_), true) => Outcome::Interrupted,
            (Some(_), false) => Outcome::Answered,
            (None, _) => Outcome::Failed,
        }
    }

    /// The class of the final failure; none if the answer was complete.
    pub(super) fn final_class(&self) -> Option<ErrorClass> {
        let last = self.failed_attempts.last().map(|failed| failed.class);
        last.filter(|_| self.outcome() != Outcome::Answered)
    }

    /// The number of candidates that failed or were passed over before the answer.
    pub(super) fn hops(&self) -> usize {
        self.failed_attempts.len() - usize::from(self.interrupted())
    }
}

const fn answered(weight: u32, model: &'static str) -> Scenario {
    Scenario { weight, requested: model, failed_attempts: &[], answered_by: Some(model), status: 200 }
}

const fn rescued(
    weight: u32,
    requested: &'static str,
    failed_attempts: &'static [FailedAttempt],
    answered_by: &'static str,
) -> Scenario {
    Scenario { weight, requested, failed_attempts, answered_by: Some(answered_by), status: 200 }
}

const fn overloaded(model: &'static str) -> FailedAttempt {
    FailedAttempt {
        model,
        class: ErrorClass::Overloaded,
        status: Some(503),
        rule: Some("status:503"),
        message: "Simulated failure: 503 Service Unavailable.",
        duration_ms: 180,
    }
}

const fn broken(model: &'static str) -> FailedAttempt {
    FailedAttempt {
        model,
        class: ErrorClass::Unavailable,
        status: Some(500),
        rule: Some("status:500"),
        message: "Simulated failure: 500 Internal Server Error.",
        duration_ms: 240,
    }
}

const fn rate_limited(model: &'static str) -> FailedAttempt {
    FailedAttempt {
        model,
        class: ErrorClass::RateLimited,
        status: Some(429),
        rule: Some("code:rate_limit_exceeded"),
        message: "Rate limit reached. Please try again in 1s.",
        duration_ms: 60,
    }
}

const fn late(model: &'static str) -> FailedAttempt {
    FailedAttempt {
        model,
        class: ErrorClass::Timeout,
        status: None,
        rule: Some("timeout:first_frame"),
        message: "the first token took too long",
        duration_ms: 2_000,
    }
}

const fn out_of_quota(model: &'static str) -> FailedAttempt {
    FailedAttempt {
        model,
        class: ErrorClass::QuotaExhausted,
        status: Some(429),
        rule: Some("code:insufficient_quota"),
        message: "You exceeded your current quota, please check your plan and billing details.",
        duration_ms: 70,
    }
}

const COOLING: FailedAttempt = FailedAttempt {
    model: "smart",
    class: ErrorClass::Cooldown,
    status: None,
    rule: None,
    message: "The model 'smart' was not called: it has been failing and is left alone for a while.",
    duration_ms: 0,
};

const CUT: FailedAttempt = FailedAttempt {
    model: "smart",
    class: ErrorClass::StreamInterrupted,
    status: None,
    rule: Some("stream:reset"),
    message: "the provider's stream broke",
    duration_ms: 1_900,
};

const TOO_LONG: FailedAttempt = FailedAttempt {
    model: "short-window",
    class: ErrorClass::ContextWindowExceeded,
    status: Some(400),
    rule: Some("code:context_length_exceeded"),
    message: "Your input exceeds the context window of this model. Please adjust your input and try again.",
    duration_ms: 90,
};

const REFUSED: FailedAttempt = FailedAttempt {
    model: "filtered",
    class: ErrorClass::ContentPolicy,
    status: Some(400),
    rule: Some("code:content_policy_violation"),
    message: "Your request was rejected as a result of our safety system.",
    duration_ms: 110,
};

const HTML: FailedAttempt = FailedAttempt {
    model: "garbage",
    class: ErrorClass::InvalidResponse,
    status: Some(200),
    rule: Some("answer:html"),
    message: "the provider answered with an HTML page",
    duration_ms: 150,
};

/// Every possible outcome, with its weight.
pub(super) const SCENARIOS: &[Scenario] = &[
    answered(70, "smart"),
    answered(40, "steady"),
    answered(10, "flaky"),
    answered(8, "demo/smart"),
    rescued(22, "smart", &[overloaded("smart")], "steady"),
    rescued(9, "smart", &[rate_limited("smart")], "steady"),
    rescued(6, "smart", &[late("smart")], "steady"),
    rescued(3, "smart", &[COOLING], "steady"),
    rescued(2, "smart", &[out_of_quota("smart")], "steady"),
    rescued(5, "flaky", &[overloaded("flaky")], "steady"),
    rescued(7, "short-window", &[TOO_LONG], "steady"),
    rescued(5, "filtered", &[REFUSED], "steady"),
    rescued(4, "slow", &[late("slow")], "steady"),
    rescued(4, "rate-limited", &[rate_limited("rate-limited")], "steady"),
    rescued(3, "garbage", &[HTML], "steady"),
    rescued(3, "demo/smart", &[broken("demo/smart")], "demo/steady"),
    rescued(1, "smart", &[CUT], "smart"),
    Scenario {
        weight: 2,
        requested: "hopeless",
        failed_attempts: &[broken("hopeless"), out_of_quota("out-of-quota")],
        answered_by: None,
        status: 429,
    },
];
