//! The tracing spans of a request and of its attempts: target `failsoft::request`, level debug, so they are off by
//! default. A span that is off is not built and its fields are not computed.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tracing::field::Empty;
use tracing::{Span, debug, debug_span};

use crate::domain::failure::Failure;
use crate::gateway::record::request_context::RequestContext;
use crate::gateway::routing::plan::Candidate;

const TARGET: &str = "failsoft::request";

/// The span of one request.
pub(in crate::gateway) fn request(context: &RequestContext) -> Span {
    debug_span!(
        target: TARGET,
        "request",
        request_id = %context.request_id,
        organization_id = %context.organization_id,
        key_id = context.key.as_ref().map(|key| display(key.id.0)),
        model = %context.requested,
    )
}

/// Runs a future in a span, and drops it in the span. The wrapper of `tracing` would move the whole future, which has
/// some kilobytes; this one moves a pointer.
pub(in crate::gateway) fn within<F: Future>(span: Span, future: Pin<Box<F>>) -> Within<F> {
    Within { span, future: Some(future) }
}

/// A future in a span.
pub(in crate::gateway) struct Within<F> {
    span: Span,
    /// `None` once it has ended.
    future: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { span, future } = &mut *self;
        let Some(running) = future else { return Poll::Pending };
        let polled = span.in_scope(|| running.as_mut().poll(context));
        if polled.is_ready() {
            span.in_scope(|| *future = None);
        }
        polled
    }
}

impl<F> Drop for Within<F> {
    fn drop(&mut self) {
        let Self { span, future } = self;
        span.in_scope(|| *future = None);
    }
}

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
