//! Archives and deletes rows of the tables, by organization and day.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use entity::ids::OrganizationId;
use entity::{fallback_events, requests};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

use super::error::ArchiveError;
use super::table::ArchivedRow;
use super::unit::{Unit, UnitKey};
use super::{Archive, MOST_FAILURES, let_records_pass};
use crate::store::database::partitions::{self, time_of};
use crate::store::maintenance::system::System;
use crate::store::pagination::time_range::{LATE, lowest_id};
use crate::store::recorder::Watcher;

/// The most rows that are read by one statement, and deleted by one transaction.
pub(super) const BATCH: u64 = 500;
/// The pauses after a batch was deleted, which are as long as that took.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(200)];
/// How much later than their partition should be archived rows are archived on their own.
const SLACK: TimeDelta = TimeDelta::hours(1);
/// The delay after which rows are looked for again that came while their day was archived.
const AGAIN: TimeDelta = TimeDelta::minutes(1);

/// Consecutive rows that are all in the archive.
struct Range {
    first: Uuid,
    last: Uuid,
    rows: u64,
}

impl System<'_> {
    /// Archives and deletes the days of organizations that are beyond their retention as a whole.
    pub(super) async fn archive_organizations(
        &self,
        archive: &Archive,
        watcher: &Watcher,
    ) -> Result<(), ArchiveError> {
        let inner = &self.store().inner;
        let now = inner.clock.now();
        let longest = self.longest_retention();
        let (mut failures, mut failed) = (0, None);
        for (organization, days) in self.retention_due(now) {
            let mut kept = TimeDelta::days(days.into()) + LATE;
            if longest == Some(days) && !self.store().is_sqlite() {
                kept += partitions::width(Some(days.into())) + SLACK;
            }
            let until = start_of_day(now - kept);
            match self.archive_organization(archive, watcher, organization, until).await {
                Ok(is_complete) => {
                    let next = if is_complete { until + TimeDelta::days(1) + kept } else { now + AGAIN };
                    inner.retention.set(organization, days, next);
                    failures = 0;
                }
                Err(error) => {
                    tracing::warn!(%organization, %error, "records cannot be archived; they stay in the database");
                    failed.get_or_insert(error);
                    failures += 1;
                }
            }
            if failures >= MOST_FAILURES || matches!(failed, Some(ArchiveError::Lost)) {
                break;
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Whether no row from before that time is left.
    async fn archive_organization(
        &self,
        archive: &Archive,
        watcher: &Watcher,
        organization: OrganizationId,
        until: DateTime<Utc>,
    ) -> Result<bool, ArchiveError> {
        // Both tables, even if the first one is not complete.
        let events =
            self.archive_table::<fallback_events::Model>(archive, watcher, organization, until).await?;
        let requests = self.archive_table::<requests::Model>(archive, watcher, organization, until).await?;
        Ok(events && requests)
    }

    async fn archive_table<R: ArchivedRow>(
        &self,
        archive: &Archive,
        watcher: &Watcher,
        organization: OrganizationId,
        until: DateTime<Utc>,
    ) -> Result<bool, ArchiveError> {
        loop {
            let before = lowest_id(until);
            let oldest = final_rows::<R>(organization).filter(R::ID.lt(before)).order_by_asc(R::ID);
            let oldest: Option<Uuid> = oldest
                .select_only()
                .column(R::ID)
                .limit(1)
                .into_tuple()
                .one(&self.store().inner.reader)
                .await?;
            let Some(oldest) = oldest else { return Ok(true) };
            let key = UnitKey { organization, day: time_of(oldest).date_naive() };
            let ranges = self.archive_day::<R>(archive, watcher, key).await?;
            if !self.delete_archived::<R>(archive, watcher, organization, &ranges).await? {
                return Ok(false);
            }
        }
    }

    /// Archives a day. Returns its rows in the order of their ids, in ranges.
    async fn archive_day<R: ArchivedRow>(
        &self,
        archive: &Archive,
        watcher: &Watcher,
        key: UnitKey,
    ) -> Result<Vec<Range>, ArchiveError> {
        let inner = &self.store().inner;
        let start = key.day.and_time(NaiveTime::MIN).and_utc();
        let (first, next) = (lowest_id(start), lowest_id(start + TimeDelta::days(1)));
        let mut unit = Unit::open(archive.storage.as_ref(), R::table(), key, inner.clock.now()).await?;
        let (mut ranges, mut last) = (Vec::new(), None);
        loop {
            let_records_pass(watcher).await;
            archive.lease.keep(self.store()).await?;
            let after = last.map_or(R::ID.gte(first), |last: Uuid| R::ID.gt(last));
            let rows = final_rows::<R>(key.organization).filter(after).filter(R::ID.lt(next));
            let rows: Vec<R> = rows.order_by_asc(R::ID).limit(BATCH).all(&inner.reader).await?;
            let (Some(oldest), Some(newest)) = (rows.first().map(R::id), rows.last().map(R::id)) else {
                break;
            };
            ranges.push(Range { first: oldest, last: newest, rows: rows.len() as u64 });
            last = Some(newest);
            if let Some(manifest) = unit.push(rows).await? {
                archive.note(&manifest);
            }
        }
        if let Some(manifest) = unit.finish_object().await? {
            archive.note(&manifest);
        }
        Ok(ranges)
    }

    /// Deletes rows that are archived. `false` if rows came in between, which are not: then they stay with their range.
    async fn delete_archived<R: ArchivedRow>(
        &self,
        archive: &Archive,
        watcher: &Watcher,
        organization: OrganizationId,
        ranges: &[Range],
    ) -> Result<bool, ArchiveError> {
        for range in ranges {
            let_records_pass(watcher).await;
            archive.lease.keep(self.store()).await?;
            let begun = Instant::now();
            let transaction = self.store().begin().await?;
            archive.lease.hold(self.store(), &transaction).await?;
            let deleted = R::Entity::delete_many()
                .filter(final_of::<R>(organization))
                .filter(R::ID.between(range.first, range.last))
                .exec(&transaction)
                .await?
                .rows_affected;
            if deleted != range.rows {
                transaction.rollback().await?;
                return Ok(false);
            }
            transaction.commit().await?;
            tokio::time::sleep(begun.elapsed().clamp(PAUSES[0], PAUSES[1])).await;
        }
        Ok(true)
    }
}

/// The rows of an organization, without those of running streams.
fn final_rows<R: ArchivedRow>(organization: OrganizationId) -> sea_orm::Select<R::Entity> {
    R::Entity::find().filter(final_of::<R>(organization))
}

fn final_of<R: ArchivedRow>(organization: OrganizationId) -> Condition {
    let rows = Condition::all().add(R::ORGANIZATION.eq(organization));
    match R::INSTANCE {
        Some(instance) => rows.add(instance.is_null()),
        None => rows,
    }
}

fn start_of_day(time: DateTime<Utc>) -> DateTime<Utc> {
    time.date_naive().and_time(NaiveTime::MIN).and_utc()
}
