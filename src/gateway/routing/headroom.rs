//! The limits of one call: those of the organization and of its key, of the model inside either, and of the account at the
//! provider.
//!
//! A request takes the headroom of a candidate before the call, in place of that of the candidate before it. Its tokens are
//! an estimate, which is settled when the request ends. What this process has too little of is fetched before the plan goes
//! on, so that no decision waits.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entity::ids::ModelId;

use crate::domain::IdMap;
use crate::domain::routing_info::LimitStatus;
use crate::limits::leases::counter::{Counter, Measure, Owner, measured};
use crate::limits::leases::{Attempt, Lacking, Leases, ROUNDS, Refused, Taken, Want};
use crate::store::snapshot::{ApiKeyEntry, ModelEntry, OrganizationSnapshot};
use crate::store::{Limits, ModelLimits};

/// The most models with a known habit. Above it all are dropped, which only happens with very many models.
const MOST_MODELS: usize = 50_000;
/// The part of a new answer in the habit of a model.
const NEW: i64 = 8;
/// The tokens of an answer of a model that has not answered yet, if the request states no limit.
const UNKNOWN_HABIT: i64 = 1_024;

/// What the calls of all requests take their headroom from.
#[derive(Debug)]
pub struct CallLimits {
    leases: Leases,
    /// The usual tokens of the answers of each model.
    habits: IdMap<ModelId, AtomicI64>,
}

/// The tokens that a call is likely to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenNeed {
    /// The estimated tokens of the prompt.
    pub prompt: i64,
    /// The longest answer that is asked for, or else a usual one.
    pub answer: i64,
}

/// Whether a call has room within the limits.
#[derive(Debug)]
pub enum Room {
    /// It has, and what it needs is taken.
    Taken,
    /// It is not known before more is fetched.
    Lacking,
    /// It has none: a limit is reached.
    None(NoHeadroom),
}

/// The limit that leaves no room for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoHeadroom(pub Refused);

/// The limits of one request, and what it has taken of them. Dropping it ends what counts only as long as it runs.
#[derive(Debug)]
pub struct CallHeadroom {
    limits: Arc<CallLimits>,
    organization: Arc<OrganizationSnapshot>,
    key: Option<Arc<ApiKeyEntry>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: Option<Taken>,
    lacking: Option<Lacking>,
    /// How often more was fetched for the candidate.
    rounds: usize,
    /// The tightest limit of tokens.
    tokens: Option<LimitStatus>,
}

impl CallLimits {
    /// Limits that are counted with these leases.
    #[must_use]
    pub fn new(leases: Leases) -> Self {
        Self { leases, habits: IdMap::default() }
    }

    /// The limits of the calls of a request; `None` if there are none.
    #[must_use]
    pub fn of(
        self: &Arc<Self>,
        organization: &Arc<OrganizationSnapshot>,
        key: Option<&Arc<ApiKeyEntry>>,
    ) -> Option<Arc<CallHeadroom>> {
        let limits_calls = |limits: &Limits, models: &ModelLimits| {
            limits.tokens_per_minute.or(limits.tokens_per_day).is_some() || !models.0.is_empty()
        };
        let settings = &organization.settings;
        let limited = limits_calls(&settings.limits, &settings.model_limits)
            || key.is_some_and(|key| limits_calls(&key.limits, &key.model_limits))
            || organization.limits_providers();
        limited.then(|| {
            Arc::new(CallHeadroom {
                limits: self.clone(),
                organization: organization.clone(),
                key: key.cloned(),
                state: Mutex::default(),
            })
        })
    }

    /// Waits for what a process has too little of.
    pub async fn fetch(&self, lacking: Lacking) {
        self.leases.fetch(lacking).await;
    }

    /// The usual tokens of an answer of the model.
    #[must_use]
    pub fn usual_answer(&self, model: ModelId) -> i64 {
        let known = self.habits.pin().get(&model).map(|habit| habit.load(Ordering::Relaxed));
        known.unwrap_or(UNKNOWN_HABIT)
    }

    /// Notes an answer of the model.
    fn answered(&self, model: ModelId, tokens: i64) {
        let habits = self.habits.pin();
        if habits.len() >= MOST_MODELS {
            habits.clear();
        }
        let habit = habits.get_or_insert_with(model, || AtomicI64::new(tokens));
        let known = habit.load(Ordering::Relaxed);
        habit.store(known + (tokens - known) / NEW, Ordering::Relaxed);
    }
}

impl TokenNeed {
    /// The tokens to take of a limit. A prompt that fits is never refused for the answer that it may get.
    fn within(self, limit: i64) -> i64 {
        self.prompt.saturating_add(self.answer).min(limit).max(self.prompt).max(1)
    }
}

impl CallHeadroom {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The limit that leaves no room for a call, as far as that is known. Takes nothing.
    #[must_use]
    pub fn hindrance(&self, model: &ModelEntry, need: impl FnOnce() -> TokenNeed) -> Option<NoHeadroom> {
        self.limits.leases.hindrance(&self.wants(model, need)).map(NoHeadroom)
    }

    /// Takes what a call of a candidate needs, in place of what the candidate before it has not used.
    pub fn take(&self, model: &ModelEntry, need: impl FnOnce() -> TokenNeed) -> Room {
        let mut state = self.state();
        if let Some(mut earlier) = state.taken.take() {
            earlier.settle(0);
        }
        match self.limits.leases.try_take(&self.wants(model, need)) {
            Attempt::Taken(taken) => {
                state.rounds = 0;
                state.tokens = tightest(&taken);
                state.taken = Some(taken);
                Room::Taken
            }
            Attempt::Refused(refused) => state.refuse(refused),
            Attempt::Lacking(lacking) if state.rounds >= ROUNDS => {
                state.refuse(self.limits.leases.refusal(&lacking))
            }
            Attempt::Lacking(lacking) => {
                state.rounds += 1;
                state.lacking = Some(lacking);
                Room::Lacking
            }
        }
    }

    /// What is to be fetched before the candidate is looked at again.
    #[must_use]
    pub fn lacking(&self) -> Option<Lacking> {
        self.state().lacking.take()
    }

    /// Gives back what was taken for a candidate that is not called.
    pub fn give_back(&self) {
        if let Some(taken) = self.state().taken.take() {
            taken.undo();
        }
    }

    /// Counts a repeated call of the same candidate at its provider. Returns whether that has room for it.
    #[must_use]
    pub fn again(&self, model: &ModelEntry) -> bool {
        let wants: Vec<Want> = of_provider(&self.organization, model)
            .into_iter()
            .filter(|(counter, _)| !counter.measure.counts_tokens())
            .map(|(counter, limit)| Want { counter, limit, units: 1 })
            .collect();
        match self.limits.leases.try_take(&wants) {
            Attempt::Taken(_) => true,
            Attempt::Refused(_) => false,
            Attempt::Lacking(_) => {
                self.limits.leases.charge(&wants);
                true
            }
        }
    }

    /// Counts the tokens that the request has used, in place of those that were taken. `answered` is the model of a complete
    /// answer, and the tokens of that.
    pub fn settle(&self, used: i64, answered: Option<(ModelId, i64)>) {
        if let Some((model, tokens)) = answered {
            self.limits.answered(model, tokens);
        }
        if let Some(mut taken) = self.state().taken.take() {
            taken.settle(used);
            return;
        }
        // The candidate that used them was given up for another one.
        let wants = self.of_owners().into_iter();
        let wants: Vec<Want> = wants.map(|(counter, limit)| Want { counter, limit, units: used }).collect();
        self.limits.leases.charge(&wants);
    }

    /// The tightest limit of tokens.
    #[must_use]
    pub fn tokens(&self) -> Option<LimitStatus> {
        self.state().tokens
    }

    fn wants(&self, model: &ModelEntry, need: impl FnOnce() -> TokenNeed) -> Vec<Want> {
        let mut bounds = self.of_owners();
        bounds.extend(self.of_model(model));
        bounds.extend(of_provider(&self.organization, model));
        let counts_tokens = bounds.iter().any(|(counter, _)| counter.measure.counts_tokens());
        let need = counts_tokens.then(need);
        let want = |(counter, limit): (Counter, i64)| {
            let tokens = need.filter(|_| counter.measure.counts_tokens());
            Want { counter, limit, units: tokens.map_or(1, |need| need.within(limit)) }
        };
        bounds.into_iter().map(want).collect()
    }

    /// The organization and the key, with their limits.
    fn owners(&self) -> impl Iterator<Item = (Owner, &Limits, &ModelLimits)> {
        let settings = &self.organization.settings;
        let organization = (Owner::Organization, &settings.limits, &settings.model_limits);
        let key = self.key.as_ref().map(|key| (Owner::Key(key.id), &key.limits, &key.model_limits));
        [Some(organization), key].into_iter().flatten()
    }

    /// The limits of tokens of all models. Requests were counted when they came.
    fn of_owners(&self) -> Vec<(Counter, i64)> {
        let organization = self.organization.id;
        let of = |(owner, limits, _): (Owner, &Limits, &ModelLimits)| {
            let tokens = measured(limits).into_iter().filter(|(measure, _)| measure.counts_tokens());
            bounds(Counter { organization, owner, model: None, measure: Measure::TokensPerDay }, tokens)
        };
        self.owners().flat_map(of).collect()
    }

    /// The limits of a model inside its owners.
    fn of_model(&self, model: &ModelEntry) -> Vec<(Counter, i64)> {
        let (organization, id) = (self.organization.id, Some(model.id));
        let of = |(owner, _, models): (Owner, &Limits, &ModelLimits)| {
            let limits = measured(&models.of(&model.name)).into_iter();
            bounds(Counter { organization, owner, model: id, measure: Measure::TokensPerDay }, limits)
        };
        self.owners().flat_map(of).collect()
    }
}

impl State {
    fn refuse(&mut self, refused: Refused) -> Room {
        self.rounds = 0;
        if refused.counter.measure.counts_tokens() {
            self.tokens = Some(refused.full.headroom.into());
        }
        Room::None(NoHeadroom(refused))
    }
}

/// The limits of the account at a model's provider.
fn of_provider(organization: &OrganizationSnapshot, model: &ModelEntry) -> Vec<(Counter, i64)> {
    let limits = model.provider.limits;
    let limits = [
        (Measure::RequestsPerMinute, limits.requests_per_minute),
        (Measure::TokensPerMinute, limits.tokens_per_minute),
    ];
    let owner = Owner::Provider(model.provider.id);
    let counter =
        Counter { organization: organization.id, owner, model: None, measure: Measure::TokensPerMinute };
    bounds(counter, limits.into_iter())
}

/// Counters that differ from one in what they count, with the limits that there are.
fn bounds(counter: Counter, limits: impl Iterator<Item = (Measure, Option<i64>)>) -> Vec<(Counter, i64)> {
    limits.filter_map(|(measure, limit)| Some((Counter { measure, ..counter }, limit?))).collect()
}

/// Of the callers' limits of tokens, the one with the least left.
fn tightest(taken: &Taken) -> Option<LimitStatus> {
    let of_caller = |counter: &Counter| match counter.owner {
        Owner::Organization | Owner::Key(_) => counter.measure.counts_tokens(),
        Owner::Provider(_) => false,
    };
    let headrooms = taken.headrooms().filter(|(counter, _)| of_caller(counter));
    let least = headrooms.min_by_key(|(_, headroom)| headroom.remaining);
    least.map(|(_, headroom)| headroom.into())
}

impl NoHeadroom {
    /// When there may be room; `None` if the request never fits.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.full.retry_after
    }
}

/// Follows "was not called:".
impl fmt::Display for NoHeadroom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refused { counter, full } = &self.0;
        let owner = match counter.owner {
            Owner::Organization => "the organization's limit",
            Owner::Key(_) => "the API key's limit",
            Owner::Provider(_) => "its provider's limit",
        };
        let (limit, what) = (full.headroom.limit, counter.measure.title());
        let model = if counter.model.is_some() { " for it" } else { "" };
        if full.retry_after.is_none() {
            return write!(formatter, "its prompt alone is more than {owner} of {limit} {what}{model}");
        }
        write!(formatter, "it does not fit into what is left of {owner} of {limit} {what}{model}")
    }
}

#[cfg(test)]
mod tests;
