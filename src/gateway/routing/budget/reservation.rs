//! The reservation of one request in every budget that limits it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};

use super::account::Account;
use crate::domain::clock::Clock;
use crate::domain::period::Period;
use crate::store::snapshot::BudgetEntry;

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
    /// The price is unknown. The call fits until the budget is exhausted and reserves nothing.
    Unknown,
}

impl Estimate {
    fn reserved(self) -> i64 {
        match self {
            Self::Between { most, .. } => most,
            Self::Free | Self::Unknown => 0,
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
}

/// Shows no amounts, because a caller may not be allowed to see the spending of others.
impl fmt::Display for OverBudget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = match self.owner {
            BudgetOwner::Organization => "the organization's",
            BudgetOwner::Key => "the API key's",
        };
        let period = self.period.as_str();
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
    /// The amount reserved in each of the accounts, in nano-dollars.
    reserved: Mutex<i64>,
}

#[derive(Debug)]
struct Limited {
    owner: BudgetOwner,
    account: Arc<Account>,
    limits: Vec<BudgetEntry>,
}

impl BudgetReservation {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, accounts: Vec::new(), reserved: Mutex::new(0) }
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

    /// The budget that a call would exceed, if any. Reserves nothing.
    #[must_use]
    pub fn exceeded_by(&self, estimate: Estimate) -> Option<OverBudget> {
        let own = *self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        self.accounts.iter().find_map(|limited| limited.exceeded_by(estimate, own, own, self.clock.now()))
    }

    /// Reserves the cost of a call in place of the earlier reservation. If it does not fit, nothing is reserved and
    /// the budget is returned.
    #[must_use]
    pub fn reserve(&self, estimate: Estimate) -> Option<OverBudget> {
        let mut own = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = estimate.reserved();
        let before = std::mem::take(&mut *own);
        for (index, limited) in self.accounts.iter().enumerate() {
            // Checked and reserved under one lock, so that two requests cannot reserve the same money.
            if let Some(exceeded_by) = limited.exceeded_by(estimate, before, wanted, self.clock.now()) {
                self.accounts.iter().take(index).for_each(|taken| taken.give_back(wanted));
                self.accounts.iter().skip(index).for_each(|left| left.give_back(before));
                return Some(exceeded_by);
            }
        }
        *own = wanted;
        None
    }

    /// Adds the cost of the request and releases the reservation. `recorded` says whether the row is durable.
    pub fn settle(&self, cost: i64, recorded: bool) {
        let reserved = std::mem::take(&mut *self.reserved.lock().unwrap_or_else(PoisonError::into_inner));
        let now = self.clock.now();
        for limited in &self.accounts {
            let mut book = limited.account.open();
            book.reserved -= reserved;
            book.pay(cost, recorded, now);
        }
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
        let reserved = std::mem::take(self.reserved.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.accounts.iter().for_each(|limited| limited.give_back(reserved));
    }
}

impl Limited {
    /// The budget that the call would exceed. If there is none, `take` is reserved in place of `own`.
    fn exceeded_by(&self, estimate: Estimate, own: i64, take: i64, now: DateTime<Utc>) -> Option<OverBudget> {
        let mut book = self.account.open();
        for budget in &self.limits {
            let Some(hard) = budget.hard else { continue };
            let spent = book.spent(budget.period, now);
            let others = book.reserved - own;
            let used_up = spent >= hard;
            let within = |cost: i64| spent.saturating_add(others).saturating_add(cost) <= hard;
            let fits = match estimate {
                Estimate::Free => true,
                Estimate::Unknown => !used_up,
                // If only the stated answer fits, the call is allowed while no other request has a reservation, so
                // that at most one answer exceeds the limit.
                Estimate::Between { least, most } => {
                    !used_up && (within(most) || others == 0 && within(least))
                }
            };
            if !fits {
                let resets_at = budget.period.end(now);
                return Some(OverBudget { owner: self.owner, period: budget.period, resets_at, used_up });
            }
        }
        book.reserved = book.reserved.saturating_add(take - own);
        None
    }

    fn give_back(&self, reserved: i64) {
        if reserved != 0 {
            self.account.open().reserved -= reserved;
        }
    }
}
