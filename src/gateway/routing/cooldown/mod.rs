//! What recent failures say about a model: leave it alone for a while, then let one request find out.
//!
//! Per organization and model, in this process alone: a hint that may be lost. It says nothing about what a failure
//! means: [`classify`](crate::gateway::call::classify) does.

mod state;
#[cfg(test)]
mod tests;

use crate::domain::class_policy::CooldownEffect;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::ids::ModelId;

use crate::domain::clock::Clock;
use crate::domain::failure::{Failure, ModelFailure, OpenFailure};
use crate::store::snapshot::ModelEntry;
use state::{Limit, State};

/// The longest window that counted failures open before the model is tried again.
pub const LONGEST: Duration = Duration::from_secs(300);
/// How a model is, as far as this process knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CooldownState {
    /// Nothing speaks against it.
    Closed,
    /// It is left alone.
    Open(OpenCooldown),
}

/// A model that is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCooldown {
    /// How much longer; zero once the time is over and one request may find out.
    pub remaining: Duration,
    /// What opened the cooldown.
    pub failure: Arc<Failure>,
    /// Whether this window's one probe is still to be had.
    pub probe_free: bool,
    /// Whether the provider itself has said when it ends.
    pub by_provider: bool,
}

/// The models of all organizations that have failed in this process.
#[derive(Debug)]
pub struct Cooldowns {
    clock: Clock,
    enabled: bool,
    models: papaya::HashMap<ModelId, Arc<Mutex<State>>>,
}

impl Cooldowns {
    /// Cooldowns that read this clock; switched off, every model is always cool.
    #[must_use]
    pub fn new(clock: Clock, enabled: bool) -> Self {
        Self { clock, enabled, models: papaya::HashMap::new() }
    }

    /// The time that calls are told apart by.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// The date, for providers that name one.
    #[must_use]
    pub fn date(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// How the model is now.
    #[must_use]
    pub fn state(&self, model: &ModelEntry) -> CooldownState {
        let now = self.now();
        self.known(model, |state| state.open_cooldown(now))
            .flatten()
            .map_or(CooldownState::Closed, CooldownState::Open)
    }

    /// Takes this window's one probe; false if another request has it.
    #[must_use]
    pub fn claim_probe(&self, model: &ModelEntry) -> bool {
        let now = self.now();
        self.known(model, |state| state.claim_probe(now)).unwrap_or(true)
    }

    /// An answer has begun that was asked for at `called_at`: the model works.
    pub fn began(&self, model: &ModelEntry, called_at: Duration) {
        self.known(model, |state| state.works(called_at));
    }

    /// An answer has come to its end: whatever was held against the model is forgotten.
    pub fn answered(&self, model: &ModelEntry, called_at: Duration) {
        let now = self.now();
        self.known(model, |state| state.answered(now, called_at));
    }

    /// A call that was made at `called_at` failed, and the model is the reason.
    pub fn failed(&self, model: &ModelEntry, failure: ModelFailure<'_>, called_at: Duration) {
        let (now, failure) = (self.now(), failure.failure());
        match failure.class.policy().cooldown {
            CooldownEffect::None => {}
            CooldownEffect::Counts => self.fail(model, |state| state.counted(now, called_at, failure)),
            CooldownEffect::Cools(window) => {
                let limit = Limit { reset: None, first: window, longest: window };
                self.fail(model, |state| state.cool(now, called_at, limit, failure));
            }
            CooldownEffect::Limited { first, longest } => {
                let limit = Limit { reset: failure.retry_after, first, longest };
                self.fail(model, |state| state.cool(now, called_at, limit, failure));
            }
        }
    }

    /// A call failed, and the answer leaves open what the reason is. It is the model once several different requests
    /// in a row have met such a failure; `request` is a number that tells requests apart.
    #[must_use]
    pub fn suspected<'a>(
        &self,
        model: &ModelEntry,
        failure: OpenFailure<'a>,
        request: u64,
    ) -> Option<ModelFailure<'a>> {
        let mut enough = false;
        self.fail(model, |state| enough = state.suspected(request));
        enough.then(|| failure.confirmed())
    }

    /// A call that was made at `called_at` has found out nothing about the model: the request itself is the reason
    /// for its end, or its caller went away. Had it been the probe, the next request may be.
    pub fn undecided(&self, model: &ModelEntry, called_at: Duration) {
        let now = self.now();
        self.known(model, |state| state.give_back_probe(now, called_at));
    }

    /// The provider has found fault with the request that was made at `called_at`, so it is there. That opens and ends
    /// no window: many find fault before they look at their limits.
    pub fn refused(&self, model: &ModelEntry, called_at: Duration) {
        let now = self.now();
        self.known(model, |state| state.refused(now, called_at));
    }

    /// How many models are left alone right now.
    #[must_use]
    pub fn open_count(&self) -> usize {
        let now = self.now();
        let models = self.models.pin();
        let open = |state: &&Arc<Mutex<State>>| {
            let state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.open_cooldown(now).is_some_and(|cooldown| !cooldown.remaining.is_zero())
        };
        models.values().filter(open).count()
    }

    /// Looks at what is held against the model. A model that was changed since is another one.
    fn known<T>(&self, model: &ModelEntry, look: impl FnOnce(&mut State) -> T) -> Option<T> {
        let models = self.models.pin();
        let mut state = models.get(&model.id)?.lock().unwrap_or_else(PoisonError::into_inner);
        (state.version == model.version()).then(|| look(&mut state))
    }

    fn fail(&self, model: &ModelEntry, change: impl FnOnce(&mut State)) {
        if !self.enabled {
            return;
        }
        let version = model.version();
        let models = self.models.pin();
        let state = models.get_or_insert_with(model.id, || Arc::new(Mutex::new(State::new(version))));
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.version != version {
            *state = State::new(version);
        }
        change(&mut state);
    }
}
