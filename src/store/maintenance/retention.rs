//! Deletes fallback events and requests after the retention period of an organization, oldest first, in batches. Roll-ups
//! keep their counts.
//!
//! On PostgreSQL, partitions are dropped at the longest period of all organizations. Rows of organizations with that
//! period are left to it: they are deleted one by one only if their partition is still there much later.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::OrganizationId;
use entity::{fallback_events, requests};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait as _, DbErr, EntityTrait, FromQueryResult, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Statement,
};
use tokio::time::Instant;
use uuid::Uuid;

use super::system::System;
use crate::domain::error::Error;
use crate::store::database::connections::Transaction;
use crate::store::database::expired_partitions::{self, Fate};
use crate::store::database::partitions;
use crate::store::pagination::time_range::{LATE, lowest_id, within};

/// The most rows of one table that one transaction deletes.
pub(in crate::store) const BATCH: u64 = 500;
const FULL: usize = 500;
/// The number of rows after which a transaction takes no further organization.
const MOST_ROWS: usize = 5_000;
/// How long a sweep goes on to the next organization.
const BUDGET: Duration = Duration::from_millis(200);
/// The delay after which more rows of an organization are deleted, so that there are enough of them for a batch.
const GATHER: TimeDelta = TimeDelta::minutes(15);
/// The delay until an organization without rows to delete is checked again, at most.
const IDLE: TimeDelta = TimeDelta::hours(23);
/// The delay after another process was found to be deleting.
const OTHER: TimeDelta = TimeDelta::seconds(10);
/// How much later than their partition should be dropped rows are deleted one by one.
const SLACK: TimeDelta = TimeDelta::hours(1);
/// One process deletes at a time, because two would wait for each other's rows. An arbitrary number.
const LOCK: &str = "SELECT pg_try_advisory_xact_lock(7308604897285041262)";

impl System<'_> {
    /// Deletes one batch of the organizations that are due, in one transaction. Returns the number of deleted rows. With an
    /// archive nothing happens, because [`System::archive`] deletes what it has archived.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_past_retention(&self) -> Result<u64, Error> {
        let store = self.store();
        if store.inner.archives {
            return Ok(0);
        }
        let now = store.inner.clock.now();
        let begun = Instant::now();
        let longest = self.longest_retention();
        let mut batch: Vec<Old> = Vec::new();
        // SQLite has one writing connection.
        let most_rows = if store.is_sqlite() { FULL } else { MOST_ROWS };
        for (organization, days) in self.retention_due(now) {
            let mut kept = TimeDelta::days(days.into());
            if longest == Some(days) && !store.is_sqlite() {
                kept += partitions::width(Some(days.into())) + SLACK;
            }
            let before = now - kept;
            // Read without a transaction, because usually there is nothing to delete and writers should not wait.
            let old = self.old(organization, days, before).await?;
            if old.is_empty() {
                let next = self.next_check(organization, before, kept).await?.unwrap_or(now + IDLE);
                store.inner.retention.set(organization, days, next);
            } else {
                batch.push(old);
            }
            let rows = batch.iter().map(Old::rows).sum::<usize>();
            if batch.last().is_some_and(Old::is_full) || rows >= most_rows || begun.elapsed() > BUDGET {
                break;
            }
        }
        self.delete_batch(&batch, now).await
    }

    /// Whether organizations are left that [`Self::delete_past_retention`] has not come to.
    #[must_use]
    pub fn is_retention_due(&self) -> bool {
        !self.store().inner.archives && !self.retention_due(self.store().inner.clock.now()).is_empty()
    }

    /// Makes partitions ahead and drops those beyond the longest retention period. Returns the number of dropped ones. With
    /// an archive none is dropped, because [`System::archive`] does that.
    ///
    /// # Errors
    /// The database cannot be changed, or a lock was not granted in time.
    pub async fn keep_partitions(&self) -> Result<usize, Error> {
        let inner = &self.store().inner;
        let now = inner.clock.now();
        partitions::make_ahead(&inner.writer, now, None).await?;
        if inner.archives {
            return Ok(0);
        }
        Ok(expired_partitions::end_expired(&inner.writer, now, Fate::Drop).await?)
    }

    /// The organizations that are due for a check, with their periods in days.
    pub(in crate::store) fn retention_due(&self, now: DateTime<Utc>) -> Vec<(OrganizationId, u32)> {
        let inner = &self.store().inner;
        let organizations = inner.snapshots.organizations();
        let periods = organizations.iter().map(|one| (one.id, one.settings.retention_days));
        inner.retention.due(periods, now)
    }

    /// The longest retention period in days; `None` if an organization keeps its records forever.
    pub(in crate::store) fn longest_retention(&self) -> Option<u32> {
        let organizations = self.store().snapshots().organizations();
        let days = organizations.iter().map(|one| one.settings.retention_days);
        days.clone().min().filter(|least| *least > 0).and_then(|_| days.max())
    }

    /// The oldest rows of an organization from before a time.
    async fn old(&self, id: OrganizationId, days: u32, before: DateTime<Utc>) -> Result<Old, DbErr> {
        let (events, requests) = tokio::try_join!(
            self.oldest::<fallback_events::Entity>(EVENTS, id, old_events(before)),
            self.oldest::<requests::Entity>(REQUESTS, id, old_requests(before))
        )?;
        Ok(Old { organization: id, days, before, events, requests })
    }

    async fn delete_batch(&self, batch: &[Old], now: DateTime<Utc>) -> Result<u64, Error> {
        if batch.is_empty() {
            return Ok(0);
        }
        let transaction = self.store().begin().await?;
        let mut deleted = 0;
        let may_delete = self.may_delete(&transaction).await?;
        for old in batch.iter().filter(|_| may_delete) {
            let id = old.organization;
            let (events, requests) = (old_events(old.before), old_requests(old.before));
            deleted +=
                delete::<fallback_events::Entity>(&transaction, EVENTS, id, &old.events, events).await?;
            deleted +=
                delete::<requests::Entity>(&transaction, REQUESTS, id, &old.requests, requests).await?;
        }
        transaction.commit().await?;
        for old in batch {
            let next = match (may_delete, old.is_full()) {
                (false, _) => now + OTHER,
                (true, true) => now,
                (true, false) => now + GATHER,
            };
            self.store().inner.retention.set(old.organization, old.days, next);
        }
        Ok(deleted)
    }

    async fn may_delete(&self, transaction: &Transaction) -> Result<bool, DbErr> {
        if self.store().is_sqlite() {
            return Ok(true);
        }
        let statement = Statement::from_string(transaction.get_database_backend(), LOCK);
        let row = transaction.query_one_raw(statement).await?;
        row.map_or(Ok(false), |row| row.try_get_by_index(0))
    }

    /// The ids of a batch.
    async fn oldest<E: EntityTrait>(
        &self,
        (organization_id, id): (E::Column, E::Column),
        organization: OrganizationId,
        old: Condition,
    ) -> Result<Vec<Uuid>, DbErr>
    where
        E::Model: FromQueryResult,
    {
        let rows = E::find().select_only().column(id).filter(organization_id.eq(organization)).filter(old);
        rows.order_by_asc(id).limit(BATCH).into_tuple().all(&self.store().inner.reader).await
    }

    /// When the first row of the next day ends its retention period.
    async fn next_check(
        &self,
        id: OrganizationId,
        before: DateTime<Utc>,
        kept: TimeDelta,
    ) -> Result<Option<DateTime<Utc>>, DbErr> {
        let events = self.oldest_since::<fallback_events::Entity>(
            EVENTS,
            fallback_events::Column::CreatedAt,
            id,
            before,
        );
        let requests =
            self.oldest_since::<requests::Entity>(REQUESTS, requests::Column::CreatedAt, id, before);
        let oldest = events.await?.into_iter().chain(requests.await?).min();
        Ok(oldest.map(|oldest| oldest + kept))
    }

    async fn oldest_since<E: EntityTrait>(
        &self,
        (organization_id, id): (E::Column, E::Column),
        created_at: E::Column,
        organization: OrganizationId,
        since: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, DbErr>
    where
        E::Model: FromQueryResult,
    {
        let rows = E::find()
            .select_only()
            .column(created_at)
            .filter(organization_id.eq(organization))
            .filter(id.gte(lowest_id(since - LATE)))
            .filter(id.lt(lowest_id(since + TimeDelta::days(1))))
            .filter(created_at.gte(since))
            .order_by_asc(id);
        rows.limit(1).into_tuple().one(&self.store().inner.reader).await
    }
}

/// The ids of the oldest rows of an organization, at most [`BATCH`] of each table.
struct Old {
    organization: OrganizationId,
    days: u32,
    before: DateTime<Utc>,
    events: Vec<Uuid>,
    requests: Vec<Uuid>,
}

impl Old {
    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.requests.is_empty()
    }

    /// Whether there may be more rows.
    fn is_full(&self) -> bool {
        self.events.len().max(self.requests.len()) >= FULL
    }

    fn rows(&self) -> usize {
        self.events.len() + self.requests.len()
    }
}

const EVENTS: (fallback_events::Column, fallback_events::Column) =
    (fallback_events::Column::OrganizationId, fallback_events::Column::Id);
const REQUESTS: (requests::Column, requests::Column) =
    (requests::Column::OrganizationId, requests::Column::Id);

fn old_events(before: DateTime<Utc>) -> Condition {
    within((fallback_events::Column::Id, fallback_events::Column::CreatedAt), None, Some(before))
}

/// The row of a running stream is not deleted, however old it is.
fn old_requests(before: DateTime<Utc>) -> Condition {
    within((requests::Column::Id, requests::Column::CreatedAt), None, Some(before))
        .add(requests::Column::InstanceId.is_null())
}

/// Deletes the old rows from the first of the ids to the last.
async fn delete<E: EntityTrait>(
    on: &Transaction,
    (organization_id, id): (E::Column, E::Column),
    organization: OrganizationId,
    ids: &[Uuid],
    old: Condition,
) -> Result<u64, DbErr> {
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(0) };
    let deleted = E::delete_many()
        .filter(organization_id.eq(organization))
        .filter(id.between(*first, *last))
        .filter(old)
        .exec(on)
        .await?;
    Ok(deleted.rows_affected)
}
