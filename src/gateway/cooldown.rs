//! What recent failures say about a model: leave it alone for a while, then let one request find out.
//!
//! Per organization and model, in this process alone: a hint that may be lost. It says nothing about what a failure
//! means; that is [`classify`](super::classify)'s. Imports `clock` and the store's snapshot.

mod state;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entity::ids::ModelId;

use super::classify::{ErrorClass, Failure};
use crate::clock::Clock;
use crate::store::snapshot::ModelEntry;
use state::State;

/// The longest that a model is left alone before it is tried again.
pub const LONGEST: Duration = Duration::from_secs(300);
/// A rate limit that names no time.
const RATE_LIMIT: Duration = Duration::from_secs(5);
/// What only a person can mend.
const FOR_PEOPLE: Duration = Duration::from_secs(60);

/// How a model is, as far as this process knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heat {
    /// Nothing speaks against it.
    Cool,
    /// It is left alone.
    Cooling(Cooling),
}

/// A model that is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cooling {
    /// How much longer; zero once the time is over and one request may find out.
    pub left: Duration,
    /// What opened the cooldown.
    pub failure: Arc<Failure>,
    /// Whether this window's one probe is still to be had.
    pub probe_free: bool,
}

/// What a failure does to the model that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the model is well, and has said so.
    None,
    /// Enough of these, and the model is left alone.
    Counts,
    /// The model is left alone at once, for so long; a shorter or longer `Retry-After` of a rate limit wins.
    Cools(Duration),
}

/// What a failure of this class does to the model.
#[must_use]
pub fn effect(class: ErrorClass) -> Effect {
    match class {
        ErrorClass::RateLimited => Effect::Cools(RATE_LIMIT),
        ErrorClass::QuotaExhausted | ErrorClass::Authentication | ErrorClass::ModelNotFound => {
            Effect::Cools(FOR_PEOPLE)
        }
        ErrorClass::Overloaded
        | ErrorClass::Unavailable
        | ErrorClass::Timeout
        | ErrorClass::InvalidResponse
        | ErrorClass::StreamInterrupted => Effect::Counts,
        ErrorClass::ContextWindowExceeded
        | ErrorClass::ContentPolicy
        | ErrorClass::InvalidRequest
        | ErrorClass::Cooldown
        | ErrorClass::Disabled
        | ErrorClass::NotAllowed
        | ErrorClass::OverBudget
        | ErrorClass::Deadline
        | ErrorClass::TooLarge
        | ErrorClass::LacksCapability => Effect::None,
    }
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

    /// How the model is now.
    #[must_use]
    pub fn heat(&self, model: &ModelEntry) -> Heat {
        let now = self.now();
        self.known(model, |state| state.heat(now)).flatten().map_or(Heat::Cool, Heat::Cooling)
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

    /// A call that was made at `called_at` failed.
    pub fn failed(&self, model: &ModelEntry, failure: &Failure, called_at: Duration) {
        let now = self.now();
        match effect(failure.class) {
            // It has found fault with the request, so it is there.
            Effect::None => self.answered(model, called_at),
            Effect::Counts => self.fail(model, |state| state.counted(now, called_at, failure)),
            Effect::Cools(window) => {
                let asked = failure.retry_after.filter(|_| failure.class == ErrorClass::RateLimited);
                let window = asked.unwrap_or(window).min(LONGEST);
                self.fail(model, |state| state.cool(now, window, failure));
            }
        }
    }

    /// How many models are left alone right now.
    #[must_use]
    pub fn open_count(&self) -> usize {
        let now = self.now();
        let models = self.models.pin();
        let open = |state: &&Arc<Mutex<State>>| {
            let state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.heat(now).is_some_and(|cooling| !cooling.left.is_zero())
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
