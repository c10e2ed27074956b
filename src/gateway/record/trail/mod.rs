//! What happened to one request, from its first attempt to its record.
//!
//! A failed candidate's event is complete once the next one is known. Events are durable before the first byte of a
//! fallback's answer, the request's row before the last byte. A trail that is dropped unfinished belongs to a caller
//! who went away: it leaves its row with the writer.

pub(crate) mod routing_info;
mod rows;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use entity::ids::OrganizationId;
use uuid::Uuid;

use super::access_log;
use super::metrics::Metrics;
use crate::domain::attempt_report::AttemptReport;
use crate::domain::chain_failure::ChainFailure;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::domain::error_class::ErrorClass;
use crate::domain::failure::Failure;
pub use crate::domain::outcome::Outcome;
use crate::gateway::routing::budget::BudgetReservation;
use crate::gateway::routing::plan::{Candidate, SkipReason};
use crate::gateway::usage::pricing::{CostSource, Usage};
use crate::store::recorder::{Begun, FallbackEventRecord, Permit, Record, Recorder, RequestRecord};
use crate::store::snapshot::{ApiKeyEntry, ModelEntry};
use rows::passed_over_failure;

/// What is known of a request before anybody is called.
#[derive(Debug, Clone)]
pub struct Context {
    /// The request; the caller gets it as `x-request-id`.
    pub request_id: Uuid,
    /// Whose.
    pub organization_id: OrganizationId,
    /// With which key; none for a person at a page.
    pub key: Option<Arc<ApiKeyEntry>>,
    /// The path, in its canonical form.
    pub endpoint: &'static str,
    /// The primary's catalogue name.
    pub requested: String,
    /// Whether a stream was asked for.
    pub streamed: bool,
    /// The session as a UUID.
    pub session_id: Option<Uuid>,
    /// The session in the caller's words.
    pub session_ref: Option<String>,
    /// The SDK's own retry count.
    pub client_retry_count: Option<i32>,
    /// When the request came in.
    pub created_at: DateTime<Utc>,
    /// The same, for durations.
    pub started: Instant,
}

/// An event that waits for the name of the next candidate.
#[derive(Debug)]
struct Pending {
    event: FallbackEventRecord,
    attempts: i32,
    /// All calls together.
    took: Duration,
}

/// The record of one request in the making.
#[derive(Debug)]
pub struct Trail {
    context: Context,
    /// `live` or `drill`, as its rows say.
    origin: &'static str,
    clock: Clock,
    recorder: Recorder,
    metrics: Arc<Metrics>,
    permit: Option<Permit>,
    reports: Vec<AttemptReport>,
    events: Vec<FallbackEventRecord>,
    pending: Option<Pending>,
    hops: u32,
    upstream_calls: u32,
    upstream_time: Duration,
    first_failure: Option<ErrorClass>,
    retry_after: Option<Duration>,
    /// Whether the chain ends because all are in cooldown.
    cooling: bool,
    served: Option<Arc<ModelEntry>>,
    first_frame: Option<Duration>,
    usage: Option<Usage>,
    /// The record of a stream's beginning, under way.
    begun: Option<Begun>,
    /// What limits it; none: no budget does.
    reservation: Option<Arc<BudgetReservation>>,
}

impl Trail {
    /// Starts a trail. The place in the writer's queue is held from here on.
    ///
    /// # Errors
    /// [`Error::Busy`]: there is no place.
    pub async fn start(
        context: Context,
        origin: &'static str,
        clock: Clock,
        recorder: Recorder,
        metrics: Arc<Metrics>,
    ) -> Result<Self> {
        let permit = recorder.reserve().await?;
        Ok(Self {
            context,
            origin,
            clock,
            recorder,
            metrics,
            permit: Some(permit),
            reports: Vec::new(),
            events: Vec::new(),
            pending: None,
            hops: 0,
            upstream_calls: 0,
            upstream_time: Duration::ZERO,
            first_failure: None,
            retry_after: None,
            cooling: false,
            served: None,
            first_frame: None,
            usage: None,
            begun: None,
            reservation: None,
        })
    }

    /// What it costs is paid from here, once it is recorded.
    pub fn pay_from(&mut self, reservation: Option<Arc<BudgetReservation>>) {
        self.reservation = reservation;
    }

    /// The request.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// A candidate is about to be called: whoever failed before it now knows its successor. One that fails on
    /// purpose takes its turn without a call.
    pub fn calling(&mut self, candidate: &Candidate, on_purpose: bool) {
        self.succeed(candidate);
        self.upstream_calls += u32::from(!on_purpose);
    }

    /// A call came to its end, or to its first real frame; with the wait before it.
    pub fn called(&mut self, took: Duration) {
        self.upstream_time += took;
    }

    /// A candidate failed.
    pub fn failed(&mut self, candidate: &Candidate, failure: &Failure, took: Duration, adapted: Vec<String>) {
        self.metrics.attempt(Some(failure.class));
        self.report(candidate, Some(failure), took, false, adapted);
        let same = self.pending.take().filter(|pending| pending.event.failed_model == *candidate.model.name);
        self.retry_after = match (self.retry_after, failure.retry_after) {
            (Some(known), Some(new)) => Some(known.min(new)),
            (known, new) => known.or(new),
        };
        let (attempts, before) = same.map_or((0, Duration::ZERO), |pending| (pending.attempts, pending.took));
        let (attempts, took) = (attempts + 1, before + took);
        self.pending =
            Some(Pending { event: self.event(candidate, failure, attempts, took), attempts, took });
    }

    /// A candidate was passed over.
    pub fn passed_over(&mut self, candidate: &Candidate, skip_reason: &SkipReason) {
        self.succeed(candidate);
        if skip_reason.class == ErrorClass::OverBudget {
            self.metrics.over_budget();
        }
        let failure = passed_over_failure(skip_reason, &candidate.model.name);
        self.report(candidate, Some(&failure), Duration::ZERO, true, Vec::new());
        let took = Duration::ZERO;
        self.pending = Some(Pending { event: self.event(candidate, &failure, 0, took), attempts: 0, took });
    }

    /// A candidate answers: every event before it becomes durable now.
    ///
    /// # Errors
    /// [`Error::RecordingUnavailable`]: it did not, so the answer must not be given.
    pub async fn commit(
        &mut self,
        candidate: &Candidate,
        status: u16,
        took: Duration,
        adapted: Vec<String>,
    ) -> Result<()> {
        self.metrics.attempt(None);
        // Called again, it answered after all.
        self.pending = None;
        self.report(candidate, None, took, false, adapted);
        if let Some(report) = self.reports.last_mut() {
            report.status = Some(status);
        }
        self.serve(candidate).await
    }

    /// Nobody else answered, so this candidate's answer is given although it counted as a failure. If it was the
    /// last one, nobody failed before the answer but those before it.
    ///
    /// # Errors
    /// As [`Trail::commit`].
    pub async fn pass_on(&mut self, candidate: &Candidate) -> Result<()> {
        if let Some(last) = self.pending.take()
            && last.event.failed_model != *candidate.model.name
        {
            self.complete(last.event);
        }
        self.serve(candidate).await
    }

    async fn serve(&mut self, candidate: &Candidate) -> Result<()> {
        let elapsed = self.context.started.elapsed();
        self.metrics.own_time(elapsed.saturating_sub(self.upstream_time));
        self.first_frame = Some(elapsed);
        self.served = Some(candidate.model.clone());
        let request = self.intent();
        if self.events.is_empty() {
            // The first bytes do not wait for it, those after them do.
            if request.is_some() {
                self.begun = self.recorder.begin(Record { request, ..Record::default() });
            }
            return Ok(());
        }
        self.metrics.fallback(self.first_failure);
        let events = std::mem::take(&mut self.events);
        let written = self.recorder.write(Record { events, request, ..Record::default() }).await;
        if written.is_err() {
            // The answer is withheld, and its caller is still there.
            self.served = None;
            if let Some(permit) = self.permit.take() {
                let record = self.last_record(&permit, Outcome::Failed, None, 503);
                permit.leave(record);
            }
        }
        written.map_err(|error| self.withheld(error))
    }

    /// Waits until the stream that has begun is on record.
    pub async fn on_record(&mut self) {
        if let Some(begun) = self.begun.take()
            && let Err(error) = begun.durable().await
        {
            // Its end needs a record of its own and is withheld without one.
            tracing::warn!(request_id = %self.context.request_id, %error, "a stream goes on that is not on record yet");
        }
    }

    /// A stream's row as of now, so that it is on record should this process die before the stream ends.
    fn intent(&self) -> Option<RequestRecord> {
        let recording = self.permit.as_ref().is_some_and(Permit::is_recording);
        (self.context.streamed && recording).then(|| RequestRecord {
            cost_nano_dollars: None,
            cost_source: None,
            instance_id: Some(self.recorder.instance_id()),
            ..self.row(Outcome::Running, None, 200)
        })
    }

    /// What answered has said about its tokens so far; kept for a caller who goes away in between.
    pub fn delivered(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    /// The answer is whole: its row becomes durable now.
    ///
    /// # Errors
    /// [`Error::RecordingUnavailable`]: it did not, so the last byte must not be given.
    pub async fn answered(&mut self, usage: Usage) -> Result<()> {
        self.usage = Some(usage);
        self.finish(Outcome::Answered, None, 200).await
    }

    /// The stream broke after content, `took` after its call. The broken candidate gets its event.
    pub async fn interrupted(&mut self, failure: &Failure, usage: Usage, took: Duration) -> Result<()> {
        self.usage = Some(usage);
        if let Some(model) = self.served.clone() {
            let candidate = Candidate { model, chain: None, primary: false };
            let event = self.event(&candidate, failure, 1, took);
            self.events.push(event);
        }
        // It was reported as the one that answered, when its first frame came.
        if let Some(report) = self.reports.last_mut() {
            report.error_class = Some(failure.class);
            report.matched_rule = Some(failure.rule);
        }
        self.finish(Outcome::Interrupted, Some(failure.class), 200).await
    }

    /// Nobody answered.
    pub async fn fail(mut self, failure: Failure, status: u16) -> Error {
        self.metrics.exhausted();
        if let Some(pending) = self.pending.take() {
            self.complete(pending.event);
        }
        let chain = ChainFailure {
            retry_after: self.retry_after,
            attempts: self.reports.clone(),
            routing: self.routing(),
            failure,
            status,
            cooling: self.cooling,
        };
        match self.finish(Outcome::Failed, Some(chain.failure.class), status).await {
            Ok(()) => Error::Chain(Box::new(chain)),
            Err(error) => error,
        }
    }

    /// Nano-dollars, none if they are unknown; and by what they were found.
    fn bill(&self, usage: Option<&Usage>) -> (Option<i64>, Option<CostSource>) {
        match (&self.served, usage) {
            (Some(served), Some(usage)) => usage.bill(served.price.as_ref()),
            // Nobody answered, or nothing was delivered: nothing is billed.
            (Some(_) | None, _) => (Some(0), None),
        }
    }

    /// The candidate that waits for its successor gets it, unless it is only called again.
    fn succeed(&mut self, next: &Candidate) {
        let successor = self.pending.take_if(|pending| pending.event.failed_model != *next.model.name);
        if let Some(Pending { mut event, .. }) = successor {
            event.next_model = Some(next.model.name.to_string());
            event.router_config_id = next.chain.as_ref().map(|chain| chain.config_id);
            event.router_config_revision = next.chain.as_ref().map(|chain| chain.revision);
            self.complete(event);
        }
    }

    /// A candidate has definitely not answered.
    fn complete(&mut self, event: FallbackEventRecord) {
        self.hops += 1;
        self.first_failure = self.first_failure.or_else(|| event.error_class.parse().ok());
        self.events.push(event);
    }

    async fn finish(&mut self, outcome: Outcome, class: Option<ErrorClass>, status: u16) -> Result<()> {
        match self.permit.take() {
            Some(permit) => {
                let record = self.last_record(&permit, outcome, class, status);
                let cost = cost_of(&record);
                permit.write(record).await.map_err(|error| self.withheld(error))?;
                self.pay(cost, true);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn pay(&self, cost: i64, recorded: bool) {
        if let Some(reservation) = &self.reservation {
            reservation.settle(cost, recorded);
        }
    }

    fn last_record(
        &mut self,
        permit: &Permit,
        outcome: Outcome,
        class: Option<ErrorClass>,
        status: u16,
    ) -> Record {
        self.metrics.request(outcome, self.context.started.elapsed(), self.upstream_time);
        let wanted = permit.is_recording() || access_log::is_enabled();
        let row = wanted.then(|| self.row(outcome, class, status));
        row.iter().for_each(access_log::write);
        let request = row.filter(|_| permit.is_recording());
        Record { events: std::mem::take(&mut self.events), request, ..Record::default() }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            let record = self.last_record(&permit, Outcome::ClientClosed, None, 499);
            let cost = cost_of(&record);
            permit.leave(record);
            self.pay(cost, false);
        }
    }
}

fn cost_of(record: &Record) -> i64 {
    record.request.as_ref().and_then(|row| row.cost_nano_dollars).unwrap_or(0)
}
