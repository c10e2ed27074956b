//! Prometheus metrics of the gateway, which the request recorder updates.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::domain::failure::class::ErrorClass;
use crate::domain::outcome::Outcome;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabel {
    class: &'static str,
}

/// The counters and histograms of the gateway.
#[derive(Debug)]
pub struct Metrics {
    requests: Family<OutcomeLabel, Counter>,
    attempts: Family<ClassLabel, Counter>,
    /// The counters of nearly every request, found once.
    answered: OnceLock<Counter>,
    answering: OnceLock<Counter>,
    fallbacks: Family<ClassLabel, Counter>,
    exhausted: Counter,
    over_budget: Counter,
    no_headroom: Counter,
    total_seconds: Histogram,
    own_seconds: Histogram,
}

/// Metrics that are not registered.
impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            attempts: Family::default(),
            answered: OnceLock::new(),
            answering: OnceLock::new(),
            fallbacks: Family::default(),
            exhausted: Counter::default(),
            over_budget: Counter::default(),
            no_headroom: Counter::default(),
            total_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 18)),
            own_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 16)),
        }
    }
}

impl Metrics {
    /// Creates the metrics and registers them.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "failsoft_requests",
            "Requests that reached a candidate, by outcome",
            metrics.requests.clone(),
        );
        registry.register(
            "failsoft_attempts",
            "Upstream calls, by class of failure ('none' answered)",
            metrics.attempts.clone(),
        );
        registry.register(
            "failsoft_fallbacks",
            "Requests answered by a fallback, by the class of the first failure",
            metrics.fallbacks.clone(),
        );
        registry.register(
            "failsoft_exhausted_chains",
            "Requests that no candidate answered",
            metrics.exhausted.clone(),
        );
        registry.register(
            "failsoft_over_budget",
            "Candidates skipped because they did not fit into a budget",
            metrics.over_budget.clone(),
        );
        registry.register(
            "failsoft_no_headroom",
            "Candidates skipped because a limit left no room for them",
            metrics.no_headroom.clone(),
        );
        registry.register(
            "failsoft_request_duration_seconds",
            "From the request to its last byte",
            metrics.total_seconds.clone(),
        );
        registry.register(
            "failsoft_own_duration_seconds",
            "The gateway's own part of a request, up to its first byte",
            metrics.own_seconds.clone(),
        );
        metrics
    }

    pub(in crate::gateway) fn request(&self, outcome: Outcome, total: Duration, upstream: Duration) {
        let counter = || self.requests.get_or_create_owned(&OutcomeLabel { outcome: outcome.as_str() });
        match outcome {
            Outcome::Answered => self.answered.get_or_init(counter).inc(),
            _ => counter().inc(),
        };
        self.total_seconds.observe(total.as_secs_f64());
        if outcome == Outcome::Failed {
            self.own_seconds.observe(total.saturating_sub(upstream).as_secs_f64());
        }
    }

    pub(in crate::gateway) fn own_time(&self, own: Duration) {
        self.own_seconds.observe(own.as_secs_f64());
    }

    pub(in crate::gateway) fn attempt(&self, class: Option<ErrorClass>) {
        let counter = |class| self.attempts.get_or_create_owned(&ClassLabel { class });
        match class {
            None => self.answering.get_or_init(|| counter("none")).inc(),
            Some(class) => counter(class.as_str()).inc(),
        };
    }

    pub(in crate::gateway) fn fallback(&self, class: Option<ErrorClass>) {
        if let Some(class) = class {
            self.fallbacks.get_or_create(&ClassLabel { class: class.as_str() }).inc();
        }
    }

    pub(in crate::gateway) fn over_budget(&self) {
        self.over_budget.inc();
    }

    pub(in crate::gateway) fn no_headroom(&self) {
        self.no_headroom.inc();
    }

    pub(in crate::gateway) fn exhausted(&self) {
        self.exhausted.inc();
    }
}
