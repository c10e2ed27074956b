//! Deletes fallback events and requests after the retention period of an organization, oldest first, in batches. Roll-ups
//! keep their counts.

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::OrganizationId;
use entity::{fallback_events, requests};
use sea_orm::sea_query::{ExprTrait as _, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter as _};

use super::system::System;
use crate::domain::error::Error;

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
                (fallback_events::Column::Id, fallback_events::Column::CreatedAt),
                fallback_events::Column::OrganizationId.eq(organization.id),
                before,
            )
            .await?;
            // The row of a running stream is not deleted, however old it is.
            let ended = requests::Column::InstanceId.is_null();
            deleted += delete::<requests::Entity>(
                &transaction,
                (requests::Column::Id, requests::Column::CreatedAt),
                requests::Column::OrganizationId.eq(organization.id).and(ended),
                before,
            )
            .await?;
            transaction.commit().await?;
        }
        Ok(deleted)
    }

    async fn has_older(&self, id: OrganizationId, before: DateTime<Utc>) -> Result<bool, Error> {
        let reader = &self.store().inner.reader;
        let event = fallback_events::Entity::find()
            .filter(fallback_events::Column::OrganizationId.eq(id))
            .filter(fallback_events::Column::CreatedAt.lt(before))
            .one(reader)
            .await?;
        if event.is_some() {
            return Ok(true);
        }
        let request = requests::Entity::find()
            .filter(requests::Column::OrganizationId.eq(id))
            .filter(requests::Column::CreatedAt.lt(before))
            .filter(requests::Column::InstanceId.is_null())
            .one(reader)
            .await?;
        Ok(request.is_some())
    }
}

async fn delete<E: EntityTrait>(
    on: &impl ConnectionTrait,
    (id, created_at): (E::Column, E::Column),
    chosen: sea_orm::sea_query::SimpleExpr,
    before: DateTime<Utc>,
) -> Result<u64, DbErr> {
    let oldest = Query::select()
        .column(id)
        .from(E::default())
        .and_where(chosen.and(created_at.lt(before)))
        .order_by(created_at, sea_orm::sea_query::Order::Asc)
        .limit(BATCH)
        .take();
    Ok(E::delete_many().filter(id.in_subquery(oldest)).exec(on).await?.rows_affected)
}
