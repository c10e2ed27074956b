//! Records one request: its attempts, its events and its row.
//!
//! Durable before the caller gets the first byte of a fallback's answer: the events of the candidates before it. Durable
//! before the last byte: the row and the remaining events (`finish`). A whole answer is complete before its first byte,
//! so its events and its row are one record; the events of a stream are a record of their own (`commit_failover`). A
//! recorder that is dropped before that belongs to a caller who disconnected; it hands the row to the writer without
//! waiting.

use std::sync::Arc;
use std::time::Duration;

use super::access_log;
use super::attempt_log::{AttemptLog, EventStamp};
use super::metrics::Metrics;
use super::request_context::RequestContext;
use super::request_row::{RowEnd, ServedAnswer, request_row};
use super::reserved::Reserved;
use super::unbilled::{OpenCall, Unbilled};
use crate::domain::attempt_report::Adaptation;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::domain::failure::Failure;
use crate::domain::failure::chain::ChainFailure;
use crate::domain::failure::class::ErrorClass;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::domain::routing_info::RoutingInfo;
use crate::gateway::call::outcome::AttemptOutcome;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::response::metadata::Metadata;
use crate::gateway::routing::call_feedback::CallFeedback;
use crate::gateway::routing::cooldown::OpenCooldown;
use crate::gateway::routing::plan::{Candidate, SkipReason};
use crate::gateway::usage::pricing::Usage;
use crate::gateway::usage::so_far::SoFar;
use crate::store::RequestRow;
use crate::store::recorder::{After, Begun, Permit, Record, Recorder};

/// Records one request from its first attempt to its row.
#[derive(Debug)]
pub struct RequestRecorder {
    context: RequestContext,
    origin: Origin,
    clock: Clock,
    recorder: Recorder,
    metrics: Arc<Metrics>,
    /// The place in the writer's queue for the row. `None` once the row was handed over, so it is written once.
    permit: Option<Permit>,
    log: AttemptLog,
    served: ServedAnswer,
    /// The write of the row of a stream that has begun.
    begun: Option<Begun>,
    /// What is reserved for the request.
    reserved: Reserved,
    /// What budgets count, although no request is billed for it.
    unbilled: Unbilled,
}

impl RequestRecorder {
    /// Takes a place in the writer's queue, which is held until the row is handed over.
    ///
    /// # Errors
    /// [`Error::Busy`]: the queue is full.
    pub async fn reserve(
        context: RequestContext,
        origin: Origin,
        clock: Clock,
        recorder: Recorder,
        metrics: Arc<Metrics>,
        reserved: Reserved,
    ) -> Result<Self> {
        let permit = recorder.reserve().await?;
        Ok(Self {
            context,
            origin,
            clock,
            recorder,
            metrics,
            permit: Some(permit),
            log: AttemptLog::default(),
            served: ServedAnswer::default(),
            begun: None,
            unbilled: Unbilled::new(reserved.money.clone()),
            reserved,
        })
    }

    /// What is known about the request.
    #[must_use]
    pub fn context(&self) -> &RequestContext {
        &self.context
    }

    /// Logs that a candidate is about to be called; a drilled one takes its turn without an upstream call. If the call is
    /// dropped before its end, budgets count its prompt, and what its provider has reported `so_far`.
    pub fn attempt_started<'a>(
        &mut self,
        candidate: &Candidate,
        feedback: &'a CallFeedback,
        request: &'a ChatRequest,
        (drilled, so_far): (bool, &'a SoFar),
    ) -> OpenCall<'a> {
        self.log.attempt_started(candidate, drilled);
        self.unbilled.open(feedback, request, drilled, so_far)
    }

    /// Logs that a call ended or reached its first real frame, `took` after it was due. `by_caller`: the caller's own
    /// deadline ended it.
    pub fn attempt_ended(
        &mut self,
        call: &mut OpenCall<'_>,
        outcome: &AttemptOutcome,
        by_caller: bool,
        took: Duration,
    ) {
        self.log.attempt_ended(took);
        self.unbilled.ended(call, outcome, by_caller);
    }

    /// Logs that a candidate failed.
    pub fn attempt_failed(
        &mut self,
        candidate: &Candidate,
        failure: &Failure,
        took: Duration,
        adapted: Adaptation,
    ) {
        self.metrics.attempt(Some(failure.class));
        let stamp = stamp(&self.context, self.origin, &self.clock);
        self.log.attempt_failed(stamp, candidate, failure, took, adapted);
    }

    /// Logs that a candidate was skipped.
    pub fn candidate_skipped(&mut self, candidate: &Candidate, skip_reason: &SkipReason) {
        if skip_reason.class == ErrorClass::OverBudget {
            self.metrics.over_budget();
        } else if skip_reason.class == ErrorClass::NoHeadroom {
            self.metrics.no_headroom();
        }
        let stamp = stamp(&self.context, self.origin, &self.clock);
        self.log.candidate_skipped(stamp, candidate, skip_reason);
    }

    /// Logs that a candidate answers. If it streams, makes the events of the candidates before it durable.
    ///
    /// # Errors
    /// [`Error::RecordingUnavailable`]: they are not durable, so the answer must not be sent.
    pub async fn commit_answer(
        &mut self,
        candidate: &Candidate,
        call: OpenCall<'_>,
        status: u16,
        took: Duration,
        adapted: Adaptation,
    ) -> Result<()> {
        self.metrics.attempt(None);
        self.log.attempt_answered(candidate, status, took, adapted);
        if let Some(record) = self.begin(candidate) {
            Box::pin(self.commit_failover(record)).await?;
        }
        call.answered();
        Ok(())
    }

    /// As [`RequestRecorder::commit_answer`], for an answer that counted as a failure and is served because no other
    /// candidate answered.
    ///
    /// # Errors
    /// As [`RequestRecorder::commit_answer`].
    pub async fn commit_withheld_answer(&mut self, candidate: &Candidate) -> Result<()> {
        self.log.withheld_answer_served(candidate);
        if let Some(record) = self.begin(candidate) {
            Box::pin(self.commit_failover(record)).await?;
        }
        self.unbilled.withheld_answer_served();
        Ok(())
    }

    /// Notes the candidate that answers. For a stream with events, returns the record to commit before the first byte.
    /// The row of one without is handed to the writer, and [`RequestRecorder::wait_for_begun`] waits for it. A whole
    /// answer has nothing to record yet.
    fn begin(&mut self, candidate: &Candidate) -> Option<Record> {
        let elapsed = self.context.started.elapsed();
        self.metrics.own_time(elapsed.saturating_sub(self.log.upstream_time()));
        self.served.first_frame = Some(elapsed);
        self.served.model = Some(candidate.model.clone());
        let by_fallback = self.log.has_events();
        if by_fallback {
            self.metrics.fallback(self.log.first_failure());
        }
        let request = Some(self.running_row()?);
        let record = Record { events: self.log.take_events(), request, ..Record::default() };
        if by_fallback {
            return Some(record);
        }
        self.begun = self.recorder.begin(record);
        None
    }

    /// Makes the events of a failover durable. If that fails, the answer is withheld and the row says so.
    async fn commit_failover(&mut self, record: Record) -> Result<()> {
        let written = self.recorder.write(record).await;
        if written.is_err() {
            self.served.model = None;
            if let Some(permit) = self.permit.take() {
                let record = self.last_record(&permit, Outcome::Failed, None, 503);
                let settled = self.settle(&record, Outcome::Failed);
                permit.leave(record, settled);
            }
        }
        written.map_err(|error| self.answer_withheld(error))
    }

    /// Waits until the row of the stream that has begun is durable. A failure is logged and does not stop the stream.
    pub async fn wait_for_begun(&mut self) {
        if let Some(begun) = self.begun.take()
            && let Err(error) = begun.durable().await
        {
            // The end of the stream has a record of its own, and is withheld if that fails.
            tracing::warn!(request_id = %self.context.request_id, %error, "a running stream is not recorded yet");
        }
    }

    /// The row of a running stream, for the case that this process dies before the stream ends.
    fn running_row(&self) -> Option<RequestRow> {
        let recording = self.permit.as_ref().is_some_and(Permit::is_recording);
        (self.context.streamed && recording).then(|| {
            let mut row = self.row(Outcome::Running, None, 200);
            row.cost_nano_dollars = None;
            row.cost_source = None;
            row.instance_id = Some(self.recorder.instance_id());
            row
        })
    }

    /// Sets the tokens that were delivered, for the row of a caller who disconnects.
    pub fn set_usage(&mut self, usage: Usage) {
        self.served.usage = Some(usage);
    }

    /// The answer is complete: makes its row durable and settles the budgets.
    ///
    /// # Errors
    /// [`Error::RecordingUnavailable`]: the row is not durable, so the last byte must not be sent.
    pub async fn finish_answered(&mut self, usage: Usage) -> Result<()> {
        self.served.usage = Some(usage);
        self.finish(Outcome::Answered, None, 200).await
    }

    /// The stream broke after content, `took` after its call: makes its event and its row durable.
    ///
    /// # Errors
    /// [`Error::RecordingUnavailable`]: they are not durable.
    pub async fn finish_interrupted(
        &mut self,
        failure: &Failure,
        usage: Usage,
        took: Duration,
    ) -> Result<()> {
        self.served.usage = Some(usage);
        let stamp = stamp(&self.context, self.origin, &self.clock);
        let model = self.served.model.as_ref().map(|model| &*model.name);
        self.log.stream_interrupted(stamp, model, failure, took);
        self.finish(Outcome::Interrupted, Some(failure.class), 200).await
    }

    /// No candidate answered: makes the events and the row durable, and returns the error for the caller.
    pub async fn finish_failed(mut self, failure: Failure, status: u16) -> Error {
        self.metrics.exhausted();
        self.log.chain_ended();
        let failure = self.log.named(failure);
        let chain = ChainFailure {
            retry_after: self.log.retry_after(),
            attempts: self.log.reports().to_vec(),
            routing: self.routing(),
            failure,
            status,
            cooling: self.log.all_in_cooldown(),
        };
        match self.finish(Outcome::Failed, Some(chain.failure.class), status).await {
            Ok(()) => Error::Chain(Box::new(chain)),
            Err(error) => error,
        }
    }

    /// Makes the row and the events that remain durable, and settles the budgets.
    async fn finish(&mut self, outcome: Outcome, class: Option<ErrorClass>, status: u16) -> Result<()> {
        match self.permit.take() {
            Some(permit) => {
                let record = self.last_record(&permit, outcome, class, status);
                let settled = self.settle(&record, outcome);
                permit.write(record, settled).await.map_err(|error| self.answer_withheld(error))
            }
            None => Ok(()),
        }
    }

    /// Counts the record in the budgets, and its tokens in the limits. A reading of the roll-ups can include it before its
    /// request knows that it is durable, so it counts as soon as it is handed over.
    fn settle(&self, record: &Record, outcome: Outcome) -> Option<After> {
        let whole = outcome == Outcome::Answered;
        self.reserved.tokens_used(&self.served, whole, self.unbilled.tokens());
        self.reserved.spent(cost_of(record))
    }

    fn last_record(
        &mut self,
        permit: &Permit,
        outcome: Outcome,
        class: Option<ErrorClass>,
        status: u16,
    ) -> Record {
        self.metrics.request(outcome, self.context.started.elapsed(), self.log.upstream_time());
        let wanted = permit.is_recording() || access_log::is_enabled();
        let row = wanted.then(|| self.row(outcome, class, status));
        row.iter().for_each(access_log::write);
        let request = row.filter(|_| permit.is_recording());
        Record { events: self.log.take_events(), request, ..Record::default() }
    }

    fn row(&self, outcome: Outcome, class: Option<ErrorClass>, status: u16) -> RequestRow {
        let end = RowEnd { outcome, class, status };
        let unbilled = self.unbilled.amount();
        request_row(&self.context, self.origin, &self.log, &self.served, &end, unbilled)
    }

    /// The failure of a chain in which every candidate was skipped, the last one for `class`.
    #[must_use]
    pub fn last_skip(&self, class: ErrorClass) -> Failure {
        self.log.last_skip(class, &self.context.requested)
    }

    /// The failure of a chain in which every candidate is in cooldown; `cooldown` is the one that ends first.
    pub fn chain_in_cooldown(&mut self, cooldown: &OpenCooldown) -> Failure {
        self.log.chain_in_cooldown(cooldown)
    }

    /// What the response headers say about routing at this moment.
    #[must_use]
    pub fn routing(&self) -> RoutingInfo {
        let upstream_time = self.log.upstream_time();
        let reservation = self.reserved.money.as_ref();
        RoutingInfo {
            served: self.served.model.as_ref().map(|model| (*model.name).to_owned()),
            upstream_calls: self.log.upstream_calls(),
            fallback: self.log.fallback(&self.context.requested),
            gateway_time: self.context.started.elapsed().saturating_sub(upstream_time),
            upstream_time,
            budget: reservation.filter(|reservation| reservation.soft_limit_reached()).map(|_| "soft"),
            tokens: self.reserved.tokens(),
        }
    }

    /// The `failsoft` object of the answer, as JSON.
    #[must_use]
    pub fn metadata(&self, routing: &RoutingInfo, usage: &Usage) -> String {
        let metadata = Metadata {
            requested: &self.context.requested,
            routing,
            cost: self.served.bill(Some(usage)).0,
            attempts: self.log.reports(),
        };
        serde_json::to_string(&metadata).unwrap_or_else(|_| "null".to_owned())
    }

    /// Adds the routing to the error of an answer that is withheld: upstream calls were made for it.
    fn answer_withheld(&self, error: Error) -> Error {
        match error {
            Error::RecordingUnavailable(_) => {
                Error::RecordingUnavailable(Some(Box::new(RoutingInfo { served: None, ..self.routing() })))
            }
            other => other,
        }
    }
}

/// The caller disconnected: hands the row to the writer without waiting, and settles the budgets.
impl Drop for RequestRecorder {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            let record = self.last_record(&permit, Outcome::ClientClosed, None, 499);
            let settled = self.settle(&record, Outcome::ClientClosed);
            permit.leave(record, settled);
        }
    }
}

fn stamp<'a>(context: &'a RequestContext, origin: Origin, clock: &Clock) -> EventStamp<'a> {
    let now = clock.now();
    EventStamp { context, origin, id: clock.new_id(), now }
}

/// What budgets count of the request, in nano-dollars.
fn cost_of(record: &Record) -> i64 {
    let counted = |row: &RequestRow| row.cost_nano_dollars.unwrap_or(0) + row.budget_only_nano_dollars;
    record.request.as_ref().map_or(0, counted)
}
