//! Cooldowns: after failures, a model is not called for a while; then one request probes it (a circuit breaker).
//!
//! Kept for each model, or each of its deployments, in this process only, and lost when it ends. [`classify`](crate::gateway::call::classify)
//! decides what a failure means.

mod callers;
mod own_limits;
mod probes;
mod recent;
mod state;
#[cfg(test)]
mod tests;

use crate::domain::failure::class_policy::CooldownEffect;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::ids::ModelId;

use crate::domain::IdMap;
use crate::domain::clock::Clock;
use crate::domain::failure::evidence::Source;
use crate::domain::failure::{Failure, ModelFailure, OpenFailure};
use crate::store::snapshot::ModelEntry;
use callers::Callers;
use state::{FIRST, Limit, Seen, State, Witness};

/// The longest cooldown that counted failures start.
pub const LONGEST: Duration = Duration::from_secs(300);

/// How long sessions stay away from a deployment after its cooldown: as long as the first cooldown, so that one that fails
/// again soon does not cost them their provider's cache twice.
const SETTLES: Duration = FIRST;

/// The cooldown of a model, as far as this process knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CooldownState {
    /// The model can be called.
    Closed,
    /// The model is in cooldown.
    Open(OpenCooldown),
    /// The cooldown's time has passed; the next request probes the model.
    HalfOpen(OpenCooldown),
}

impl CooldownState {
    /// Without a cooldown it is closed; without remaining time half open.
    #[must_use]
    pub fn of(cooldown: Option<OpenCooldown>) -> Self {
        match cooldown {
            None => Self::Closed,
            Some(cooldown) if cooldown.remaining.is_zero() => Self::HalfOpen(cooldown),
            Some(cooldown) => Self::Open(cooldown),
        }
    }

    /// The cooldown that is open or half open.
    #[must_use]
    pub fn cooldown(&self) -> Option<&OpenCooldown> {
        match self {
            Self::Closed => None,
            Self::Open(cooldown) | Self::HalfOpen(cooldown) => Some(cooldown),
        }
    }

    /// The cooldown that is open or half open, by value.
    #[must_use]
    pub fn into_cooldown(self) -> Option<OpenCooldown> {
        match self {
            Self::Closed => None,
            Self::Open(cooldown) | Self::HalfOpen(cooldown) => Some(cooldown),
        }
    }
}

/// The cooldown of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCooldown {
    /// The remaining time; zero if it is half open.
    pub remaining: Duration,
    /// The failure that started the cooldown.
    pub failure: Arc<Failure>,
    /// Whether the probe of this cooldown is not taken yet.
    pub probe_free: bool,
    /// Whether the provider said when the cooldown ends.
    pub by_provider: bool,
}

/// The cooldowns of all models that have failed in this process.
#[derive(Debug)]
pub struct Cooldowns {
    clock: Clock,
    enabled: bool,
    models: IdMap<ModelId, Arc<Mutex<State>>>,
    /// The callers that models answered last.
    callers: IdMap<ModelId, Arc<Callers>>,
    /// When deployments were last seen in cooldown.
    seen_away: IdMap<ModelId, Duration>,
}

impl Cooldowns {
    /// Creates cooldowns. If `enabled` is false, no model is ever in cooldown.
    #[must_use]
    pub fn new(clock: Clock, enabled: bool) -> Self {
        Self {
            clock,
            enabled,
            models: IdMap::default(),
            callers: IdMap::default(),
            seen_away: IdMap::default(),
        }
    }

    /// The monotonic time, for `called_at`.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// The current date, for providers that send dates.
    #[must_use]
    pub fn date(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The cooldown state of a model: with several deployments, that of the one that can be called first.
    #[must_use]
    pub fn state(&self, model: &ModelEntry) -> CooldownState {
        self.state_of(model, None)
    }

    /// The cooldown state of a model for a caller: another one that failed alone does not close it.
    #[must_use]
    pub fn state_for(&self, model: &ModelEntry, caller: u64) -> CooldownState {
        self.state_of(model, Some(caller))
    }

    fn state_of(&self, model: &ModelEntry, caller: Option<u64>) -> CooldownState {
        let Some(deployments) = &model.deployments else { return self.own_state(model, caller) };
        let states = deployments.iter().map(|deployment| self.own_state(deployment, caller));
        let until = |state: &CooldownState| {
            state.cooldown().map(|cooldown| (cooldown.remaining, !cooldown.probe_free))
        };
        states.min_by_key(until).unwrap_or(CooldownState::Closed)
    }

    fn own_state(&self, model: &ModelEntry, caller: Option<u64>) -> CooldownState {
        let now = self.now();
        CooldownState::of(self.known(model, |state| state.open_cooldown(now, caller)).flatten())
    }

    /// Whether one of several deployments, which is in this state now, was last seen in cooldown a while ago. Sessions come
    /// back to it then.
    #[must_use]
    pub fn is_settled(&self, deployment: &ModelEntry, state: &CooldownState) -> bool {
        let (id, now) = (deployment.cooldown_id(), self.now());
        let seen_away = self.seen_away.pin();
        if *state != CooldownState::Closed {
            seen_away.insert(id, now);
            return false;
        }
        let settled = seen_away.get(&id).is_none_or(|seen| now >= *seen + SETTLES);
        if settled {
            seen_away.remove(&id);
        }
        settled
    }

    /// Takes the probe of a model or deployment in cooldown. Returns false if another request has it.
    #[must_use]
    pub fn claim_probe(&self, model: &ModelEntry, caller: u64) -> bool {
        let now = self.now();
        self.known(model, |state| state.claim_probe(now, caller)).unwrap_or(true)
    }

    /// A request of this caller passed over the model, because it is in cooldown. If the probe of another caller is running,
    /// the next request of this one need not wait for it.
    pub fn passed_over(&self, model: &ModelEntry, caller: u64) {
        for deployment in model.each_deployment() {
            self.known(deployment, |state| state.passed_over(caller));
        }
    }

    /// Ends the cooldown, because the answer to a call made at `called_at` has begun.
    pub fn began(&self, model: &ModelEntry, called_at: Duration, caller: u64) {
        self.note_answer(model, caller);
        self.known(model, |state| state.works(called_at, caller));
    }

    /// Ends the cooldown and forgets earlier failures, because an answer is complete.
    pub fn answered(&self, model: &ModelEntry, called_at: Duration, caller: u64) {
        let now = self.now();
        self.note_answer(model, caller);
        self.known(model, |state| state.answered(now, called_at, caller));
    }

    /// Counts a failure of the model, of a call made at `called_at`. `repeated` says that an earlier call of the same
    /// request was counted.
    pub fn failed(&self, model: &ModelEntry, failure: ModelFailure<'_>, called_at: Duration, repeated: bool) {
        // A wrong limit must cost other callers no more than a late one.
        let of_one_caller = failure.is_of_one_caller();
        let farthest = if of_one_caller { FIRST } else { Duration::MAX };
        let (now, failure) = (self.now(), failure.failure());
        let limit = match failure.class.policy().cooldown {
            CooldownEffect::None => return,
            CooldownEffect::Counts => {
                let answers = |caller| self.answers_others(model, caller);
                let seen = Seen { source: None, repeated };
                return self.fail(model, |state| state.counted(now, called_at, failure, seen, answers));
            }
            CooldownEffect::Cools(window) => {
                let window = window.min(farthest);
                Limit { reset: None, first: window, longest: window, of_one_caller }
            }
            CooldownEffect::Limited { first, longest } => {
                let reset = failure.retry_after.map(|reset| reset.min(farthest));
                Limit { reset, first: first.min(farthest), longest: longest.min(farthest), of_one_caller }
            }
        };
        self.fail(model, |state| state.cool(now, called_at, limit, failure));
    }

    /// Counts a failure of the model or of the request, as evidence: see [`Evidence`](crate::domain::failure::evidence::Evidence).
    /// As long as the model answers other callers, those of one caller alone do not count, nor do for a while those of its
    /// requests that bring what may have failed.
    pub fn failed_openly(
        &self,
        model: &ModelEntry,
        failure: OpenFailure<'_>,
        called_at: Duration,
        repeated: bool,
        source: Source,
    ) {
        let answers = |caller| self.answers_others(model, caller);
        let seen = Seen { source: Some(source), repeated };
        let now = self.now();
        self.fail(model, |state| state.counted(now, called_at, failure.failure(), seen, answers));
    }

    /// Notes a limit or refusal with an unclear cause. Returns it as a failure of the model once several different requests
    /// in a row had one, of two callers if the model answers others. `alone` says whether the organization has no other caller.
    #[must_use]
    pub fn suspected<'a>(
        &self,
        model: &ModelEntry,
        failure: OpenFailure<'a>,
        source: Source,
        alone: bool,
    ) -> Option<ModelFailure<'a>> {
        let answers = |caller| self.answers_others(model, caller);
        let (now, mut witness) = (self.now(), None);
        self.fail(model, |state| witness = state.suspected(now, source, alone, answers));
        witness.map(|witness| match witness {
            Witness::OneCaller => failure.confirmed_by_one(),
            Witness::AllCallers => failure.confirmed(),
        })
    }

    /// Counts a limit that the request may have reached by itself. It keeps its caller from the model, for 30 s at most, until
    /// another caller meets one: then its end is believed, however far.
    pub fn limited(&self, model: &ModelEntry, failure: OpenFailure<'_>, called_at: Duration, caller: u64) {
        let (now, limit) = (self.now(), failure.failure());
        let length = match limit.class.policy().cooldown {
            CooldownEffect::Limited { first, .. } => limit.retry_after.unwrap_or(first).min(FIRST),
            CooldownEffect::None | CooldownEffect::Counts | CooldownEffect::Cools(_) => return,
        };
        let mut met_by_others = false;
        self.fail(model, |state| {
            met_by_others = state.limited(now, called_at, (caller, length), limit);
        });
        if met_by_others {
            self.failed(model, failure.confirmed(), called_at, false);
        }
    }

    /// A call made at `called_at` ended without saying anything about the model: the request caused the failure, or
    /// the caller disconnected. If the call was the probe, the probe is free again.
    pub fn undecided(&self, model: &ModelEntry, called_at: Duration) {
        let now = self.now();
        self.known(model, |state| state.give_back_probe(now, called_at));
    }

    /// The provider rejected the request made at `called_at`, so it is reachable. That neither starts nor ends a
    /// cooldown, because many providers validate requests before they check limits.
    pub fn refused(&self, model: &ModelEntry, called_at: Duration) {
        let now = self.now();
        self.known(model, |state| state.refused(now, called_at));
    }

    /// The number of models and deployments in cooldown.
    #[must_use]
    pub fn open_count(&self) -> usize {
        let now = self.now();
        let models = self.models.pin();
        let open = |state: &&Arc<Mutex<State>>| {
            let state = state.lock().unwrap_or_else(PoisonError::into_inner);
            matches!(CooldownState::of(state.open_cooldown(now, None)), CooldownState::Open(_))
        };
        models.values().filter(open).count()
    }

    /// Notes that the model answered a caller.
    fn note_answer(&self, model: &ModelEntry, caller: u64) {
        if self.enabled {
            self.callers.pin().get_or_insert_with(model.cooldown_id(), Arc::default).note(caller, self.now());
        }
    }

    /// Whether the model answered another caller lately.
    fn answers_others(&self, model: &ModelEntry, caller: u64) -> bool {
        self.callers.pin().get(&model.cooldown_id()).is_some_and(|callers| callers.others(caller, self.now()))
    }

    /// Reads the state of a model, if it was not changed since.
    fn known<T>(&self, model: &ModelEntry, look: impl FnOnce(&mut State) -> T) -> Option<T> {
        let models = self.models.pin();
        let mut state = models.get(&model.cooldown_id())?.lock().unwrap_or_else(PoisonError::into_inner);
        (state.version == model.version()).then(|| look(&mut state))
    }

    fn fail(&self, model: &ModelEntry, change: impl FnOnce(&mut State)) {
        if !self.enabled {
            return;
        }
        let version = model.version();
        let models = self.models.pin();
        let state =
            models.get_or_insert_with(model.cooldown_id(), || Arc::new(Mutex::new(State::new(version))));
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.version != version {
            *state = State::new(version);
        }
        change(&mut state);
    }
}
