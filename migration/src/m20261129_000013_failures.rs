//! The time of the last cooldown reset of a model, and the number of health changes of a provider since the last audit
//! entry.

use sea_orm_migration::prelude::*;

use crate::table::moment_null;

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add(manager, "models", moment_null("cooldown_ended_at")).await?;
        add(manager, "providers", moment_null("health_noted_at")).await?;
        // The previous release creates providers without it.
        let changes = ColumnDef::new("health_changes").integer().not_null().default(0).to_owned();
        add(manager, "providers", changes).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [
            ("providers", "health_changes"),
            ("providers", "health_noted_at"),
            ("models", "cooldown_ended_at"),
        ] {
            manager.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}

async fn add(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await
}
