//! Deletes expired or used links, sessions and invitations in small batches.
//!
//! The audit log keeps their entries.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{invitations, one_time_links, sessions};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait, QueryFilter as _, QuerySelect as _, QueryTrait as _, Select,
};

use super::system::System;
use crate::domain::error::Error;

/// How long ended rows are kept. A sign-in opens the organization of a session of the last month.
pub const KEPT: TimeDelta = TimeDelta::days(30);
/// The most rows of one statement.
const BATCH: u64 = 200;

impl System<'_> {
    /// Deletes rows that ended more than [`KEPT`] ago, at most 200 of each kind. Returns the number of deleted rows, which
    /// is 0 if none is left.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_expired(&self) -> Result<u64, Error> {
        let before = self.store().inner.clock.now() - KEPT;
        let links = one_time_links::Entity::find().filter(over(
            one_time_links::Column::ExpiresAt,
            &[one_time_links::Column::UsedAt],
            before,
        ));
        let ended = sessions::Entity::find().filter(over(
            sessions::Column::ExpiresAt,
            &[sessions::Column::RevokedAt],
            before,
        ));
        let invited = invitations::Entity::find().filter(over(
            invitations::Column::ExpiresAt,
            &[invitations::Column::AcceptedAt, invitations::Column::RevokedAt],
            before,
        ));
        let links = self.delete(links, one_time_links::Column::Id).await?;
        let sessions = self.delete(ended, sessions::Column::Id).await?;
        Ok(links + sessions + self.delete(invited, invitations::Column::Id).await?)
    }

    async fn delete<E: EntityTrait>(&self, rows: Select<E>, id: E::Column) -> Result<u64, Error> {
        let ids = rows.select_only().column(id).limit(BATCH).into_query();
        let deleted = E::delete_many().filter(id.in_subquery(ids)).exec(&self.store().inner.writer).await?;
        Ok(deleted.rows_affected)
    }
}

/// The condition that a row expired, or that one of `ends` happened, before that time.
fn over<C: sea_orm::ColumnTrait>(end: C, ends: &[C], before: DateTime<Utc>) -> Condition {
    let ended = ends.iter().map(|column| column.lt(before));
    ended.fold(Condition::any().add(end.lt(before)), Condition::add)
}
