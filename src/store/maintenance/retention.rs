//! Deletes fallback events and requests after the retention period of an organization, oldest first, in batches. Roll-ups
//! keep their counts.

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::OrganizationId;
use entity::{fallback_events, requests};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Select,
};

use super::system::System;
use crate::domain::error::Error;
use crate::store::pagination::time_range::within;

/// The most rows of one table that one transaction deletes.
pub(in crate::store) const BATCH: u64 = 500;

impl System<'_> {
    /// Deletes one batch for each organization with a retention period. Returns the number of deleted rows, which is 0 if
    /// none is left.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_past_retention(&self) -> Result<u64, Error> {
        let store = self.store();
        let now = store.inner.clock.now();
        let mut deleted = 0;
        for organization in store.snapshots().organizations() {
            let days = organization.settings.retention_days;
            if days == 0 {
                continue;
            }
            let before = now - TimeDelta::days(days.into());
            // Checked without a transaction, because usually there is nothing to delete and writers should not wait.
            if !self.has_older(organization.id, before).await? {
                continue;
            }
            let transaction = store.begin().await?;
            deleted += delete::<fallback_events::Entity>(
                &transaction,
                old_events(organization.id, before),
                (fallback_events::Column::OrganizationId, fallback_events::Column::Id),
                organization.id,
            )
            .await?;
            deleted += delete::<requests::Entity>(
                &transaction,
                old_requests(organization.id, before),
                (requests::Column::OrganizationId, requests::Column::Id),
                organization.id,
            )
            .await?;
            transaction.commit().await?;
        }
        Ok(deleted)
    }

    async fn has_older(&self, id: OrganizationId, before: DateTime<Utc>) -> Result<bool, Error> {
        let reader = &self.store().inner.reader;
        if old_events(id, before).one(reader).await?.is_some() {
            return Ok(true);
        }
        Ok(old_requests(id, before).one(reader).await?.is_some())
    }
}

fn old_events(id: OrganizationId, before: DateTime<Utc>) -> Select<fallback_events::Entity> {
    use fallback_events::Column;
    fallback_events::Entity::find().filter(Column::OrganizationId.eq(id)).filter(within(
        (Column::Id, Column::CreatedAt),
        None,
        Some(before),
    ))
}

/// The row of a running stream is not deleted, however old it is.
fn old_requests(id: OrganizationId, before: DateTime<Utc>) -> Select<requests::Entity> {
    use requests::Column;
    requests::Entity::find()
        .filter(Column::OrganizationId.eq(id))
        .filter(within((Column::Id, Column::CreatedAt), None, Some(before)))
        .filter(Column::InstanceId.is_null())
}

/// Deletes the oldest of the chosen rows.
async fn delete<E: EntityTrait>(
    on: &impl ConnectionTrait,
    chosen: Select<E>,
    (organization_id, id): (E::Column, E::Column),
    organization: OrganizationId,
) -> Result<u64, DbErr> {
    let oldest = chosen.select_only().column(id).order_by_asc(id).limit(BATCH).into_query();
    let deleted = E::delete_many()
        .filter(organization_id.eq(organization))
        .filter(id.in_subquery(oldest))
        .exec(on)
        .await?;
    Ok(deleted.rows_affected)
}
