//! Budgets, as requests meet them: what was spent, what requests under way have reserved, and whether one more call fits.
//!
//! Everything is in memory. What was spent is read from the roll-ups about once a second, so that processes agree
//! within about two; what this process has recorded since is added by itself. Nothing here waits for the database.

mod account;
pub(crate) mod reservation;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use entity::ids::{ApiKeyId, BudgetId, OrganizationId};

use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::domain::period::Period;
use crate::store::Spent;
use crate::store::snapshot::{BudgetEntry, OrganizationSnapshot};
use account::Account;
pub use reservation::{BudgetOwner, BudgetReservation, Estimate, OverBudget};

/// Whose spending: an organization's, or one of its keys'.
type AccountId = (OrganizationId, Option<ApiKeyId>);

/// What is known of everybody's spending.
#[derive(Debug)]
pub struct Spending {
    clock: Clock,
    accounts: papaya::HashMap<AccountId, Arc<Account>>,
    /// One reading at a time: an older one must never replace a newer one.
    reading: tokio::sync::Mutex<()>,
    /// Unix seconds of the last reading of whole months of all organizations; 0 before the first.
    whole: AtomicI64,
}

/// How often what was spent before today is read again: late records change it, and little else.
const EARLIER_DAYS: i64 = 60;

/// A soft limit that was crossed and of which nobody was told in this period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossed {
    /// Whose budget.
    pub organization_id: OrganizationId,
    /// Which.
    pub budget_id: BudgetId,
    /// What was spent, in nano-dollars.
    pub spent: i64,
}

impl Spending {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            accounts: papaya::HashMap::new(),
            reading: tokio::sync::Mutex::default(),
            whole: AtomicI64::new(0),
        }
    }

    /// From where on the next reading of all organizations needs the roll-ups: mostly today's are enough.
    #[must_use]
    pub fn needed(&self) -> Period {
        let now = self.clock.now();
        let last = self.whole.load(Ordering::Acquire);
        let fresh = last >= Period::Day.start(now).timestamp() && now.timestamp() - last < EARLIER_DAYS;
        if fresh { Period::Day } else { Period::Month }
    }

    /// Takes what the roll-ups say since `period` began: of one organization, or of all.
    ///
    /// # Errors
    /// They cannot be read; what is known stays.
    pub async fn read(
        &self,
        only: Option<OrganizationId>,
        period: Period,
        roll_ups: impl Future<Output = Result<Vec<Spent>>>,
    ) -> Result<()> {
        let _turn = self.reading.lock().await;
        let accounts = self.accounts.pin_owned();
        let concerned = |id: &AccountId| only.is_none_or(|only| id.0 == only);
        // What was recorded until now will be in what is read; what is recorded from now on may not be.
        for (_, account) in accounts.iter().filter(|(id, _)| concerned(id)) {
            account.begin_reading();
        }
        let spent = roll_ups.await?;
        for row in &spent {
            let key = (!row.api_key_id.is_nil()).then_some(ApiKeyId(row.api_key_id));
            let of_key = key.map(|key| (row.organization_id, Some(key)));
            for id in [Some((row.organization_id, None)), of_key].into_iter().flatten() {
                accounts.get_or_insert_with(id, Arc::default).found(
                    row.day,
                    row.cost_nano_dollars,
                    row.unpriced,
                );
            }
        }
        let now = self.clock.now();
        let mut known = true;
        for (_, account) in accounts.iter().filter(|(id, _)| concerned(id)) {
            known &= account.end_reading(period, now);
        }
        match (only, period) {
            (None, Period::Month) => self.whole.store(now.timestamp(), Ordering::Release),
            // An account that is new here: its month is read with the next look.
            (None, Period::Day) if !known => self.whole.store(0, Ordering::Release),
            (None, Period::Day) | (Some(_), _) => {}
        }
        Ok(())
    }

    /// What was spent in the period of now, in nano-dollars, as far as this process knows.
    #[must_use]
    pub fn spent(&self, organization: OrganizationId, key: Option<ApiKeyId>, period: Period) -> i64 {
        let accounts = self.accounts.pin();
        accounts.get(&(organization, key)).map_or(0, |account| account.spent(period, self.clock.now()))
    }

    /// How many requests of the period of now have a cost that is unknown, as the roll-ups last said: so what was spent is at
    /// least what it says.
    #[must_use]
    pub fn unpriced(&self, organization: OrganizationId, key: Option<ApiKeyId>, period: Period) -> i64 {
        let accounts = self.accounts.pin();
        accounts.get(&(organization, key)).map_or(0, |account| account.unpriced(period, self.clock.now()))
    }

    /// The purse of a request: none if no budget limits it.
    #[must_use]
    pub fn reservation(
        &self,
        organization: &OrganizationSnapshot,
        key: Option<ApiKeyId>,
    ) -> Option<Arc<BudgetReservation>> {
        if organization.budgets.is_empty() {
            return None;
        }
        let limits = |key: Option<ApiKeyId>| organization.budgets.of(key).to_vec();
        let mut reservation = BudgetReservation::new(self.clock.clone());
        reservation.add(BudgetOwner::Organization, limits(None), || self.account((organization.id, None)));
        if key.is_some() {
            reservation.add(BudgetOwner::Key, limits(key), || self.account((organization.id, key)));
        }
        (!reservation.is_empty()).then(|| Arc::new(reservation))
    }

    /// The soft limits that were crossed and of which nobody was told in this period.
    #[must_use]
    pub fn crossed(&self, organization: &OrganizationSnapshot) -> Vec<Crossed> {
        let now = self.clock.now();
        let of = |budget: &BudgetEntry| {
            let spent = self.spent(organization.id, budget.api_key_id, budget.period);
            let told = budget.warned_at.is_some_and(|told| told >= budget.period.start(now));
            let over = budget.soft.is_some_and(|soft| spent >= soft);
            (over && !told).then_some(Crossed {
                organization_id: organization.id,
                budget_id: budget.id,
                spent,
            })
        };
        organization.budgets.iter().filter_map(of).collect()
    }

    fn account(&self, id: AccountId) -> Arc<Account> {
        self.accounts.pin().get_or_insert_with(id, Arc::default).clone()
    }
}
