//! One request, in reading order. [`Gateway::run`] is the loop that joins the steps:
//!
//! 1. [`request`]: the caller's body, what it needs of a model, what its caller wants.
//! 2. [`routing`]: the plan says which candidate is next, from cooldown, health and budgets.
//! 3. [`call`]: the candidate's own request, the attempt, the first frame, and what a failure means.
//! 4. [`usage`]: tokens and money, reported or estimated.
//! 5. [`response`]: the answer on its way to the caller.
//! 6. [`record`]: attempts, rows and metrics.
//!
//! [`preview`] answers "what would happen" with the same plan. Its inner format is OpenAI chat; it knows neither the
//! database library nor the HTTP server.

pub mod call;
pub mod preview;
pub mod record;
pub mod request;
pub mod response;
pub mod routing;
pub mod usage;

use std::cell::Cell;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::failure::Failure;
use bytes::Bytes;
use call::adapt::Adapted;
use call::attempt::{AttemptOutcome, Call, Reply, attempt};
use call::classify::Fault;
use call::endpoint::{Endpoint, Endpoints};
use call::refused_parameters::Refusals;
use record::metrics::Metrics;
use record::spans;
use record::trail::{Context, Trail};
use request::chat_request::ChatRequest;
use request::intent::{Intent, RoutingContext, StateView};
use response::answer::Answer;
use response::relay::{ResponseOptions, relay};
use routing::call_feedback::{CallFeedback, SharedState};
use routing::plan::{Candidate, CandidateFacts, DecisionInput, Exhausted, Step};
use tracing::Instrument as _;

use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::limits::shares::{LARGE, SMALL, Share, Shares};
use crate::providers::compatibility::Parameters;
use crate::store::recorder::Recorder;
use crate::upstream::Upstream;

/// What every request shares.
#[derive(Debug)]
pub struct Gateway {
    /// The one client.
    pub upstream: Upstream,
    /// The one writer's entrance.
    pub recorder: Recorder,
    /// The time.
    pub clock: Clock,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// Addresses and headers, made once for each provider.
    pub endpoints: Endpoints,
    /// What calls have said about models and providers.
    pub shared_state: Arc<SharedState>,
    /// What each organization holds.
    pub shares: Shares,
    /// Which optional parameters providers were seen to refuse.
    pub refusals: Refusals,
}

/// One request, ready to run.
#[derive(Debug)]
pub struct Job {
    /// What its caller wants.
    pub intent: Intent,
    /// The caller's `traceparent`, if it is well-formed.
    pub traceparent: Option<http::HeaderValue>,
    /// What the record keeps.
    pub context: Context,
    /// How the answer is wanted.
    pub options: ResponseOptions,
}

impl Gateway {
    /// Runs a request until its answer begins, or until nobody is left who could give one. Dropping the future
    /// cancels the upstream call.
    ///
    /// # Errors
    /// A request that cannot be planned (unknown or forbidden models), a chain's failure, or a record that could
    /// not be written.
    #[tracing::instrument(
        level = "debug",
        target = "failsoft::request",
        name = "request",
        skip_all,
        fields(
            request_id = %job.context.request_id,
            organization_id = %job.context.organization_id,
            key_id = job.context.key.as_ref().map(|key| display(key.id.0)),
            model = %job.context.requested,
        )
    )]
    pub async fn run(&self, job: Job) -> Result<Answer> {
        let intent = &job.intent;
        let mut plan = intent.plan()?;
        let routing_context = RoutingContext::new(intent, StateView::from(&*self.shared_state));
        let mut trail = self.start_trail(&job).await?;
        trail.pay_from(routing_context.reservation());
        let mut failure: Option<Failure> = None;
        let mut withheld: Option<(Candidate, Reply, CallFeedback)> = None;
        loop {
            match plan.next(failure.take(), job.decision_input(&routing_context)) {
                Step::Skip(candidate, skip_reason) => trail.passed_over(&candidate, &skip_reason),
                Step::Exhausted(end) => {
                    if let Some((candidate, reply, feedback)) = withheld {
                        trail.pass_on(&candidate).await?;
                        return relay(reply, feedback, trail, &intent.request, job.options).await;
                    }
                    return Err(exhausted(end, trail).await);
                }
                Step::Try { candidate, after, time_budget } => {
                    let due = Instant::now();
                    if !after.is_zero() {
                        tokio::time::sleep(after).await;
                    }
                    trail.calling(&candidate, intent.drills.class_of(&candidate.model.name).is_some());
                    let feedback = self.feedback(&job, &candidate);
                    let called = Instant::now();
                    let span = spans::attempt(&candidate);
                    let attempted = self.attempt(&job, &candidate, called, time_budget);
                    let (outcome, adapted) = attempted.instrument(span.clone()).await;
                    let took = called.elapsed();
                    // What is waited for a provider to recover is none of our own time.
                    trail.called(due.elapsed());
                    let fault = match outcome {
                        AttemptOutcome::Ready(reply) => {
                            spans::answered(&span, reply.status(), took);
                            trail.commit(&candidate, reply.status(), took, adapted).await?;
                            return relay(reply, feedback, trail, &intent.request, job.options).await;
                        }
                        AttemptOutcome::Failed(fault) => fault,
                        AttemptOutcome::Filtered(reply, fault) => {
                            withheld = Some((candidate.clone(), reply, feedback.clone()));
                            fault
                        }
                    };
                    let found = feedback.classify(fault);
                    spans::failed(&span, &found, took);
                    feedback.failed(&found, || job.number());
                    trail.failed(&candidate, &found, took, adapted);
                    failure = Some(found);
                }
            }
        }
    }

    async fn start_trail(&self, job: &Job) -> Result<Trail> {
        // What was made to fail is no figure of the service.
        let metrics = if job.intent.drills.is_empty() { self.metrics.clone() } else { Arc::default() };
        let (context, origin) = (job.context.clone(), job.intent.drills.origin());
        Trail::start(context, origin, self.clock.clone(), self.recorder.clone(), metrics).await
    }

    fn feedback(&self, job: &Job, candidate: &Candidate) -> CallFeedback {
        CallFeedback::new(
            &self.shared_state,
            job.intent.organization.id,
            &candidate.model,
            !job.intent.drills.is_empty(),
        )
    }

    async fn attempt(
        &self,
        job: &Job,
        candidate: &Candidate,
        called: Instant,
        time_budget: Duration,
    ) -> (AttemptOutcome, Vec<String>) {
        let model = &candidate.model;
        if let Some(class) = job.intent.drills.class_of(&model.name) {
            return (AttemptOutcome::Failed(Fault::Drill(class)), Vec::new());
        }
        let endpoint = match self.endpoints.of(&self.upstream, &model.provider) {
            Ok(endpoint) => endpoint,
            Err(connect) => return (AttemptOutcome::Failed(Fault::Connect(connect)), Vec::new()),
        };
        let known = self.refusals.of(model);
        let (outcome, changes) = self.call(job, candidate, &endpoint, known, time_budget).await;
        let optional =
            || crate::gateway::call::adapt::optional(&job.intent.request, model, candidate.primary, known);
        let refused = crate::gateway::call::refused_parameters::named(&outcome, optional);
        if refused.is_empty() {
            return (outcome, changes);
        }
        let left = time_budget.saturating_sub(called.elapsed());
        if left < crate::gateway::routing::plan::LEAST {
            return (outcome, changes);
        }
        // The request has done nothing yet: the same call once more, without what was refused. This is no failure.
        let (outcome, changes) = self.call(job, candidate, &endpoint, known.with(refused), left).await;
        if !matches!(outcome, AttemptOutcome::Failed(_)) {
            self.refusals.learn(model, refused);
        }
        (outcome, changes)
    }

    async fn call(
        &self,
        job: &Job,
        candidate: &Candidate,
        endpoint: &Endpoint,
        refused: Parameters,
        time_budget: Duration,
    ) -> (AttemptOutcome, Vec<String>) {
        let model = &candidate.model;
        let share = self.shares.of(job.intent.organization.id);
        let adapted = adapted(&job.intent.request, candidate, refused, &share).await;
        // The first message takes the body that is here; another one is rarely needed.
        let body = Cell::new(Some(adapted.body));
        let message = || {
            let headers = endpoint.headers_for(job.intent.request.stream, job.traceparent.as_ref());
            let again = || {
                crate::gateway::call::adapt::adapt(&job.intent.request, model, candidate.primary, refused)
                    .body
            };
            (headers, counted(body.take().unwrap_or_else(again), &share))
        };
        let call = Call {
            model,
            target: &endpoint.target,
            message: &message,
            stream: job.intent.request.stream,
            include_usage: job.intent.request.include_usage,
            time_budget,
            now: job.context.created_at,
            share: &share,
        };
        (attempt(&self.upstream, call).await, adapted.changes)
    }
}

/// The request as this candidate gets it; a large one is written off the event loop.
async fn adapted(
    request: &ChatRequest,
    candidate: &Candidate,
    refused: Parameters,
    share: &Share,
) -> Adapted {
    let write = move |request: &ChatRequest, candidate: &Candidate| {
        crate::gateway::call::adapt::adapt(request, &candidate.model, candidate.primary, refused)
    };
    if request.body.len() > LARGE {
        let (request, candidate) = (request.clone(), candidate.clone());
        if let Ok(adapted) = share.read_large(move || write(&request, &candidate)).await {
            return adapted;
        }
    }
    write(request, candidate)
}

/// A body for a provider, counted until it is sent. A small one is counted with the caller's own.
fn counted(body: Bytes, share: &Arc<Share>) -> Bytes {
    if body.len() <= SMALL { body } else { share.hold_copy(body.len()).bind(body) }
}

async fn exhausted(end: Exhausted, mut trail: Trail) -> Error {
    let (failure, caller_status): (_, fn(&Failure) -> u16) = match end {
        Exhausted::Failed(failure) => (failure, Failure::caller_status),
        Exhausted::InCooldown(cooldown) => (trail.left_alone(&cooldown), Failure::caller_status_in_cooldown),
        Exhausted::Skipped(reason) => (trail.last_pass_over(reason), Failure::caller_status),
    };
    let status = caller_status(&failure);
    trail.fail(failure, status).await
}

impl Job {
    /// A number that tells requests of different keys or with different bodies apart. Of a long body, its start and
    /// its length do.
    fn number(&self) -> u64 {
        let body = &self.intent.request.body;
        let mut hasher = std::hash::DefaultHasher::new();
        self.intent.key.as_ref().map(|key| key.id).hash(&mut hasher);
        (body.len(), body.get(..64 * 1024).unwrap_or(body)).hash(&mut hasher);
        hasher.finish()
    }

    /// The world as the plan may see it now.
    fn decision_input<'a>(&self, facts: &'a dyn CandidateFacts) -> DecisionInput<'a> {
        let left = self.intent.deadline().saturating_sub(self.context.started.elapsed());
        DecisionInput { left, jitter: rand::random(), facts }
    }
}
