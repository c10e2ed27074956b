//! What nobody needs any more is deleted, a little at a time: links that were used or are over, sessions, invitations.
//!
//! What they did stays in the audit.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{invitations, one_time_links, sessions};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait, QueryFilter as _, QuerySelect as _, QueryTrait as _, Select,
};

use super::system::System;
use crate::domain::error::Error;

/// How long what is over is kept: the next log-in leads to where a session of the last month was.
pub const KEPT: TimeDelta = TimeDelta::days(30);
/// Rows of one statement: nobody waits for more than these.
const BATCH: u64 = 200;

impl System<'_> {
    /// Deletes what is over for longer than [`KEPT`], of every kind at most 200 rows. Returns how many they were: 0 when
    /// nothing is left to do.
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

/// It ended by itself, or by one of these, before that moment.
fn over<C: sea_orm::ColumnTrait>(end: C, ends: &[C], before: DateTime<Utc>) -> Condition {
    let ended = ends.iter().map(|column| column.lt(before));
    ended.fold(Condition::any().add(end.lt(before)), Condition::add)
}
