//! The log of one request's attempts: a report for each candidate, an event for each that failed or was skipped, and
//! the totals. Pure: ids and times come in.
//!
//! The event of a failed candidate is complete once the next candidate is known, so the last one is kept pending.

#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::request_context::RequestContext;
use super::skip_message::{all_in_cooldown_message, skip_failure};
use crate::domain::attempt_report::{Adaptation, AttemptReport};
use crate::domain::failure::Failure;
use crate::domain::failure::class::ErrorClass;
use crate::domain::origin::Origin;
use crate::domain::routing_info::Fallback;
use crate::gateway::routing::cooldown::OpenCooldown;
use crate::gateway::routing::plan::{Candidate, SkipReason};
use crate::store::FallbackEventRow;

/// The most attempts that a row keeps.
const MAX_ATTEMPTS: usize = 64;

/// The longest message for a caller, in characters.
const LONGEST_MESSAGE: usize = 2_000;

/// What a new event needs besides its failure.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventStamp<'a> {
    pub(super) context: &'a RequestContext,
    pub(super) origin: Origin,
    /// The id of the event.
    pub(super) id: Uuid,
    /// The time of the event.
    pub(super) now: DateTime<Utc>,
}

/// The event of a failed candidate, until its successor is known.
#[derive(Debug)]
struct PendingEvent {
    event: FallbackEventRow,
    attempts: i32,
    /// The time of all calls of this candidate.
    took: Duration,
}

/// The attempts of one request so far.
#[derive(Debug, Default)]
pub(super) struct AttemptLog {
    reports: Vec<AttemptReport>,
    events: Vec<FallbackEventRow>,
    pending: Option<PendingEvent>,
    hops: u32,
    upstream_calls: u32,
    upstream_time: Duration,
    first_failure: Option<ErrorClass>,
    retry_after: Option<Duration>,
    all_in_cooldown: bool,
}

impl AttemptLog {
    /// A candidate is about to be called, which completes the event of the one before it. A drilled candidate is not
    /// called upstream.
    pub(super) fn attempt_started(&mut self, candidate: &Candidate, drilled: bool) {
        self.set_successor(candidate);
        self.upstream_calls += u32::from(!drilled);
    }

    /// A call ended or reached its first real frame, `took` after it was due.
    pub(super) fn attempt_ended(&mut self, took: Duration) {
        self.upstream_time += took;
    }

    /// A candidate failed. Several failures of one candidate in a row are one event.
    pub(super) fn attempt_failed(
        &mut self,
        stamp: EventStamp<'_>,
        candidate: &Candidate,
        failure: &Failure,
        took: Duration,
        adapted: Adaptation,
    ) {
        self.keep(report(candidate, Some(failure), took, adapted));
        let same = self.pending.take().filter(|pending| pending.event.failed_model == *candidate.model.name);
        self.wait_for(failure);
        let (attempts, before) = same.map_or((0, Duration::ZERO), |pending| (pending.attempts, pending.took));
        let (attempts, took) = (attempts + 1, before + took);
        let event = self.event(stamp, &candidate.model.name, failure, attempts, took);
        self.pending = Some(PendingEvent { event, attempts, took });
    }

    /// A candidate was skipped.
    pub(super) fn candidate_skipped(
        &mut self,
        stamp: EventStamp<'_>,
        candidate: &Candidate,
        skip_reason: &SkipReason,
    ) {
        self.set_successor(candidate);
        let failure = skip_failure(skip_reason, &candidate.model.name);
        self.wait_for(&failure);
        let report = report(candidate, Some(&failure), Duration::ZERO, Adaptation::default());
        let rule = skip_reason.rule();
        self.keep(AttemptReport { matched_rule: rule, passed_over: true, ..report });
        let event = self.event(stamp, &candidate.model.name, &failure, 0, Duration::ZERO);
        let event = FallbackEventRow { matched_rule: rule.map(str::to_owned), ..event };
        self.pending = Some(PendingEvent { event, attempts: 0, took: Duration::ZERO });
    }

    /// A candidate answers. Earlier failures of the same candidate, which were retried, leave no event.
    pub(super) fn attempt_answered(
        &mut self,
        candidate: &Candidate,
        status: u16,
        took: Duration,
        adapted: Adaptation,
    ) {
        self.pending = None;
        self.keep(AttemptReport { status: Some(status), ..report(candidate, None, took, adapted) });
    }

    /// An answer that counted as a failure is served because no other candidate answered. The pending event is complete.
    /// One of the same candidate is not a hop: the caller gets that candidate's answer.
    pub(super) fn withheld_answer_served(&mut self, candidate: &Candidate) {
        match self.pending.take() {
            Some(last) if last.event.failed_model == *candidate.model.name => self.events.push(last.event),
            Some(last) => self.complete(last.event),
            None => {}
        }
    }

    /// No candidate is left: the pending event is complete without a successor.
    pub(super) fn chain_ended(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.complete(pending.event);
        }
    }

    /// The stream of the model that answered broke after content, `took` after its call.
    pub(super) fn stream_interrupted(
        &mut self,
        stamp: EventStamp<'_>,
        model: Option<&str>,
        failure: &Failure,
        took: Duration,
    ) {
        if let Some(model) = model {
            let event = self.event(stamp, model, failure, 1, took);
            self.events.push(event);
        }
        // The last report says that this model answered, because its first frame had arrived.
        if let Some(report) = self.reports.last_mut() {
            report.error_class = Some(failure.class);
            report.matched_rule = Some(failure.rule);
        }
    }

    /// The failure of a chain in which every candidate was skipped, the last one for `class`.
    pub(super) fn last_skip(&self, class: ErrorClass, requested: &str) -> Failure {
        let model = self.pending.as_ref().map_or(requested, |last| last.event.failed_model.as_str());
        let failure = skip_failure(&SkipReason::fact(class), model);
        // The event of that skip has the full message.
        let event = self.pending.as_ref().filter(|last| last.event.error_class == class);
        let message = event.and_then(|last| last.event.error_message.clone());
        Failure { message: message.unwrap_or(failure.message), ..failure }
    }

    /// The failure of a chain in which every candidate is in cooldown: the one that opened `cooldown`, which ends first.
    pub(super) fn chain_in_cooldown(&mut self, cooldown: &OpenCooldown) -> Failure {
        self.all_in_cooldown = true;
        let remaining = cooldown.remaining;
        self.retry_after = Some(self.retry_after.map_or(remaining, |known| known.min(remaining)));
        Failure { message: all_in_cooldown_message(cooldown), ..(*cooldown.failure).clone() }
    }

    /// The failure for the caller. If a provider does not know the model or refuses the credential, which are those of the
    /// catalog, the message says of which provider and model it is.
    pub(super) fn named(&self, failure: Failure) -> Failure {
        let is_of_the_catalog =
            matches!(failure.class, ErrorClass::ModelNotFound | ErrorClass::Authentication);
        if !is_of_the_catalog || failure.status.is_none() || self.all_in_cooldown {
            return failure;
        }
        let is_it =
            |report: &&AttemptReport| !report.passed_over && report.error_class == Some(failure.class);
        let Some(AttemptReport { model, provider, .. }) = self.reports.iter().rev().find(is_it) else {
            return failure;
        };
        let said = &failure.message;
        let message = format!("The provider '{provider}' refused the call of the model '{model}': {said}");
        Failure { message: message.chars().take(LONGEST_MESSAGE).collect(), ..failure }
    }

    /// What the caller learns about the failover; `None` if the first candidate answers.
    pub(super) fn fallback(&self, requested: &str) -> Option<Fallback> {
        self.first_failure.map(|class| Fallback { from: requested.to_owned(), class, hops: self.hops })
    }

    /// The completed events, which are empty afterwards.
    pub(super) fn take_events(&mut self) -> Vec<FallbackEventRow> {
        std::mem::take(&mut self.events)
    }

    pub(super) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    pub(super) fn reports(&self) -> &[AttemptReport] {
        &self.reports
    }

    /// Candidates that failed or were skipped before the answer.
    pub(super) fn hops(&self) -> u32 {
        self.hops
    }

    pub(super) fn upstream_calls(&self) -> u32 {
        self.upstream_calls
    }

    /// The time of all calls, with the waits before them.
    pub(super) fn upstream_time(&self) -> Duration {
        self.upstream_time
    }

    /// The class of the first completed event.
    pub(super) fn first_failure(&self) -> Option<ErrorClass> {
        self.first_failure
    }

    /// The shortest wait that a provider, a cooldown or a budget asks for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub(super) fn all_in_cooldown(&self) -> bool {
        self.all_in_cooldown
    }

    /// Notes the wait that a failure asks for.
    fn wait_for(&mut self, failure: &Failure) {
        self.retry_after = match (self.retry_after, failure.retry_after) {
            (Some(known), Some(new)) => Some(known.min(new)),
            (known, new) => known.or(new),
        };
    }

    /// Completes the pending event with its successor, unless the same candidate is called again.
    fn set_successor(&mut self, next: &Candidate) {
        let pending = self.pending.take_if(|pending| pending.event.failed_model != *next.model.name);
        if let Some(PendingEvent { mut event, .. }) = pending {
            event.next_model = Some((*next.model.name).to_owned());
            event.router_config_id = next.chain.as_ref().map(|chain| chain.config_id);
            event.router_config_revision = next.chain.as_ref().map(|chain| chain.revision);
            self.complete(event);
        }
    }

    fn complete(&mut self, event: FallbackEventRow) {
        self.hops += 1;
        self.first_failure = self.first_failure.or_else(|| event.error_class.known());
        self.events.push(event);
    }

    /// The newest report is always kept, because it may be that of the answer.
    fn keep(&mut self, report: AttemptReport) {
        self.reports.truncate(MAX_ATTEMPTS - 1);
        self.reports.push(report);
    }

    fn event(
        &self,
        stamp: EventStamp<'_>,
        model: &str,
        failure: &Failure,
        attempts: i32,
        took: Duration,
    ) -> FallbackEventRow {
        let EventStamp { context, origin, id, now } = stamp;
        FallbackEventRow {
            id: id.into(),
            organization_id: context.organization_id,
            request_id: context.request_id.into(),
            failed_model: model.to_owned(),
            next_model: None,
            error_class: failure.class.into(),
            // PostgreSQL accepts no NUL in a text.
            error_message: Some(failure.message.replace('\0', "")),
            invocation_type: context.invocation_type().into(),
            router_config_id: None,
            router_config_revision: None,
            session_id: context.session_id,
            session_ref: context.session_ref.clone(),
            hop: i32::try_from(self.hops + 1).unwrap_or(i32::MAX),
            attempts,
            status_code: failure.status.map(i32::from),
            matched_rule: (attempts > 0).then(|| failure.rule.to_owned()),
            duration_ms: millis(took),
            origin: origin.into(),
            created_at: now,
            recorded_at: now,
        }
    }
}

fn report(
    candidate: &Candidate,
    failure: Option<&Failure>,
    took: Duration,
    adapted: Adaptation,
) -> AttemptReport {
    AttemptReport {
        model: (*candidate.model.name).to_owned(),
        provider: (*candidate.model.provider.name).to_owned(),
        status: failure.and_then(|failure| failure.status),
        error_class: failure.map(|failure| failure.class),
        matched_rule: failure.map(|failure| failure.rule),
        duration_ms: millis(took).unsigned_abs(),
        passed_over: false,
        adapted: adapted.changes,
        translated_to: adapted.translated_to,
        credential: candidate.chosen.as_ref().map(|_| candidate.model.provider.credential_entry.name.clone()),
        chosen: candidate.chosen.as_ref().map(|chosen| chosen.reason),
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
