//! One request's money: whether a call fits into every budget that limits the request, and what it has reserved.
//!
//! Imports the accounts and the store's snapshot.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};

use super::account::Account;
use crate::clock::Clock;
use crate::store::Period;
use crate::store::snapshot::BudgetEntry;

/// Whose budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The organization's.
    Organization,
    /// The API key's.
    Key,
}

/// A budget into which a call does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverBudget {
    /// Whose.
    pub whose: Whose,
    /// After what time it starts anew.
    pub period: Period,
    /// When that is.
    pub resets_at: DateTime<Utc>,
}

/// No figures: who may send a request need not be who may read what others have spent.
impl fmt::Display for OverBudget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.whose {
            Whose::Organization => "the organization's",
            Whose::Key => "the API key's",
        };
        let period = self.period.as_str();
        let resets = self.resets_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(
            formatter,
            "it does not fit into what is left of {whose} budget for the {period}, which starts anew at {resets}"
        )
    }
}

/// What limits one request, and what it has reserved. Dropped, it gives back what was not spent.
#[derive(Debug)]
pub struct Purse {
    clock: Clock,
    accounts: Vec<Limited>,
    /// In every one of the accounts, in nano-dollars.
    reserved: Mutex<i64>,
}

#[derive(Debug)]
struct Limited {
    whose: Whose,
    account: Arc<Account>,
    limits: Vec<BudgetEntry>,
}

impl Purse {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, accounts: Vec::new(), reserved: Mutex::new(0) }
    }

    pub(super) fn add(
        &mut self,
        whose: Whose,
        limits: Vec<BudgetEntry>,
        account: impl FnOnce() -> Arc<Account>,
    ) {
        if !limits.is_empty() {
            self.accounts.push(Limited { whose, account: account(), limits });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The budget into which a call does not fit that costs `estimate` nano-dollars; none: an unknown price, with
    /// which only what was spent counts. Nothing is reserved.
    #[must_use]
    pub fn over(&self, estimate: Option<i64>) -> Option<OverBudget> {
        let own = *self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        self.accounts.iter().find_map(|limited| limited.over(estimate, own, own, self.clock.now()))
    }

    /// Reserves what a call costs in place of what was reserved before. If it does not fit, nothing is reserved, and
    /// the budget is told.
    #[must_use]
    pub fn reserve(&self, estimate: Option<i64>) -> Option<OverBudget> {
        let mut own = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = estimate.unwrap_or(0);
        let before = std::mem::take(&mut *own);
        for (index, limited) in self.accounts.iter().enumerate() {
            // Looked at and taken in one step, or two requests would take the same.
            if let Some(over) = limited.over(estimate, before, wanted, self.clock.now()) {
                self.accounts.iter().take(index).for_each(|taken| taken.give_back(wanted));
                self.accounts.iter().skip(index).for_each(|left| left.give_back(before));
                return Some(over);
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
    pub fn is_soft(&self) -> bool {
        let now = self.clock.now();
        let reached = |limited: &Limited| {
            let spent = |budget: &BudgetEntry| limited.account.spent(budget.period, now);
            limited.limits.iter().any(|budget| budget.soft.is_some_and(|soft| spent(budget) >= soft))
        };
        self.accounts.iter().any(reached)
    }
}

impl Drop for Purse {
    fn drop(&mut self) {
        let reserved = std::mem::take(self.reserved.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.accounts.iter().for_each(|limited| limited.give_back(reserved));
    }
}

impl Limited {
    /// The budget into which it does not fit; if it fits into all, `take` is reserved in place of `own`.
    fn over(&self, estimate: Option<i64>, own: i64, take: i64, now: DateTime<Utc>) -> Option<OverBudget> {
        let mut book = self.account.open();
        for budget in &self.limits {
            let Some(hard) = budget.hard else { continue };
            let spent = book.spent(budget.period, now);
            let others = book.reserved - own;
            let fits = match estimate {
                // What costs nothing can always be paid for.
                Some(0) => true,
                Some(cost) => spent.saturating_add(others).saturating_add(cost) <= hard,
                None => spent < hard,
            };
            if !fits {
                let resets_at = budget.period.end(now);
                return Some(OverBudget { whose: self.whose, period: budget.period, resets_at });
            }
        }
        book.reserved += take - own;
        None
    }

    fn give_back(&self, reserved: i64) {
        if reserved != 0 {
            self.account.open().reserved -= reserved;
        }
    }
}
