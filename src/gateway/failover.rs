//! The loop: asks the plan for the next candidate, calls it, and goes on until one answers or none is left.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::call::adapt::{self, Adapted};
use super::call::attempt::{Call, attempt};
use super::call::classify::own_fields::may_be_brought;
use super::call::classify::{ConnectFault, Fault};
use super::call::endpoint::{CallToken, Target};
use super::call::outcome::{AttemptOutcome, Reply};
use super::call::refused_parameters::{self, reasoning};
use super::call::translation::AnswerTranslation;
use super::record::request_recorder::RequestRecorder;
use super::record::spans;
use super::request::chat_request::ChatRequest;
use super::request::intent::{Intent, RoutingContext, StateView};
use super::response::answer::Answer;
use super::response::relay::relay;
use super::routing::budget::BudgetReservation;
use super::routing::call_feedback::{CallFeedback, Remembered};
use super::routing::plan::{Candidate, CandidateFacts, DecisionInput, Exhausted, LEAST, Step};
use super::{Gateway, Job};
use crate::domain::attempt_report::Adaptation;
use crate::domain::failure::Failure;
use crate::domain::failure::scope::FailureScope;
use crate::gateway::usage::asked::Asked;
use crate::gateway::usage::so_far::SoFar;
use crate::gateway::usage::text_size::TextSize;
use bytes::Bytes;
use entity::ids::ModelId;

use crate::dialects::{self, Dialect};
use crate::domain::error::{Error, Result};
use crate::limits::shares::{LARGE, SMALL, Share};
use crate::providers::compatibility::Parameters;
use crate::upstream::Pieces;

impl Gateway {
    /// Runs a request until its answer begins or no candidate is left. Dropping the future cancels the upstream call.
    ///
    /// # Errors
    /// The request names unknown or forbidden models, the chain failed, or a record could not be written.
    // The parts of a run are boxed because each is moved a few times before its first poll, and a large one is slow to
    // move.
    pub fn run(&self, job: Job) -> impl Future<Output = Result<Answer>> {
        spans::within(spans::request(&job.context), Box::pin(self.process(job)))
    }

    async fn process(&self, job: Job) -> Result<Answer> {
        let intent = &job.intent;
        let share = self.shares.of(intent.organization.id);
        let routing_context = RoutingContext::new(intent, StateView::from(&*self.shared_state));
        if intent.begins_with_translation(&routing_context) {
            intent.translate_early(&share).await;
        }
        let mut plan = intent.plan()?;
        let mut recorder = self.recorder_of(&job, routing_context.reservation()).await?;
        let mut failure: Option<Failure> = None;
        // Rare, and large.
        let mut withheld: Option<Box<(Candidate, Reply, CallFeedback, Asked)>> = None;
        // Models that failed in this request in a way that counts toward a cooldown.
        let mut failing: Vec<ModelId> = Vec::new();
        // The model that refused the reasoning in the history, so that it is called without.
        let mut bare: Option<ModelId> = None;
        loop {
            match plan.next(failure.take(), job.decision_input(&routing_context)) {
                Step::Skip(candidate, skip_reason) => {
                    if skip_reason.cooldown_cause().is_some() {
                        self.shared_state.cooldowns.passed_over(&candidate.model, intent.caller());
                    }
                    recorder.candidate_skipped(&candidate, &skip_reason);
                }
                Step::Exhausted(end) => {
                    let Some((candidate, reply, feedback, asked)) = withheld.map(|withheld| *withheld) else {
                        return Err(Box::pin(exhausted(end, intent, recorder)).await);
                    };
                    recorder.commit_withheld_answer(&candidate).await?;
                    let request = &intent.request;
                    return Box::pin(relay(reply, feedback, asked, recorder, request, job.options)).await;
                }
                Step::Try { candidate, after, time_budget } => {
                    let due = Instant::now();
                    if !after.is_zero() {
                        tokio::time::sleep(after).await;
                    }
                    let drilled = intent.drills.class_of(&candidate.model.name).is_some();
                    let repeated = failing.contains(&candidate.model.id);
                    let feedback = self.feedback(&job, &candidate).repeated(repeated);
                    let so_far = SoFar::default();
                    let mut call =
                        recorder.attempt_started(&candidate, &feedback, &intent.request, (drilled, &so_far));
                    let called = Instant::now();
                    let span = spans::attempt(&candidate);
                    let is_bare = bare == Some(candidate.model.id);
                    let attempted = Box::pin(self.attempt(
                        &job,
                        (&candidate, &share),
                        &so_far,
                        called,
                        (time_budget, is_bare),
                    ));
                    let (outcome, Sent { changes, asked }) = spans::within(span.clone(), attempted).await;
                    let took = called.elapsed();
                    // Waiting before a retry does not count as the gateway's own time.
                    let by_caller = intent.ended_by_caller(&outcome);
                    recorder.attempt_ended(&mut call, &outcome, by_caller, due.elapsed());
                    // What a provider was not sent is not what it refused.
                    let sent = intent.request.spoken_to(&candidate.model).unwrap_or(&intent.request);
                    let again = !is_bare && reasoning::is_refused(&outcome, sent);
                    let fault = match outcome {
                        AttemptOutcome::Ready(reply) => {
                            spans::answered(&span, reply.status(), took);
                            recorder.commit_answer(&candidate, call, reply.status(), took, changes).await?;
                            let feedback = remembered(feedback, &reply, intent, &share);
                            let request = &intent.request;
                            return Box::pin(relay(reply, feedback, asked, recorder, request, job.options))
                                .await;
                        }
                        AttemptOutcome::Filtered(reply, fault) => {
                            withheld = Some(Box::new((candidate.clone(), reply, feedback.clone(), asked)));
                            fault
                        }
                        AttemptOutcome::Failed(fault) | AttemptOutcome::Unusable(fault, _) => fault,
                    };
                    let mut found = feedback.classify_of(&fault, sent);
                    if again {
                        // The history is at fault, not the model.
                        found.scope = FailureScope::Request;
                        bare = Some(candidate.model.id);
                        plan.call_again();
                    }
                    spans::failed(&span, &found, took);
                    if feedback.failed(&found, || intent.source(may_be_brought(&found, sent))) {
                        failing.push(candidate.model.id);
                    }
                    recorder.attempt_failed(&candidate, &found, took, changes);
                    failure = Some(found);
                }
            }
            // From here on, the plan may look at any model that is left.
            intent.translate_early(&share).await;
        }
    }

    async fn recorder_of(
        &self,
        job: &Job,
        reservation: Option<Arc<BudgetReservation>>,
    ) -> Result<RequestRecorder> {
        // Drills do not count in the metrics.
        let metrics = if job.intent.drills.is_empty() { self.metrics.clone() } else { Arc::default() };
        let (context, origin) = (job.context.clone(), job.intent.drills.origin());
        let (clock, recorder) = (self.clock.clone(), self.recorder.clone());
        RequestRecorder::reserve(context, origin, clock, recorder, metrics, reservation).await
    }

    fn feedback(&self, job: &Job, candidate: &Candidate) -> CallFeedback {
        CallFeedback::new(
            &self.shared_state,
            job.intent.organization.id,
            &candidate.model,
            job.intent.caller(),
            !job.intent.drills.is_empty(),
        )
        .alone(job.intent.organization.keys.len() <= 1)
    }

    async fn attempt(
        &self,
        job: &Job,
        (candidate, share): (&Candidate, &Arc<Share>),
        so_far: &SoFar,
        called: Instant,
        (time_budget, is_bare): (Duration, bool),
    ) -> (AttemptOutcome, Sent) {
        let model = &candidate.model;
        if let Some(class) = job.intent.drills.class_of(&model.name) {
            return (AttemptOutcome::Failed(Fault::Drill(class)), Sent::default());
        }
        let endpoint = match self.shared_state.endpoints.of(&self.upstream, &model.provider) {
            Ok(endpoint) => endpoint,
            Err(connect) => return (AttemptOutcome::Failed(Fault::Connect(connect)), Sent::default()),
        };
        let spoken = job.intent.request.spoken_to(model).ok();
        let Some((request, target)) =
            spoken.and_then(|request| Some((request, endpoint.target(request.dialect)?)))
        else {
            // The plan calls no provider that the request cannot be written for.
            return (AttemptOutcome::Failed(Fault::Connect(ConnectFault::Other)), Sent::default());
        };
        let caller = job.intent.caller();
        let optional = |known| adapt::optional(request, model, candidate.primary, known);
        let known = self.refusals.of_call(model, caller, optional);
        let known = if is_bare { known.with(Parameters::REASONING) } else { known };
        let call = OneCall { job, candidate, share, request, target, refused: known, time_budget, so_far };
        let (outcome, sent) = self.call(call).await;
        let written = || optional(known);
        let refusal = refused_parameters::named(&outcome, request, written);
        if refusal.left_out.is_empty() {
            if answered(&outcome) {
                self.refusals.accepted(model, caller, written);
            }
            return (outcome, sent);
        }
        let left = time_budget.saturating_sub(called.elapsed());
        if left < LEAST {
            return (outcome, sent);
        }
        // The provider did not process the request, so the same call is made once more without the refused
        // parameters. This does not count as a failure.
        let without = known.with(refusal.left_out);
        let (outcome, sent) = self.call(OneCall { refused: without, time_budget: left, ..call }).await;
        if answered(&outcome) {
            self.refusals.learn(model, refusal.themselves, job.intent.source(false));
        }
        (outcome, sent)
    }

    /// Makes a call, with an access token if the provider needs one.
    async fn call(&self, call: OneCall<'_>) -> (AttemptOutcome, Sent) {
        if call.target.needs_token() {
            return Box::pin(self.call_with_token(call)).await;
        }
        self.send(call, &CallToken::default()).await
    }

    /// Makes a call with an access token, and once more with another one if the provider refuses an old token.
    async fn call_with_token(&self, call: OneCall<'_>) -> (AttemptOutcome, Sent) {
        let called = Instant::now();
        let left = || call.time_budget.saturating_sub(called.elapsed());
        let minting = self.minting(call.share);
        let token = match call.target.token(minting, call.time_budget).await {
            Ok(token) => token,
            Err(fault) => return (AttemptOutcome::Failed(fault), Sent::default()),
        };
        let (outcome, sent) = self.send(OneCall { time_budget: left(), ..call }, &token).await;
        if !outcome.is_unauthorized() || left() < LEAST {
            return (outcome, sent);
        }
        match call.target.token_after(&token, minting, left()).await {
            Some(Ok(token)) => self.send(OneCall { time_budget: left(), ..call }, &token).await,
            Some(Err(fault)) => (AttemptOutcome::Failed(fault), sent),
            None => (outcome, sent),
        }
    }

    async fn send(&self, call: OneCall<'_>, token: &CallToken) -> (AttemptOutcome, Sent) {
        let OneCall { job, candidate, share, request, target, refused, time_budget, so_far } = call;
        let model = &candidate.model;
        let adapted = adapted(request, candidate, refused, share).await;
        // The first call takes this body; another one is rarely needed.
        let body = Cell::new(Some(adapted.body));
        let message = || {
            let headers = target.headers_for(request.stream, &request.passed, token);
            let again = || adapt::adapt(request, model, candidate.primary, refused).body;
            (headers, held_by(share, body.take().unwrap_or_else(again), &job.intent.request.body))
        };
        let calibration = || self.shared_state.calibrations.of(model.id, job.intent.caller());
        let prompt = |size: &TextSize| calibration().prompt(size);
        let url = target.url_of(model, request.stream);
        let call = Call {
            model,
            target: &url,
            dialect: request.dialect,
            translation: AnswerTranslation::between(&job.intent.request, request, prompt),
            mark: request.mark_of(model),
            message: &message,
            stream: request.stream,
            include_usage: request.include_usage,
            time_budget,
            now: job.context.created_at,
            share,
            so_far,
        };
        let translated_to = request.translated_with.is_some().then(|| request.dialect.name());
        let changes = Adaptation { changes: adapted.changes, translated_to };
        let sent = Sent { changes, asked: adapted.asked };
        (attempt(&self.upstream, call).await, sent)
    }
}

/// One call of a candidate that is about to be made.
#[derive(Debug, Clone, Copy)]
struct OneCall<'a> {
    job: &'a Job,
    candidate: &'a Candidate,
    /// The share of the organization.
    share: &'a Arc<Share>,
    /// The request in a dialect that the provider serves.
    request: &'a ChatRequest,
    target: &'a Target,
    /// The parameters that are left out.
    refused: Parameters,
    time_budget: Duration,
    so_far: &'a SoFar,
}

/// What is known of the body that a candidate's provider got.
#[derive(Debug, Default)]
struct Sent {
    /// How it differs from the caller's request.
    changes: Adaptation,
    /// What it asks for that has a price of its own.
    asked: Asked,
}

/// Whether the provider accepted the request.
fn answered(outcome: &AttemptOutcome) -> bool {
    match outcome {
        AttemptOutcome::Ready(_) | AttemptOutcome::Filtered(..) => true,
        AttemptOutcome::Failed(_) | AttemptOutcome::Unusable(..) => false,
    }
}

/// Adapts the request to a candidate; a large one is written off the event loop.
async fn adapted(
    request: &ChatRequest,
    candidate: &Candidate,
    refused: Parameters,
    share: &Share,
) -> Adapted {
    let write = move |request: &ChatRequest, candidate: &Candidate| {
        adapt::adapt(request, &candidate.model, candidate.primary, refused)
    };
    if request.body.len() > LARGE {
        let (request, candidate) = (request.clone(), candidate.clone());
        if let Ok(adapted) = share.read_large(move || write(&request, &candidate)).await {
            return adapted;
        }
    }
    write(request, candidate)
}

/// Counts a request body against the memory share until it is sent. Small pieces are covered by the caller's own body,
/// and so are pieces of it.
pub(super) fn held_by(share: &Arc<Share>, body: Pieces, own: &Bytes) -> Pieces {
    let held = |piece: Bytes| {
        let copied = piece.len() > SMALL && !own.as_ptr_range().contains(&piece.as_ptr());
        if copied { share.hold_copy(piece.len()).bind(piece) } else { piece }
    };
    Pieces(body.0.into_iter().map(held).collect())
}

/// A stream may still break when the request is gone.
fn remembered(feedback: CallFeedback, reply: &Reply, intent: &Intent, share: &Arc<Share>) -> CallFeedback {
    match reply {
        Reply::Whole(_) => feedback,
        Reply::Stream(_) => {
            let prompt = intent.request.kept_prompt(|copy| share.hold_copy(copy.len()).bind(copy));
            feedback.remember(Remembered { fingerprint: intent.fingerprint(), prompt })
        }
    }
}

async fn exhausted(end: Exhausted, intent: &Intent, mut recorder: RequestRecorder) -> Error {
    let (failure, caller_status): (_, fn(&Failure) -> u16) = match end {
        Exhausted::Failed(failure) => (failure, Failure::caller_status),
        Exhausted::InCooldown(cooldown) => {
            (recorder.chain_in_cooldown(&cooldown), Failure::caller_status_in_cooldown)
        }
        Exhausted::Skipped(class) => (recorder.last_skip(class), Failure::caller_status),
    };
    if let Some(failure) = intent.without_previous_response(&failure) {
        let status = failure.caller_status();
        return recorder.finish_failed(failure, status).await;
    }
    let status = match (intent.request.dialect, caller_status(&failure)) {
        (Dialect::ChatCompletions | Dialect::Responses | Dialect::Gemini | Dialect::Converse, status) => {
            status
        }
        (Dialect::Messages, status) => dialects::messages::error::status(failure.class, status),
    };
    recorder.finish_failed(failure, status).await
}

impl Job {
    /// The input for the plan's next decision.
    pub(super) fn decision_input<'a>(&self, facts: &'a dyn CandidateFacts) -> DecisionInput<'a> {
        let left = self.intent.deadline().saturating_sub(self.context.started.elapsed());
        DecisionInput { left, jitter: rand::random(), facts }
    }
}
