//! The tracing spans of a request and of its attempts: target `failsoft::request`, level debug, so they are off by
//! default. A span that is off is not built and its fields are not computed.

use std::time::Duration;

use tracing::field::Empty;
use tracing::{Span, debug, debug_span};

use crate::domain::failure::Failure;
use crate::gateway::routing::plan::Candidate;

const TARGET: &str = "failsoft::request";

/// The span of one attempt, inside the span of its request. [`answered`] or [`failed`] fills in how it ended.
pub(in crate::gateway) fn attempt(candidate: &Candidate) -> Span {
    let model = &candidate.model;
    debug_span!(
        target: TARGET,
        "attempt",
        model = %model.name,
        provider = %model.provider.name,
        status = Empty,
        class = Empty,
        rule = Empty,
        ms = Empty,
    )
}

/// Ends the span of an attempt that answers, with the provider's status.
pub(in crate::gateway) fn answered(span: &Span, status: u16, took: Duration) {
    span.record("status", status);
    ended(span, took, "attempt answered");
}

/// Ends the span of an attempt that failed, with its class and not with its message, which a provider wrote.
pub(in crate::gateway) fn failed(span: &Span, failure: &Failure, took: Duration) {
    if span.is_disabled() {
        return;
    }
    span.record("status", failure.status);
    span.record("class", failure.class.as_str());
    span.record("rule", failure.rule);
    ended(span, took, "attempt failed");
}

fn ended(span: &Span, took: Duration, how: &'static str) {
    if !span.is_disabled() {
        span.record("ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        debug!(target: TARGET, parent: span, "{how}");
    }
}
