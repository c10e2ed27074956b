//! One request's money: whether a call fits into every budget that limits the request, and what it has reserved.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};

use super::account::Account;
use crate::domain::clock::Clock;
use crate::domain::period::Period;
use crate::store::snapshot::BudgetEntry;

/// Whose budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetOwner {
    /// The organization's.
    Organization,
    /// The API key's.
    Key,
}

/// What a call may cost, in nano-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimate {
    /// Nothing, however long it becomes: it fits even where a budget is used up.
    Free,
    /// Its price is known.
    Between {
        /// The prompt, and an answer as long as the caller says.
        least: i64,
        /// The prompt, and the longest answer: what is reserved.
        most: i64,
    },
    /// Its price is unknown, which is not free: it fits until the budget is used up, and reserves nothing.
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

/// A budget into which a call does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverBudget {
    /// Whose.
    pub owner: BudgetOwner,
    /// After what time it starts anew.
    pub period: Period,
    /// When that is.
    pub resets_at: DateTime<Utc>,
    /// Whether all of it is spent. If not, a call that reserves less may fit.
    pub used_up: bool,
}

/// No figures: who may send a request need not be who may read what others have spent.
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
            "it does not fit into what is left of {owner} budget for the {period}, which starts anew at {resets}"
        )?;
        if self.used_up {
            return Ok(());
        }
        formatter.write_str("; a smaller max_tokens reserves less")
    }
}

/// What limits one request, and what it has reserved. Dropped, it gives back what was not spent.
#[derive(Debug)]
pub struct BudgetReservation {
    clock: Clock,
    accounts: Vec<Limited>,
    /// In every one of the accounts, in nano-dollars.
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

    /// The budget into which a call does not fit. Nothing is reserved.
    #[must_use]
    pub fn exceeded_by(&self, estimate: Estimate) -> Option<OverBudget> {
        let own = *self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        self.accounts.iter().find_map(|limited| limited.exceeded_by(estimate, own, own, self.clock.now()))
    }

    /// Reserves what a call costs in place of what was reserved before. If it does not fit, nothing is reserved, and
    /// the budget is told.
    #[must_use]
    pub fn reserve(&self, estimate: Estimate) -> Option<OverBudget> {
        let mut own = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = estimate.reserved();
        let before = std::mem::take(&mut *own);
        for (index, limited) in self.accounts.iter().enumerate() {
            // Looked at and taken in one step, or two requests would take the same.
            if let Some(exceeded_by) = limited.exceeded_by(estimate, before, wanted, self.clock.now()) {
                self.accounts.iter().take(index).for_each(|taken| taken.give_back(wanted));
                self.accounts.iter().skip(index).for_each(|left| left.give_back(before));
                return Some(exceeded_by);
            }
        }
        *own = wanted;
        None
    }

    /// The request cost so much. What was reserved is given back. `recorded` says whether it is durable already.
    pub fn settle(&self, cost: i64, recorded: bool) {
        let reserved = std::mem::take(&mut *self.reserved.lock().unwrap_or_else(PoisonError::into_inner));
        let now = self.clock.now();
        for limited in &self.accounts {
            let mut book = limited.account.open();
            book.reserved -= reserved;
            book.pay(cost, recorded, now);
        }
    }

    /// Whether a soft limit is reached.
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
    /// The budget into which it does not fit; if it fits into all, `take` is reserved in place of `own`.
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
                // A caller who does not say how long the answer may be has the budget for itself or waits: what is
                // spent beyond the limit is one answer at most.
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
