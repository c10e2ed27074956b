//! The counters of limits that processes share, and where each process counts.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, json_binary, text, text_null};
use sea_orm_migration::sea_orm::DbBackend;

use crate::table::{drop_tables, organization_id, organization_reference, primary_key};

/// Every row is updated several times per second while its limit is in use, so an updated row finds room on its page.
const BUSY: &str = "ALTER TABLE limit_counters SET \
                    (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)";

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let counters = Table::create()
            .table("limit_counters")
            .col(organization_id())
            .col(text("counter"))
            .col(json_binary("asked"))
            .col(json_binary("entries"))
            .col(big_integer("held"))
            .col(big_integer("looked_at"))
            .primary_key(&mut primary_key(&["organization_id", "counter"]))
            .foreign_key(&mut organization_reference("limit_counters"))
            .to_owned();
        manager.create_table(counters).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared(BUSY).await?;
        }
        // Null: the process is of the release before.
        let place = text_null("limit_place");
        manager.alter_table(Table::alter().table("instances").add_column(place).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("instances").drop_column("limit_place").to_owned()).await?;
        drop_tables(manager, &["limit_counters"]).await
    }
}
