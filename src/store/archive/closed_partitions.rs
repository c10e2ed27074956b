//! Archives the partitions that are closed: detached from their tables, so that no row is added to them. Only PostgreSQL
//! has them.

use std::sync::PoisonError;

use entity::ids::OrganizationId;
use entity::{fallback_events, requests};
use sea_orm::{DbBackend, Statement};
use uuid::Uuid;

use super::error::ArchiveError;
use super::rows::BATCH;
use super::table::ArchivedRow;
use super::unit::{Unit, UnitKey};
use super::{Archive, let_records_pass};
use crate::store::database::expired_partitions;
use crate::store::database::partitions::time_of;
use crate::store::maintenance::system::System;
use crate::store::recorder::Watcher;

impl System<'_> {
    /// Archives and drops all closed partitions.
    pub(super) async fn archive_closed_partitions(
        &self,
        archive: &Archive,
        watcher: &Watcher,
    ) -> Result<(), ArchiveError> {
        let inner = &self.store().inner;
        for partition in expired_partitions::closed(&inner.writer).await? {
            let is_archived = || archive.archived.lock().unwrap_or_else(PoisonError::into_inner);
            if !is_archived().contains(&partition.name) {
                let rows = match partition.table {
                    "requests" => {
                        self.archive_partition::<requests::Model>(archive, watcher, &partition.name).await
                    }
                    _ => {
                        self.archive_partition::<fallback_events::Model>(archive, watcher, &partition.name)
                            .await
                    }
                }?;
                tracing::info!(partition = %partition.name, rows, "a partition is archived");
                is_archived().insert(partition.name.clone());
            }
            archive.lease.keep(self.store()).await?;
            match self.drop_archived(archive, &partition.name).await {
                Ok(()) => drop(is_archived().remove(&partition.name)),
                // A backup reads it, or a transaction is long.
                Err(ArchiveError::Database(error)) => {
                    tracing::warn!(partition = %partition.name, %error, "an archived partition cannot be dropped now");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn drop_archived(&self, archive: &Archive, partition: &str) -> Result<(), ArchiveError> {
        let transaction = self.store().begin().await?;
        archive.lease.hold(self.store(), &transaction).await?;
        expired_partitions::drop_closed(&transaction, partition).await?;
        Ok(transaction.commit().await?)
    }

    /// Archives all rows of a partition. Returns their number.
    async fn archive_partition<R: ArchivedRow>(
        &self,
        archive: &Archive,
        watcher: &Watcher,
        partition: &str,
    ) -> Result<u64, ArchiveError> {
        let inner = &self.store().inner;
        let query = format!(
            "SELECT * FROM {partition} WHERE (organization_id, id) > ($1, $2) ORDER BY organization_id, id LIMIT {BATCH}"
        );
        let (mut last, mut count) = ((OrganizationId(Uuid::nil()), Uuid::nil()), 0);
        let mut unit: Option<Unit<'_>> = None;
        loop {
            let_records_pass(watcher).await;
            archive.lease.keep(self.store()).await?;
            let values = [last.0.0.into(), last.1.into()];
            let page = Statement::from_sql_and_values(DbBackend::Postgres, query.as_str(), values);
            let page = R::find_by_statement(page).all(&inner.reader).await?;
            let Some(newest) = page.last() else { break };
            last = (newest.organization(), newest.id());
            count += page.len() as u64;
            let mut rows = page.into_iter().peekable();
            while let Some(row) = rows.next() {
                let key = key_of(&row);
                let mut of_unit = vec![row];
                while let Some(row) = rows.next_if(|row| key_of(row) == key) {
                    of_unit.push(row);
                }
                if unit.as_ref().is_none_or(|unit| unit.key() != key) {
                    finish(archive, unit.take()).await?;
                    unit =
                        Some(Unit::open(archive.storage.as_ref(), R::table(), key, inner.clock.now()).await?);
                }
                if let Some(unit) = &mut unit
                    && let Some(manifest) = unit.push(of_unit).await?
                {
                    archive.note(&manifest);
                }
            }
        }
        finish(archive, unit).await?;
        Ok(count)
    }
}

fn key_of<R: ArchivedRow>(row: &R) -> UnitKey {
    UnitKey { organization: row.organization(), day: time_of(row.id()).date_naive() }
}

async fn finish(archive: &Archive, unit: Option<Unit<'_>>) -> Result<(), ArchiveError> {
    let Some(mut unit) = unit else { return Ok(()) };
    if let Some(manifest) = unit.finish_object().await? {
        archive.note(&manifest);
    }
    Ok(())
}
