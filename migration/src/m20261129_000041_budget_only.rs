//! What budgets count in addition to the cost of requests, by day.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::big_integer;

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Has a default, because the previous release writes these rows too.
        let column = big_integer("budget_only_nano_dollars").default(0).take();
        manager.alter_table(Table::alter().table("usage_rollups").add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter().table("usage_rollups").drop_column("budget_only_nano_dollars").to_owned();
        manager.alter_table(table).await
    }
}
