//! Reports the outcome of one call to the shared state: cooldowns and provider health.
//!
//! Only failures of the model count. A failure that the request caused changes nothing, and a call that ends without
//! a report (its caller disconnected) gives back the probe that it may have been.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use entity::ids::OrganizationId;

use super::budget::Spending;
use super::cooldown::Cooldowns;
use super::headroom::CallLimits;
use crate::domain::failure::class_policy::CooldownEffect;
use crate::domain::failure::evidence::Source;
use crate::domain::failure::{Blame, Failure, ModelFailure};
use crate::gateway::call::classify::Fault;
use crate::gateway::call::classify_and_redact::Classifier;
use crate::gateway::call::endpoint::Endpoints;
use crate::gateway::call::redact::request_text::KeptPrompt;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::routing::provider_health::Health;
use crate::gateway::usage::calibration::{TokenCalibration, TokenCalibrations};
use crate::providers::Sentences;
use crate::store::snapshot::ModelEntry;

/// The state that all requests of this process share.
#[derive(Debug)]
pub struct SharedState {
    /// The models in cooldown.
    pub cooldowns: Cooldowns,
    /// URLs and headers of providers, built once for each provider.
    pub endpoints: Endpoints,
    /// Whether providers accept their credentials.
    pub health: Health,
    /// The token calibrations of models.
    pub calibrations: TokenCalibrations,
    /// The spending of budgets.
    pub spending: Spending,
    /// The limits of calls.
    pub call_limits: Arc<CallLimits>,
    /// The error sentences of the operator's file, with their meanings.
    pub sentences: ArcSwap<Sentences>,
}

/// What is needed of a request if its stream breaks.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// The fingerprint of the request.
    pub(in crate::gateway) fingerprint: u64,
    /// The prompt, which an error may repeat.
    pub(in crate::gateway) prompt: KeptPrompt,
}

/// The feedback of one call of a model.
#[derive(Debug)]
pub struct CallFeedback {
    shared_state: Arc<SharedState>,
    /// Whether the request is a drill, which must not change shared state.
    drill: bool,
    organization_id: OrganizationId,
    model: Arc<ModelEntry>,
    /// What is remembered of the request of a stream.
    remembered: Option<Remembered>,
    /// A hash of the caller's API key.
    caller: u64,
    /// Whether the organization has no other key.
    alone: bool,
    called_at: Duration,
    /// Whether an earlier call of the same request failed and was counted.
    repeated: bool,
    /// Whether the outcome was reported.
    reported: AtomicBool,
}

impl CallFeedback {
    /// Creates the feedback of a call that is about to start.
    #[must_use]
    pub fn new(
        shared_state: &Arc<SharedState>,
        organization_id: OrganizationId,
        model: &Arc<ModelEntry>,
        caller: u64,
        drill: bool,
    ) -> Self {
        Self {
            shared_state: shared_state.clone(),
            drill,
            organization_id,
            model: model.clone(),
            remembered: None,
            caller,
            alone: false,
            called_at: shared_state.cooldowns.now(),
            repeated: false,
            reported: AtomicBool::new(false),
        }
    }

    /// Says whether an earlier call of the same request to this model was counted.
    #[must_use]
    pub fn repeated(mut self, repeated: bool) -> Self {
        self.repeated = repeated;
        self
    }

    /// Says whether the organization has no other key than the caller's.
    #[must_use]
    pub fn alone(mut self, alone: bool) -> Self {
        self.alone = alone;
        self
    }

    /// The model of the call.
    #[must_use]
    pub fn model(&self) -> &Arc<ModelEntry> {
        &self.model
    }

    /// Remembers what is needed of the request if its stream breaks, because the request is dropped while it goes on.
    #[must_use]
    pub fn remember(mut self, remembered: Remembered) -> Self {
        self.remembered = Some(remembered);
        self
    }

    /// Reports that the stream broke, with the remembered fingerprint.
    pub fn interrupted(&self, failure: &Failure) {
        let request = self.remembered.as_ref().map_or(0, |remembered| remembered.fingerprint);
        // What the request brings was read before the answer began.
        self.failed(failure, || Source { request, caller: self.caller, plain: true });
    }

    /// The token calibration of the model for the caller; an empty one in a drill.
    #[must_use]
    pub fn calibration(&self) -> TokenCalibration {
        if self.drill {
            return TokenCalibration::default();
        }
        self.shared_state.calibrations.of(self.model.id, self.caller)
    }

    /// Classifies a fault of a call of this request, and hides what an error repeats of its prompt.
    #[must_use]
    pub fn classify_of(&self, fault: &Fault, request: &ChatRequest) -> Failure {
        self.classified(|classifier| classifier.classify_of(fault, request, &self.model.upstream_model))
    }

    /// Classifies the break of the stream, and hides what an error repeats of the remembered prompt.
    #[must_use]
    pub fn classify_break(&self, fault: &Fault) -> Failure {
        let prompt = self.remembered.as_ref().map(|remembered| &remembered.prompt);
        self.classified(|classifier| classifier.classify_break(fault, prompt))
    }

    fn classified(&self, classify: impl FnOnce(&Classifier<'_>) -> Failure) -> Failure {
        let SharedState { endpoints, sentences, cooldowns, .. } = &*self.shared_state;
        let sentences = &sentences.load();
        let provider = &self.model.provider;
        classify(&Classifier { provider, endpoints, sentences, now: cooldowns.date() })
    }

    /// Reports that the call failed. `source` is called only if the request may have caused the failure. Returns whether
    /// the failure counts toward a cooldown.
    pub fn failed(&self, failure: &Failure, source: impl FnOnce() -> Source) -> bool {
        let Some(shared_state) = self.report() else { return false };
        let cooldowns = &shared_state.cooldowns;
        match failure.blame() {
            Blame::Request if failure.class.policy().cooldown == CooldownEffect::None => {
                cooldowns.refused(&self.model, self.called_at);
            }
            Blame::Request => cooldowns.undecided(&self.model, self.called_at),
            Blame::Model(failure) => return self.report_model_failure(shared_state, failure),
            Blame::Open(failure) if failure.failure().class.policy().cooldown == CooldownEffect::Counts => {
                cooldowns.failed_openly(&self.model, failure, self.called_at, self.repeated, source());
                return true;
            }
            Blame::Open(failure) => match cooldowns.suspected(&self.model, failure, source(), self.alone) {
                Some(failure) => return self.report_model_failure(shared_state, failure),
                None => cooldowns.undecided(&self.model, self.called_at),
            },
            Blame::UnclearLimit(failure) => {
                cooldowns.limited(&self.model, failure, self.called_at, self.caller);
            }
        }
        false
    }

    fn report_model_failure(&self, shared_state: &SharedState, failure: ModelFailure<'_>) -> bool {
        shared_state.cooldowns.failed(&self.model, failure, self.called_at, self.repeated);
        shared_state.health.failed(self.organization_id, &self.model.provider, failure);
        failure.failure().class.policy().cooldown == CooldownEffect::Counts
    }

    /// Reports that the stream has begun.
    pub fn began(&self) {
        if let Some(shared_state) = self.report() {
            shared_state.cooldowns.began(&self.model, self.called_at, self.caller);
            shared_state.health.answered(self.organization_id, &self.model.provider);
        }
    }

    /// Reports that the answer is complete.
    pub fn answered(&self) {
        if let Some(shared_state) = self.report() {
            shared_state.cooldowns.answered(&self.model, self.called_at, self.caller);
            shared_state.health.answered(self.organization_id, &self.model.provider);
        }
    }

    /// Marks the outcome as reported. Returns the state to update; `None` in a drill.
    fn report(&self) -> Option<&Arc<SharedState>> {
        self.reported.store(true, Ordering::Relaxed);
        (!self.drill).then_some(&self.shared_state)
    }
}

/// A clone reports its own outcome.
impl Clone for CallFeedback {
    fn clone(&self) -> Self {
        Self {
            shared_state: self.shared_state.clone(),
            drill: self.drill,
            organization_id: self.organization_id,
            model: self.model.clone(),
            remembered: self.remembered.clone(),
            caller: self.caller,
            alone: self.alone,
            called_at: self.called_at,
            repeated: self.repeated,
            reported: AtomicBool::new(false),
        }
    }
}

impl Drop for CallFeedback {
    fn drop(&mut self) {
        if !*self.reported.get_mut() && !self.drill {
            self.shared_state.cooldowns.undecided(&self.model, self.called_at);
        }
    }
}
