//! The limits of one call: those of the organization and of its key, of the model inside either, and of the account at the
//! provider.
//!
//! A request takes the headroom of a candidate before the call, in place of that of the candidate before it. Its tokens are
//! an estimate, which is settled when the request ends. What this process has too little of is fetched before the plan goes
//! on, so that no decision waits.
//!
//! Where several processes share a place, the money that a budget has reserved is taken there, too. What was spent stays in
//! use until all of them can know it from the roll-ups, so that no two spend the same.

mod call_limits;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entity::ids::ModelId;

use crate::domain::routing_info::LimitStatus;
use crate::gateway::routing::budget::{BudgetReservation, OverBudget};
use crate::limits::leases::counter::{Counter, Measure, Owner, measured};
use crate::limits::leases::{Attempt, Lacking, ROUNDS, Refused, Taken, Want};
use crate::store::snapshot::{ApiKeyEntry, ModelEntry, OrganizationSnapshot};
use crate::store::{Limits, ModelLimits};
pub use call_limits::{CallLimits, Spent};

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
    /// It has none: other processes have reserved what is left of a budget.
    OverBudget(OverBudget),
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
    /// The money of it.
    money: Option<Taken>,
    lacking: Option<Lacking>,
    /// How often more was fetched for the candidate.
    rounds: usize,
    /// The tightest limit of tokens.
    tokens: Option<LimitStatus>,
}

impl TokenNeed {
    /// The tokens to take of a limit. A prompt that fits is never refused for the answer that it may get.
    fn within(self, limit: i64) -> i64 {
        self.prompt.saturating_add(self.answer).min(limit).max(self.prompt).max(1)
    }
}

impl CallHeadroom {
    /// The limits of the calls of a request; `None` if there are none. `has_budgets`: it reserves money.
    #[must_use]
    pub fn of(
        limits: &Arc<CallLimits>,
        organization: &Arc<OrganizationSnapshot>,
        key: Option<&Arc<ApiKeyEntry>>,
        has_budgets: bool,
    ) -> Option<Arc<Self>> {
        let limits_calls = |limits: &Limits, models: &ModelLimits| {
            limits.tokens_per_minute.or(limits.tokens_per_day).is_some() || !models.0.is_empty()
        };
        let settings = &organization.settings;
        let limited = (has_budgets && limits.shares_money)
            || limits_calls(&settings.limits, &settings.model_limits)
            || key.is_some_and(|key| limits_calls(&key.limits, &key.model_limits))
            || organization.limits_providers();
        limited.then(|| {
            Arc::new(Self {
                limits: limits.clone(),
                organization: organization.clone(),
                key: key.cloned(),
                state: Mutex::default(),
            })
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The limit that leaves no room for a call, as far as that is known. Takes nothing.
    #[must_use]
    pub fn hindrance(&self, model: &ModelEntry, need: impl FnOnce() -> TokenNeed) -> Option<NoHeadroom> {
        self.limits.leases.hindrance(&self.wants(model, need)).map(NoHeadroom)
    }

    /// Takes what a call of a candidate needs, in place of what the candidate before it has not used. `reserved` is the money
    /// of its budgets.
    pub fn take(
        &self,
        model: &ModelEntry,
        need: impl FnOnce() -> TokenNeed,
        reserved: Option<&BudgetReservation>,
    ) -> Room {
        let mut state = self.state();
        state.give_up();
        let mut wants = self.wants(model, need);
        wants.extend(self.money(reserved));
        match self.limits.leases.try_take(&wants) {
            Attempt::Taken(mut taken) => {
                state.rounds = 0;
                state.money = taken.split_money();
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
        let mut state = self.state();
        state.money = None;
        if let Some(taken) = state.taken.take() {
            taken.undo();
        }
    }

    /// Counts a repeated call of the same candidate at its provider. Returns whether that has room for it. What the earlier
    /// call has cost is reserved as well by now.
    #[must_use]
    pub fn again(&self, model: &ModelEntry, reserved: Option<&BudgetReservation>) -> bool {
        if let Some(money) = &mut self.state().money {
            money.grow(&self.money(reserved));
        }
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

    /// The money that the request has spent, in place of what was reserved. It is released when the budgets of this process
    /// count it.
    #[must_use]
    pub fn spend(&self, cost: i64) -> Option<Spent> {
        let mut money = self.state().money.take()?;
        money.spend_money(cost);
        Some(Spent { limits: self.limits.clone(), money })
    }

    fn money(&self, reserved: Option<&BudgetReservation>) -> Vec<Want> {
        let reserved = reserved.filter(|_| self.limits.shares_money);
        reserved.map(|reserved| reserved.wants(self.organization.id)).unwrap_or_default()
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
    /// Gives back what the candidate before has not used.
    fn give_up(&mut self) {
        self.money = None;
        if let Some(mut earlier) = self.taken.take() {
            earlier.settle(0);
        }
    }

    fn refuse(&mut self, refused: Refused) -> Room {
        self.rounds = 0;
        if refused.counter.measure.counts_tokens() {
            self.tokens = Some(refused.full.headroom.into());
        }
        Room::None(NoHeadroom(refused))
    }
}

impl Room {
    /// The same, with the budget in place of the limit if the money is missing.
    #[must_use]
    pub fn with_budget(self, reserved: Option<&BudgetReservation>) -> Self {
        match (self, reserved) {
            (Self::None(NoHeadroom(refused)), Some(reserved)) if refused.counter.measure.counts_money() => {
                Self::OverBudget(reserved.taken_by_others(refused.counter))
            }
            (room, _) => room,
        }
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
