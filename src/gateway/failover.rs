//! The loop: asks the plan for the next candidate, calls it, and goes on until one answers or none is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use entity::ids::ModelId;

use super::call::classify::own_fields::may_be_brought;
use super::call::outcome::{AttemptOutcome, Reply};
use super::call::refused_parameters::reasoning;
use super::candidate_call::Sent;
use super::record::request_recorder::RequestRecorder;
use super::record::reserved::Reserved;
use super::record::spans;
use super::request::chat_request::ChatRequest;
use super::request::intent::{Intent, RoutingContext, StateView};
use super::response::answer::Answer;
use super::response::relay::relay;
use super::routing::call_feedback::{CallFeedback, Remembered};
use super::routing::plan::{Candidate, CandidateFacts, DecisionInput, Exhausted, Step};
use super::usage::asked::Asked;
use super::usage::so_far::SoFar;
use super::{Gateway, Job, ResponseOptions};
use crate::dialects::{self, Dialect};
use crate::domain::error::{Error, Result};
use crate::domain::failure::Failure;
use crate::domain::failure::scope::FailureScope;
use crate::limits::shares::Share;

impl Gateway {
    /// Runs a request until its answer begins or no candidate is left. Dropping the future cancels the upstream call.
    ///
    /// # Errors
    /// The request names unknown or forbidden models, the chain failed, or a record could not be written.
    // The parts of a run are boxed because each is moved a few times before its first poll, and a large one is slow to
    // move.
    pub fn run(&self, job: Box<Job>) -> impl Future<Output = Result<Answer>> {
        spans::within(spans::request(&job.context), Box::pin(self.process(job)))
    }

    async fn process(&self, job: Box<Job>) -> Result<Answer> {
        let intent = &job.intent;
        let share = self.shares.of(intent.organization.id);
        let routing_context = RoutingContext::new(intent, StateView::from(&*self.shared_state));
        if intent.begins_with_translation(&routing_context) {
            intent.translate_early(&share).await;
        }
        let mut plan = intent.plan()?;
        let taken = Reserved { money: routing_context.reservation(), headroom: routing_context.headroom() };
        let mut recorder = self.recorder_of(&job, taken).await?;
        let mut failure: Option<Failure> = None;
        let mut earlier = Earlier::default();
        loop {
            match plan.next(failure.take(), job.decision_input(&routing_context)) {
                Step::Skip(candidate, skip_reason) => {
                    if skip_reason.cooldown_cause().is_some() {
                        self.shared_state.cooldowns.passed_over(&candidate.model, intent.caller());
                    }
                    recorder.candidate_skipped(&candidate, &skip_reason);
                }
                Step::Fetch => {
                    if let Some(lacking) = routing_context.lacking() {
                        Box::pin(self.shared_state.call_limits.fetch(lacking)).await;
                    }
                }
                Step::Exhausted(end) => {
                    let Some((candidate, received)) = earlier.withheld.map(|withheld| *withheld) else {
                        return Err(Box::pin(exhausted(end, intent, recorder)).await);
                    };
                    recorder.commit_withheld_answer(&candidate).await?;
                    return Box::pin(received.relay(recorder, &intent.request, job.options)).await;
                }
                Step::Try { candidate, after, time_budget } => {
                    let due = Instant::now();
                    if !after.is_zero() {
                        tokio::time::sleep(after).await;
                    }
                    let claimed = (true, routing_context.take_claimed());
                    let candidate = self.deployed(&job, candidate, &earlier.deployments, claimed);
                    let tried = Tried { job: &job, candidate, share: &share, time_budget, due };
                    match self.try_candidate(tried, &mut earlier, &mut recorder).await? {
                        TryEnd::Answered(received) => {
                            return Box::pin(received.relay(recorder, &intent.request, job.options)).await;
                        }
                        TryEnd::Failed { found, again } => {
                            if again {
                                plan.call_again();
                            }
                            failure = Some(found);
                        }
                    }
                }
            }
            // From here on, the plan may look at any model that is left.
            intent.translate_early(&share).await;
        }
    }

    /// Calls one candidate, and records how that ended.
    async fn try_candidate(
        &self,
        tried: Tried<'_>,
        earlier: &mut Earlier,
        recorder: &mut RequestRecorder,
    ) -> Result<TryEnd> {
        let Tried { job, candidate, share, time_budget, due } = tried;
        let (intent, id) = (&job.intent, candidate.model.id);
        let counted_as = candidate.model.cooldown_id();
        let drilled = intent.drills.class_of(&candidate.model.name).is_some();
        let feedback = self.feedback(job, &candidate).repeated(earlier.failing.contains(&counted_as));
        let so_far = SoFar::default();
        let mut call = recorder.attempt_started(&candidate, &feedback, &intent.request, (drilled, &so_far));
        let called = Instant::now();
        let span = spans::attempt(&candidate);
        let bare = earlier.bare == Some(id);
        let attempted =
            Box::pin(self.attempt(job, (&candidate, share), &so_far, called, (time_budget, bare)));
        let (outcome, Sent { changes, asked }) = spans::within(span.clone(), attempted).await;
        let took = called.elapsed();
        // Waiting before a retry does not count as the gateway's own time.
        recorder.attempt_ended(&mut call, &outcome, intent.ended_by_caller(&outcome), due.elapsed());
        // What a provider was not sent is not what it refused.
        let sent = intent.request.as_sent_to(&candidate.model);
        let again = !bare && reasoning::is_refused(&outcome, sent);
        let fault = match outcome {
            AttemptOutcome::Ready(reply) => {
                spans::answered(&span, reply.status(), took);
                recorder.commit_answer(&candidate, call, reply.status(), took, changes).await?;
                let feedback = remembered(feedback, &reply, intent, share);
                return Ok(TryEnd::Answered(Received { reply, feedback, asked }));
            }
            AttemptOutcome::Filtered(reply, fault) => {
                let received = Received { reply, feedback: feedback.clone(), asked };
                earlier.withheld = Some(Box::new((candidate.clone(), received)));
                fault
            }
            AttemptOutcome::Failed(fault) | AttemptOutcome::Unusable(fault, _) => fault,
        };
        let mut found = feedback.classify_of(&fault, sent);
        if again {
            // The history is at fault, not the model.
            found.scope = FailureScope::Request;
            earlier.bare = Some(id);
        }
        spans::failed(&span, &found, took);
        if feedback.failed(&found, || intent.source(may_be_brought(&found, sent))) {
            earlier.failing.push(counted_as);
        }
        recorder.attempt_failed(&candidate, &found, took, changes);
        let again = again || self.moves_on(job, &candidate, &found, &mut earlier.deployments);
        Ok(TryEnd::Failed { found, again })
    }

    async fn recorder_of(&self, job: &Job, reserved: Reserved) -> Result<RequestRecorder> {
        // Drills do not count in the metrics.
        let metrics = if job.intent.drills.is_empty() { self.metrics.clone() } else { Arc::default() };
        let (context, origin) = (job.context.clone(), job.intent.drills.origin());
        let (clock, recorder) = (self.clock.clone(), self.recorder.clone());
        RequestRecorder::reserve(context, origin, clock, recorder, metrics, reserved).await
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
}

/// What the calls of a request leave for the next ones.
#[derive(Debug, Default)]
struct Earlier {
    /// The last answer that a filter ended, which is given if no other model answers. Rare, and large.
    withheld: Option<Box<(Candidate, Received)>>,
    /// The models and deployments that failed in a way that counts toward a cooldown, by the ids of their cooldowns.
    failing: Vec<ModelId>,
    /// The deployments that were called, by the ids of their cooldowns; none of a model with one.
    deployments: Vec<ModelId>,
    /// The model that refused the reasoning in the history, so that it is called without.
    bare: Option<ModelId>,
}

/// A candidate in its turn, with what its call needs.
struct Tried<'a> {
    job: &'a Job,
    candidate: Candidate,
    /// The share of the organization.
    share: &'a Arc<Share>,
    time_budget: Duration,
    /// When its turn came, before the wait of a retry.
    due: Instant,
}

/// How the turn of a candidate ended.
enum TryEnd {
    /// With an answer that is on record.
    Answered(Received),
    /// With a failure; `again` if the same candidate comes once more, by another deployment or without the reasoning that
    /// it refused.
    Failed { found: Failure, again: bool },
}

/// An answer that is about to go to the caller.
#[derive(Debug)]
struct Received {
    reply: Reply,
    feedback: CallFeedback,
    /// What its request asked for that has a price of its own.
    asked: Asked,
}

impl Received {
    fn relay(
        self,
        recorder: RequestRecorder,
        request: &ChatRequest,
        options: ResponseOptions,
    ) -> impl Future<Output = Result<Answer>> {
        relay(self.reply, self.feedback, self.asked, recorder, request, options)
    }
}

/// A stream may still break when the request is gone.
fn remembered(feedback: CallFeedback, reply: &Reply, intent: &Intent, share: &Arc<Share>) -> CallFeedback {
    match reply {
        Reply::Whole(_) => feedback,
        Reply::Stream(_) | Reply::Passed(_) => {
            let prompt = intent.request.kept_prompt(|copy| share.hold_copy(copy.len()).bind(copy));
            feedback.remember(Remembered { fingerprint: intent.fingerprint(), prompt })
        }
    }
}

async fn exhausted(end: Exhausted, intent: &Intent, mut recorder: RequestRecorder) -> Error {
    let without_previous = match &end {
        Exhausted::Failed(failure) => intent.without_previous_response(failure),
        Exhausted::InCooldown(cooldown) => intent.without_previous_response(&cooldown.failure),
        Exhausted::Skipped(class) => intent.without_previous_response(&recorder.last_skip(*class)),
    };
    if let Some(failure) = without_previous {
        let status = failure.caller_status();
        return recorder.finish_failed(failure, status).await;
    }
    let (failure, caller_status): (_, fn(&Failure) -> u16) = match end {
        Exhausted::Failed(failure) => (failure, Failure::caller_status),
        Exhausted::InCooldown(cooldown) => {
            (recorder.chain_in_cooldown(&cooldown), Failure::caller_status_in_cooldown)
        }
        Exhausted::Skipped(class) => (recorder.last_skip(class), Failure::caller_status),
    };
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
