//! On SQLite, deltas of the roll-ups are found by their place. An index of their ids would cost every commit a page.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{pk_uuid, text, uuid};
use sea_orm_migration::sea_orm::DbBackend;

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rebuild(manager, uuid("id")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rebuild(manager, pk_uuid("id")).await
    }
}

/// SQLite cannot drop a key, so the rows are copied.
async fn rebuild(manager: &SchemaManager<'_>, id: ColumnDef) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Sqlite {
        return Ok(());
    }
    manager.create_table(Table::create().table("copied").col(id).col(text("counted")).to_owned()).await?;
    for statement in [
        "INSERT INTO copied (id, counted) SELECT id, counted FROM rollup_deltas ORDER BY id",
        "DROP TABLE rollup_deltas",
        "ALTER TABLE copied RENAME TO rollup_deltas",
    ] {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}
