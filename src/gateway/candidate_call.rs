//! One call of a candidate: its endpoint, its access token, the body that is written for it, and a second call without
//! the parameters that its provider refused.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use entity::ids::ModelId;

use super::call::adapt::{self, Adapted};
use super::call::attempt::{Call, attempt};
use super::call::classify::{ConnectFault, Fault};
use super::call::endpoint::{CallToken, SecretSearch, Target};
use super::call::outcome::AttemptOutcome;
use super::call::refused_parameters;
use super::call::translation::AnswerTranslation;
use super::call::usable_answer::operation::Expectation;
use super::call::usable_answer::relaying::Relaying;
use super::request::chat_request::ChatRequest;
use super::routing::deployments::{Seeker, session};
use super::routing::plan::{Candidate, Chosen, LEAST};
use super::usage::asked::Asked;
use super::usage::so_far::SoFar;
use super::usage::text_size::TextSize;
use super::{Gateway, Job};
use crate::domain::attempt_report::Adaptation;
use crate::domain::failure::Failure;
use crate::limits::shares::{LARGE, SMALL, Share};
use crate::providers::compatibility::Parameters;
use crate::upstream::Pieces;

impl Gateway {
    /// A candidate with the deployment that the request is sent to now; as it is, if its model has one or is drilled.
    /// `takes_probes` says whether the call reports to cooldowns, and `claimed` of which deployment the plan has taken the
    /// probe for it.
    pub(super) fn deployed(
        &self,
        job: &Job,
        candidate: Candidate,
        tried: &[ModelId],
        (takes_probes, claimed): (bool, Option<ModelId>),
    ) -> Candidate {
        let Some(deployments) = &candidate.model.deployments else { return candidate };
        if job.intent.drills.class_of(&candidate.model.name).is_some() {
            return candidate;
        }
        let seeker =
            Seeker { takes_probes: takes_probes && job.intent.drills.is_empty(), ..self.seeker(job, tried) };
        let chosen = seeker.choose(deployments, claimed, rand::random());
        let Some((model, reason)) = chosen.map(|(model, reason)| (model.clone(), reason)) else {
            return candidate;
        };
        let chosen = Some(Chosen { of: candidate.model.clone(), reason });
        Candidate { model, chosen, ..candidate }
    }

    /// Notes the deployment that failed, and says whether another one of the same candidate is called at once.
    pub(super) fn moves_on(
        &self,
        job: &Job,
        candidate: &Candidate,
        failure: &Failure,
        tried: &mut Vec<ModelId>,
    ) -> bool {
        let Some(Chosen { of, .. }) = &candidate.chosen else { return false };
        tried.push(candidate.model.cooldown_id());
        let deployments = of.deployments.as_deref().unwrap_or_default();
        failure.is_of_the_credential() && self.seeker(job, tried).has_another(deployments)
    }

    fn seeker<'a>(&'a self, job: &Job, tried: &'a [ModelId]) -> Seeker<'a> {
        Seeker {
            cooldowns: &self.shared_state.cooldowns,
            caller: job.intent.caller(),
            session: session(job.context.session_id, &job.intent.request),
            tried,
            takes_probes: false,
        }
    }

    /// Calls a candidate, at most twice.
    pub(super) async fn attempt(
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
        let (secrets, refused) = (&SecretSearch::of(&endpoint, &model.provider), known);
        let call = OneCall { job, candidate, share, request, target, secrets, refused, time_budget, so_far };
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
        let OneCall { job, candidate, share, request, target, secrets, refused, time_budget, so_far } = call;
        let model = &candidate.model;
        let adapted = adapted(request, candidate, refused, share).await;
        let asks_for_several = !adapted.changes.iter().any(|change| change == "dropped:n");
        let choices = request.choices(asks_for_several);
        // The first call takes this body; another one is rarely needed.
        let body = Cell::new(Some(adapted.body));
        let url = target.url_for(request, model);
        let message = || {
            let mut headers = target.headers_of(request, token);
            let again = || adapt::adapt(request, model, candidate.primary, refused).body;
            let body = held_by(share, body.take().unwrap_or_else(again), job.intent.request.sent());
            target.sign("POST", &url, &mut headers, &body, self.clock.now());
            (headers, body)
        };
        let calibration = || self.shared_state.calibrations.of(model.id, job.intent.caller());
        let prompt = |size: &TextSize| calibration().prompt(size);
        let call = Call {
            model,
            target: &url,
            dialect: request.dialect,
            expectation: Expectation::of(request, choices),
            relaying: Relaying::of(request),
            translation: AnswerTranslation::between(
                &job.intent.request,
                request,
                model.provider.preset.signer(),
                prompt,
            ),
            mark: request.mark_of(model),
            secrets: secrets.clone(),
            message: &message,
            stream: request.stream,
            include_usage: request.include_usage,
            choices,
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
    /// Finds the secrets of the provider in what it sends.
    secrets: &'a SecretSearch,
    /// The parameters that are left out.
    refused: Parameters,
    time_budget: Duration,
    so_far: &'a SoFar,
}

/// What is known of the body that a candidate's provider got.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// How it differs from the caller's request.
    pub changes: Adaptation,
    /// What it asks for that has a price of its own.
    pub asked: Asked,
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
