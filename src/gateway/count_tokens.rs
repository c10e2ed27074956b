//! Counts the tokens of a prompt with the first candidate that does.
//!
//! The plan is that of a request, but nothing is reserved, billed or recorded, and a failure cools no model: that a
//! provider does not count says nothing about its answers.

use std::time::{Duration, Instant};

use bytes::Bytes;
use entity::ids::ModelId;
use tokio::time::{sleep, timeout};

use super::call::adapt::adapt_count;
use super::call::classify::{ConnectFault, Fault, Garbage, TimeoutKind};
use super::call::classify_and_redact::Classifier;
use super::call::endpoint::{CallToken, Target};
use super::call::response_body::{error_body, send_fault};
use super::call::whole_answer::whole_body;
use super::candidate_call::held_by;
use super::request::intent::{Purpose, RoutingContext, StateView};
use super::routing::call_feedback::SharedState;
use super::routing::plan::{Candidate, Exhausted, SkipReason, Step};
use super::{Gateway, Job};
use crate::dialects::Dialect;
use crate::dialects::messages::{count, error};
use crate::domain::error::{Error, Result};
use crate::domain::failure::Failure;
use crate::domain::failure::chain::ChainFailure;
use crate::domain::routing_info::RoutingInfo;
use crate::gateway::record::skip_message::skip_failure;
use crate::providers;
use crate::upstream::on_behalf_of;

/// The longest that one provider may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The count of a provider.
#[derive(Debug)]
pub struct TokenCount {
    /// The status of the provider's response.
    pub status: u16,
    /// The body of the provider's response, as it came.
    pub body: Bytes,
    /// What the response headers say about routing.
    pub routing: RoutingInfo,
}

impl Gateway {
    /// Counts the tokens of the prompt of a message.
    ///
    /// # Errors
    /// The request names unknown or forbidden models, or no candidate counts.
    pub async fn count_tokens(&self, mut job: Job) -> Result<TokenCount> {
        // Providers of other dialects do not count.
        job.intent.request.translates = false;
        let job = &job;
        let intent = &job.intent;
        let mut plan = intent.plan_for(Purpose::Count)?;
        let state = StateView {
            calibrations: None,
            spending: None,
            call_limits: None,
            ..StateView::from(&*self.shared_state)
        };
        let facts = RoutingContext::dry_run(intent, state);
        let mut routing = RoutingInfo {
            served: None,
            upstream_calls: 0,
            fallback: None,
            gateway_time: Duration::ZERO,
            upstream_time: Duration::ZERO,
            budget: None,
            tokens: None,
        };
        let mut failure: Option<Failure> = None;
        let mut skipped: Option<(Candidate, SkipReason)> = None;
        let mut tried: Vec<ModelId> = Vec::new();
        loop {
            let (candidate, time_budget) = match plan.next(failure.take(), job.decision_input(&facts)) {
                Step::Skip(candidate, reason) => {
                    skipped = Some((candidate, reason));
                    continue;
                }
                // A count takes nothing of any limit.
                Step::Fetch => continue,
                Step::Exhausted(end) => return Err(not_counted(end, skipped.as_ref(), routing, job)),
                Step::Try { candidate, after, time_budget } => {
                    sleep(after).await;
                    // A count reports to no cooldown, so it takes no probe.
                    (self.deployed(job, candidate, &tried, (false, None)), time_budget)
                }
            };
            let called = Instant::now();
            routing.upstream_calls += 1;
            let counted = match timeout(PATIENCE.min(time_budget), self.count_with(job, &candidate)).await {
                Ok(counted) => counted,
                Err(_) => Err(Fault::Timeout(TimeoutKind::Answer)),
            };
            routing.upstream_time += called.elapsed();
            match counted {
                Ok((status, body)) => {
                    routing.served = Some(candidate.model.name.to_string());
                    routing.gateway_time =
                        job.context.started.elapsed().saturating_sub(routing.upstream_time);
                    return Ok(TokenCount { status, body, routing });
                }
                Err(fault) => {
                    let SharedState { endpoints, sentences, .. } = &*self.shared_state;
                    let (sentences, now) = (&sentences.load(), self.clock.now());
                    let provider = &candidate.model.provider;
                    let classifier = Classifier { provider, endpoints, sentences, now };
                    let sent = &candidate.model.upstream_model;
                    let found = classifier.classify_of(&fault, &intent.request, sent);
                    if self.moves_on(job, &candidate, &found, &mut tried) {
                        plan.call_again();
                    }
                    failure = Some(found);
                }
            }
        }
    }

    /// Counts with one candidate.
    async fn count_with(&self, job: &Job, candidate: &Candidate) -> Result<(u16, Bytes), Fault> {
        let model = &candidate.model;
        if let Some(class) = job.intent.drills.class_of(&model.name) {
            return Err(Fault::Drill(class));
        }
        let endpoint =
            self.shared_state.endpoints.of(&self.upstream, &model.provider).map_err(Fault::Connect)?;
        let target = endpoint.target(Dialect::Messages).ok_or(Fault::Connect(ConnectFault::Other))?;
        let share = self.shares.of(job.intent.organization.id);
        let minting = self.minting(&share);
        let token = target.token(minting, PATIENCE).await?;
        match self.count_at(job, candidate, target, &token).await {
            Err(fault) if fault.is_unauthorized() => {
                match target.token_after(&token, minting, PATIENCE).await {
                    Some(token) => self.count_at(job, candidate, target, &token?).await,
                    None => Err(fault),
                }
            }
            counted => counted,
        }
    }

    async fn count_at(
        &self,
        job: &Job,
        candidate: &Candidate,
        target: &Target,
        token: &CallToken,
    ) -> Result<(u16, Bytes), Fault> {
        let (request, share) = (&job.intent.request, self.shares.of(job.intent.organization.id));
        let message = || {
            let body = adapt_count(request, &candidate.model, candidate.primary).body;
            (target.headers_for_count(&request.passed, token), held_by(&share, body, &request.body))
        };
        let url = target.url_of_count();
        let posted = on_behalf_of(share.clone(), self.upstream.post(&url, message));
        let mut response = posted.await.map_err(send_fault)?;
        let status = response.status();
        if !(200..300).contains(&status) {
            let body = error_body(&mut response).await;
            let error = providers::parse_error(status, response.headers(), &body, self.clock.now());
            return Err(Fault::Upstream(Box::new(error)));
        }
        let body = whole_body(&mut response, &mut share.hold()).await?;
        if count::is_count(&body) { Ok((status, body)) } else { Err(Fault::Garbage(Garbage::NoCount)) }
    }
}

/// The error of a chain of which no candidate counts.
fn not_counted(
    end: Exhausted,
    skipped: Option<&(Candidate, SkipReason)>,
    routing: RoutingInfo,
    job: &Job,
) -> Error {
    let (failure, cooling) = match (end, skipped) {
        (Exhausted::Failed(failure), _) => (failure, false),
        (Exhausted::InCooldown(cooldown), _) => ((*cooldown.failure).clone(), true),
        (Exhausted::Skipped(_), Some((candidate, reason))) => {
            (skip_failure(reason, &candidate.model.name), false)
        }
        (Exhausted::Skipped(class), None) => {
            (skip_failure(&SkipReason::fact(class), &job.context.requested), false)
        }
    };
    let status = if cooling { failure.caller_status_in_cooldown() } else { failure.caller_status() };
    Error::Chain(Box::new(ChainFailure {
        status: error::status(failure.class, status),
        cooling,
        retry_after: failure.retry_after,
        attempts: Vec::new(),
        routing,
        failure,
    }))
}
