//! The reservation of one request in every budget that limits it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use entity::ids::OrganizationId;

use super::account::Account;
use crate::domain::clock::Clock;
use crate::domain::period::Period;
use crate::limits::leases::Want;
use crate::limits::leases::counter::{Counter, Measure, Owner};
use crate::store::recorder::After;
use crate::store::snapshot::BudgetEntry;

/// How long a caller is asked to wait for running requests to end.
const RUNNING: Duration = Duration::from_secs(1);

/// Which kind of owner a budget has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetOwner {
    /// A budget of the organization.
    Organization,
    /// A budget of the API key.
    Key,
}

/// The estimated cost of a call, in nano-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimate {
    /// The model is free, so the call fits even into an exhausted budget.
    Free,
    /// The price is known.
    Between {
        /// The cost of the prompt and an answer of the length that the caller states.
        least: i64,
        /// The cost of the prompt and the longest answer, which is reserved.
        most: i64,
    },
    /// The cost is unknown. The call fits until the budget is exhausted and reserves nothing.
    Unknown,
    /// The model has no price, and the organization does not allow that. The call fits into no budget with a hard limit.
    Unpriced,
}

impl Estimate {
    fn reserved(self) -> i64 {
        match self {
            Self::Between { most, .. } => most,
            Self::Free | Self::Unknown | Self::Unpriced => 0,
        }
    }

    fn least(self) -> i64 {
        match self {
            Self::Between { least, .. } => least,
            Self::Free | Self::Unknown | Self::Unpriced => 0,
        }
    }
}

/// A budget that a call would exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverBudget {
    /// The owner of the budget.
    pub owner: BudgetOwner,
    /// The period of the budget.
    pub period: Period,
    /// When the next period starts.
    pub resets_at: DateTime<Utc>,
    /// Whether the budget is exhausted. If not, a call that reserves less may fit.
    pub used_up: bool,
    /// Whether only the reservations of running requests are in the way, so that it may fit once they end.
    pub passing: bool,
    /// Whether the model is not called because it has no price.
    pub unpriced: bool,
}

impl OverBudget {
    /// When to try again, if that can help before the next period.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.passing.then_some(RUNNING)
    }
}

/// Shows no amounts, because a caller may not be allowed to see the spending of others.
impl fmt::Display for OverBudget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = match self.owner {
            BudgetOwner::Organization => "the organization's",
            BudgetOwner::Key => "the API key's",
        };
        let period = self.period.as_str();
        if self.unpriced {
            return write!(
                formatter,
                "it has no price, and {owner} budget for the {period} has a hard limit; set its price, 0 if it is free, or allow models without a price in the settings"
            );
        }
        if self.passing {
            return write!(
                formatter,
                "running requests have reserved what is left of {owner} budget for the {period}, so it may fit once they end"
            );
        }
        let resets = self.resets_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(
            formatter,
            "it does not fit into what is left of {owner} budget for the {period}, which resets at {resets}"
        )?;
        if self.used_up {
            return Ok(());
        }
        formatter.write_str("; a smaller max_tokens reserves less")
    }
}

/// The budgets that limit one request, and the amount reserved in each. Dropping it releases what was not settled.
#[derive(Debug)]
pub struct BudgetReservation {
    clock: Clock,
    accounts: Vec<Limited>,
    held: Mutex<Held>,
}

/// What one request takes from each of its accounts, in nano-dollars.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    /// The amount that is reserved, what was used included.
    reserved: i64,
    /// What the earlier calls of the request cost. They are paid when the request ends.
    used: i64,
    /// The part of the reservation that has to fit: the rest is for an answer longer than is stated.
    least: i64,
}

#[derive(Debug)]
struct Limited {
    owner: BudgetOwner,
    account: Arc<Account>,
    limits: Vec<BudgetEntry>,
}

impl BudgetReservation {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, accounts: Vec::new(), held: Mutex::default() }
    }

    pub(super) fn add(
        &mut self,
        owner: BudgetOwner,
        limits: Vec<BudgetEntry>,
        account: impl FnOnce() -> Arc<Account>,
    ) {
        if !limits.is_empty() {
            self.accounts.push(Limited { owner, account: account(), limits });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The budget that a call would exceed, if any. Reserves nothing.
    #[must_use]
    pub fn exceeded_by(&self, estimate: Estimate) -> Option<OverBudget> {
        let held = *self.held();
        let estimate = self.within_key(estimate, held.used);
        let check = |limited: &Limited| limited.exceeded_by(estimate, held, held.reserved, self.clock.now());
        self.accounts.iter().find_map(check)
    }

    /// Reserves the cost of a call in place of the earlier reservation, and beside what earlier calls cost. If it does
    /// not fit, only that stays reserved, and the budget is returned.
    #[must_use]
    pub fn reserve(&self, estimate: Estimate) -> Option<OverBudget> {
        let mut held = self.held();
        let before = *held;
        let estimate = self.within_key(estimate, before.used);
        let wanted = before.used.saturating_add(estimate.reserved());
        (held.reserved, held.least) = (before.used, before.used);
        for (index, limited) in self.accounts.iter().enumerate() {
            // Checked and reserved under one lock, so that two requests cannot reserve the same money.
            if let Some(exceeded_by) = limited.exceeded_by(estimate, before, wanted, self.clock.now()) {
                self.accounts.iter().take(index).for_each(|taken| taken.give_back(wanted - before.used));
                self.accounts
                    .iter()
                    .skip(index)
                    .for_each(|left| left.give_back(before.reserved - before.used));
                return Some(exceeded_by);
            }
        }
        (held.reserved, held.least) = (wanted, before.used.saturating_add(estimate.least()));
        None
    }

    /// What the reservation takes of the money that all processes have left together.
    #[must_use]
    pub fn wants(&self, organization: OrganizationId) -> Vec<Want> {
        let held = *self.held();
        if held.reserved == 0 {
            return Vec::new();
        }
        let now = self.clock.now();
        let mut wants = Vec::new();
        for limited in &self.accounts {
            let mut book = limited.account.open();
            for budget in &limited.limits {
                let Some(hard) = budget.hard else { continue };
                let limit = hard.saturating_sub(book.spent(budget.period, now));
                let units = held.reserved.min(limit).max(held.least);
                let owner = budget.api_key_id.map_or(Owner::Organization, Owner::Key);
                let counter = Counter { organization, owner, model: None, measure: measure(budget.period) };
                wants.push(Want { counter, limit, units });
            }
        }
        wants
    }

    /// The budget of which other processes have reserved what is left.
    #[must_use]
    pub fn taken_by_others(&self, counter: Counter) -> OverBudget {
        let owner = match counter.owner {
            Owner::Key(_) => BudgetOwner::Key,
            Owner::Organization | Owner::Provider(_) => BudgetOwner::Organization,
        };
        let same = |period: &Period| measure(*period) == counter.measure;
        let period = Period::ALL.into_iter().find(same).unwrap_or(Period::Day);
        let resets_at = period.end(self.clock.now());
        OverBudget { owner, period, resets_at, used_up: false, passing: true, unpriced: false }
    }

    /// Lowers an estimate, if the answer has no stated limit, to the rest of the key's own budgets: for the organization's
    /// other keys, the key has no more to spend.
    fn within_key(&self, estimate: Estimate, used: i64) -> Estimate {
        let Estimate::Between { least, most } = estimate else { return estimate };
        if least == most {
            return estimate;
        }
        let now = self.clock.now();
        let of_key = self.accounts.iter().filter(|limited| limited.owner == BudgetOwner::Key);
        let rests = of_key.filter_map(|limited| limited.rest(now));
        let rest = rests.min().map_or(most, |rest| rest.saturating_sub(used));
        Estimate::Between { least, most: most.min(rest).max(least) }
    }

    /// Counts what a call cost that the request is not over with, so that the next one must fit beside it.
    pub fn used(&self, cost: i64) {
        let mut held = self.held();
        held.used = held.used.saturating_add(cost);
        let more = (held.used - held.reserved).max(0);
        held.reserved += more;
        self.accounts.iter().for_each(|limited| limited.give_back(-more));
    }

    /// Adds the cost of the request, which has a row that is about to be handed to the writer, and releases the
    /// reservation. Returns what is to be called once the row is durable or lost.
    #[must_use]
    pub fn leave(&self, cost: i64) -> After {
        let reserved = std::mem::take(&mut *self.held()).reserved;
        let left = self.clock.now();
        for limited in &self.accounts {
            let mut book = limited.account.open();
            book.reserved -= reserved;
            book.leave(cost, left);
        }
        let accounts: Vec<Arc<Account>> =
            self.accounts.iter().map(|limited| limited.account.clone()).collect();
        let clock = self.clock.clone();
        Box::new(move || accounts.iter().for_each(|account| account.open().arrive(cost, left, clock.now())))
    }

    /// Whether the soft limit of any budget is reached.
    #[must_use]
    pub fn soft_limit_reached(&self) -> bool {
        let now = self.clock.now();
        let reached = |limited: &Limited| {
            let spent = |budget: &BudgetEntry| limited.account.spent(budget.period, now);
            limited.limits.iter().any(|budget| budget.soft.is_some_and(|soft| spent(budget) >= soft))
        };
        self.accounts.iter().any(reached)
    }
}

impl Drop for BudgetReservation {
    fn drop(&mut self) {
        let reserved = self.held.get_mut().unwrap_or_else(PoisonError::into_inner).reserved;
        self.accounts.iter().for_each(|limited| limited.give_back(reserved));
    }
}

/// What counts the reservations of a period.
const fn measure(period: Period) -> Measure {
    match period {
        Period::Day => Measure::BudgetPerDay,
        Period::Month => Measure::BudgetPerMonth,
    }
}

impl Limited {
    /// The budget that the call would exceed. If there is none, `take` is reserved in place of what is `held`.
    fn exceeded_by(
        &self,
        estimate: Estimate,
        held: Held,
        take: i64,
        now: DateTime<Utc>,
    ) -> Option<OverBudget> {
        let mut book = self.account.open();
        for budget in &self.limits {
            let Some(hard) = budget.hard else { continue };
            let spent = book.spent(budget.period, now).saturating_add(held.used);
            let others = book.reserved - held.reserved;
            let used_up = spent >= hard;
            let within = |cost: i64| spent.saturating_add(others).saturating_add(cost) <= hard;
            let fits = match estimate {
                Estimate::Free => true,
                Estimate::Unknown => !used_up,
                Estimate::Unpriced => false,
                // If only the stated answer fits, the call is allowed while no other request has a reservation, so
                // that at most one answer exceeds the limit.
                Estimate::Between { least, most } => {
                    !used_up && (within(most) || others == 0 && within(least))
                }
            };
            if !fits {
                let alone = |cost: i64| spent.saturating_add(cost) <= hard;
                let passing = match estimate {
                    Estimate::Between { least, .. } => !used_up && alone(least),
                    Estimate::Free | Estimate::Unknown | Estimate::Unpriced => false,
                };
                let resets_at = budget.period.end(now);
                let (owner, period) = (self.owner, budget.period);
                let unpriced = estimate == Estimate::Unpriced;
                return Some(OverBudget { owner, period, resets_at, used_up, passing, unpriced });
            }
        }
        book.reserved = book.reserved.saturating_add(take - held.reserved);
        None
    }

    /// What is left of the hard limits.
    fn rest(&self, now: DateTime<Utc>) -> Option<i64> {
        let mut book = self.account.open();
        let rest = |budget: &BudgetEntry| Some(budget.hard?.saturating_sub(book.spent(budget.period, now)));
        self.limits.iter().filter_map(rest).min()
    }

    fn give_back(&self, reserved: i64) {
        if reserved != 0 {
            self.account.open().reserved -= reserved;
        }
    }
}
