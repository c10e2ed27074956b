//! Budgets: what was spent, what running requests have reserved, and whether another call fits.
//!
//! Everything is in memory. Spending is read from the roll-ups about once a second, so processes agree within about
//! two seconds; what this process has recorded since is added. Where several processes share a place, a reservation is
//! also taken there (`gateway/routing/headroom/mod.rs`).

mod account;
pub(crate) mod reservation;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use entity::ids::{ApiKeyId, BudgetId, OrganizationId};

use crate::domain::IdMap;
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::domain::period::Period;
use crate::store::SpentByDay;
use crate::store::recorder::Watcher;
use crate::store::snapshot::{BudgetEntry, OrganizationSnapshot};
use account::Account;
pub use reservation::{BudgetOwner, BudgetReservation, Estimate, OverBudget};

/// An organization, or one of its API keys.
type AccountId = (OrganizationId, Option<ApiKeyId>);

/// The spending of all organizations and keys.
#[derive(Debug)]
pub struct Spending {
    clock: Clock,
    accounts: IdMap<AccountId, Arc<Account>>,
    /// The writer of this process's records; `None` if they are never spooled.
    writer: Option<Watcher>,
    /// One reading at a time, so that an older one never replaces a newer one.
    reading: tokio::sync::Mutex<()>,
    /// When whole months of all organizations were last read, in Unix seconds; 0 before the first time.
    whole: AtomicI64,
}

/// Seconds between readings of whole months. Only late records change earlier days.
const EARLIER_DAYS: i64 = 60;

/// A soft limit that was crossed, and for which no warning was sent in this period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossed {
    /// The organization that the budget belongs to.
    pub organization_id: OrganizationId,
    /// The id of the budget.
    pub budget_id: BudgetId,
    /// The spending in nano-dollars.
    pub spent: i64,
}

impl Spending {
    /// Spending that was not read yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            accounts: IdMap::default(),
            writer: None,
            reading: tokio::sync::Mutex::default(),
            whole: AtomicI64::new(0),
        }
    }

    /// Adds the writer of this process's records. While it has some in its spool, readings of the roll-ups lack them.
    #[must_use]
    pub fn written_by(self, writer: Watcher) -> Self {
        Self { writer: Some(writer), ..self }
    }

    /// The period that the next reading of all organizations must cover; usually the day is enough.
    #[must_use]
    pub fn needed(&self) -> Period {
        let now = self.clock.now();
        let last = self.whole.load(Ordering::Acquire);
        let fresh = last >= Period::Day.start(now).timestamp() && now.timestamp() - last < EARLIER_DAYS;
        if fresh { Period::Day } else { Period::Month }
    }

    /// Reads the roll-ups since `period` began, for one organization or for all.
    ///
    /// # Errors
    /// The roll-ups cannot be read; the old totals stay.
    pub async fn read(
        &self,
        only: Option<OrganizationId>,
        period: Period,
        roll_ups: impl Future<Output = Result<SpentByDay>>,
    ) -> Result<()> {
        let _turn = self.reading.lock().await;
        let accounts = self.accounts.pin_owned();
        let concerned = |id: &AccountId| only.is_none_or(|only| id.0 == only);
        // The reading includes what was in the database before this point; it may lack what is recorded from now on.
        let spooled = self.writer.as_ref().is_some_and(|writer| writer.spooled() > 0);
        for (_, account) in accounts.iter().filter(|(id, _)| concerned(id)) {
            account.begin_reading(spooled);
        }
        let spent = roll_ups.await?;
        for row in &spent.rows {
            let key = (!row.api_key_id.is_nil()).then_some(ApiKeyId(row.api_key_id));
            let of_key = key.map(|key| (row.organization_id, Some(key)));
            for id in [Some((row.organization_id, None)), of_key].into_iter().flatten() {
                accounts.get_or_insert_with(id, Arc::default).found(
                    row.day,
                    row.counted_nano_dollars,
                    row.unpriced,
                );
            }
        }
        let now = self.clock.now();
        let mut known = true;
        for (_, account) in accounts.iter().filter(|(id, _)| concerned(id)) {
            known &= account.end_reading(period, spent.folded, now);
        }
        match (only, period) {
            (None, Period::Month) => self.whole.store(now.timestamp(), Ordering::Release),
            // The month of a new account is read next time.
            (None, Period::Day) if !known => self.whole.store(0, Ordering::Release),
            (None, Period::Day) | (Some(_), _) => {}
        }
        Ok(())
    }

    /// The spending in the current period, in nano-dollars, as far as this process knows.
    #[must_use]
    pub fn spent(&self, organization: OrganizationId, key: Option<ApiKeyId>, period: Period) -> i64 {
        let accounts = self.accounts.pin();
        accounts.get(&(organization, key)).map_or(0, |account| account.spent(period, self.clock.now()))
    }

    /// The number of requests with an unknown cost in the current period, by the last reading. If it is not 0, the
    /// spending is a lower bound.
    #[must_use]
    pub fn unpriced(&self, organization: OrganizationId, key: Option<ApiKeyId>, period: Period) -> i64 {
        let accounts = self.accounts.pin();
        accounts.get(&(organization, key)).map_or(0, |account| account.unpriced(period, self.clock.now()))
    }

    /// The reservation for a request; `None` if no budget limits it.
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

    /// The soft limits that were crossed, and for which no warning was sent in this period.
    #[must_use]
    pub fn crossed(&self, organization: &OrganizationSnapshot) -> Vec<Crossed> {
        let now = self.clock.now();
        let of = |budget: &BudgetEntry| {
            let spent = self.spent(organization.id, budget.api_key_id, budget.period);
            let warned = budget.warned_at.is_some_and(|warned| warned >= budget.period.start(now));
            let over = budget.soft.is_some_and(|soft| spent >= soft);
            (over && !warned).then_some(Crossed {
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
