//! What one call says about its model and its provider: cooldown, health and habits hear of it here, and only here.
//!
//! Only a failure of the model goes to cooldown and health: one that its request caused changes nothing, and a call that ends
//! without a word (its caller went away) gives back the probe that it may have been.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use entity::ids::OrganizationId;

use super::budget::Spending;
use super::cooldown::Cooldowns;
use crate::domain::class_policy::CooldownEffect;
use crate::domain::failure::{Blame, Failure, ModelFailure};
use crate::gateway::call::attempt::classify_and_redact;
use crate::gateway::call::classify::Fault;
use crate::gateway::routing::provider_health::Health;
use crate::gateway::usage::calibration::{TokenCalibration, TokenCalibrations};
use crate::providers::Sentences;
use crate::store::snapshot::ModelEntry;

/// What every call tells its news to.
#[derive(Debug)]
pub struct SharedState {
    /// Which models are left alone.
    pub cooldowns: Cooldowns,
    /// Which providers accept our credentials.
    pub health: Health,
    /// How models count.
    pub calibrations: TokenCalibrations,
    /// What budgets have spent.
    pub spending: Spending,
    /// What providers' sentences mean, as of the operator's file.
    pub sentences: ArcSwap<Sentences>,
}

/// One call of one model.
#[derive(Debug)]
pub struct CallFeedback {
    shared_state: Arc<SharedState>,
    /// A drill must leave no trace in what real requests go by.
    drill: bool,
    organization_id: OrganizationId,
    model: Arc<ModelEntry>,
    called_at: Duration,
    /// Whether the call has said something.
    reported: AtomicBool,
}

impl CallFeedback {
    /// A call that is about to be made.
    #[must_use]
    pub fn new(
        shared_state: &Arc<SharedState>,
        organization_id: OrganizationId,
        model: &Arc<ModelEntry>,
        drill: bool,
    ) -> Self {
        Self {
            shared_state: shared_state.clone(),
            drill,
            organization_id,
            model: model.clone(),
            called_at: shared_state.cooldowns.now(),
            reported: AtomicBool::new(false),
        }
    }

    /// The model that is called.
    #[must_use]
    pub fn model(&self) -> &Arc<ModelEntry> {
        &self.model
    }

    /// How the model counts; in a drill, nothing that was learned or is to be.
    #[must_use]
    pub fn calibration(&self) -> Arc<TokenCalibration> {
        if self.drill { Arc::default() } else { self.shared_state.calibrations.of(self.model.id) }
    }

    /// What a fault of the call means.
    #[must_use]
    pub fn classify(&self, fault: Fault) -> Failure {
        let now = self.shared_state.cooldowns.date();
        classify_and_redact(fault, &self.model.provider, &self.shared_state.sentences.load(), now)
    }

    /// The call failed, or its stream broke. `request` is a number that tells different requests apart; it is asked
    /// for only where that matters.
    pub fn failed(&self, failure: &Failure, request: impl FnOnce() -> u64) {
        let Some(shared_state) = self.report() else { return };
        let cooldowns = &shared_state.cooldowns;
        match failure.blame() {
            Blame::Request if failure.class.policy().cooldown == CooldownEffect::None => {
                cooldowns.refused(&self.model, self.called_at);
            }
            Blame::Request => cooldowns.undecided(&self.model, self.called_at),
            Blame::Model(failure) => self.report_model_failure(shared_state, failure),
            Blame::Open(failure) => match cooldowns.suspected(&self.model, failure, request()) {
                Some(failure) => self.report_model_failure(shared_state, failure),
                None => cooldowns.undecided(&self.model, self.called_at),
            },
        }
    }

    fn report_model_failure(&self, shared_state: &SharedState, failure: ModelFailure<'_>) {
        shared_state.cooldowns.failed(&self.model, failure, self.called_at);
        shared_state.health.failed(self.organization_id, &self.model.provider, failure);
    }

    /// Its stream has begun.
    pub fn began(&self) {
        if let Some(shared_state) = self.report() {
            shared_state.cooldowns.began(&self.model, self.called_at);
            shared_state.health.answered(self.organization_id, &self.model.provider);
        }
    }

    /// Its answer is whole.
    pub fn answered(&self) {
        if let Some(shared_state) = self.report() {
            shared_state.cooldowns.answered(&self.model, self.called_at);
            shared_state.health.answered(self.organization_id, &self.model.provider);
        }
    }

    /// Those that hear of it; none in a drill.
    fn report(&self) -> Option<&Arc<SharedState>> {
        self.reported.store(true, Ordering::Relaxed);
        (!self.drill).then_some(&self.shared_state)
    }
}

/// The same call, which says for itself what it says.
impl Clone for CallFeedback {
    fn clone(&self) -> Self {
        Self {
            shared_state: self.shared_state.clone(),
            drill: self.drill,
            organization_id: self.organization_id,
            model: self.model.clone(),
            called_at: self.called_at,
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
