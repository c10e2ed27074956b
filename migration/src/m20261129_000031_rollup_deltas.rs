//! What commits add to the roll-ups, until it is folded into them.
//!
//! The table is a queue of the installation: a row holds the counts of one commit, of all its organizations.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{pk_uuid, text};
use sea_orm_migration::sea_orm::DbBackend;

use crate::table::drop_tables;

/// The tables are small and every row of theirs is updated or deleted soon, so they are cleaned early, and an updated
/// row finds room on its page.
const BUSY: [&str; 6] = [
    "ALTER TABLE rollup_deltas SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)",
    "ALTER TABLE request_rollups SET (fillfactor = 80)",
    "ALTER TABLE fallback_rollups SET (fillfactor = 80)",
    "ALTER TABLE latency_rollups SET (fillfactor = 80)",
    "ALTER TABLE usage_rollups SET (fillfactor = 80)",
    "ALTER TABLE session_rollups SET (fillfactor = 80)",
];

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create().table("rollup_deltas").col(pk_uuid("id")).col(text("counted")).to_owned();
        manager.create_table(table).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            for statement in BUSY {
                manager.get_connection().execute_unprepared(statement).await?;
            }
        }
        Ok(())
    }

    /// Reverting loses what is not folded yet.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["rollup_deltas"]).await
    }
}
