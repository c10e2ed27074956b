//! Problems with reported usage, tokens written to caches, and the time of budget warnings.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, text_null};

use crate::table::{index, moment_null};

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [big_integer_null("cache_write_tokens"), text_null("usage_flag")] {
            manager.alter_table(Table::alter().table("requests").add_column(column).to_owned()).await?;
        }
        let warned = moment_null("warned_at");
        manager.alter_table(Table::alter().table("budgets").add_column(warned).to_owned()).await?;
        // NULLs are not equal, so the budgets of whole organizations need a separate unique index.
        let living = || Expr::col("deleted_at").is_null();
        manager
            .create_index(
                index("budgets", "living_period", &["organization_id", "period"])
                    .unique()
                    .and_where(living().and(Expr::col("api_key_id").is_null()))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index("budgets", "living_key_period", &["organization_id", "api_key_id", "period"])
                    .unique()
                    .and_where(living())
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["budgets_by_living_key_period", "budgets_by_living_period"] {
            manager.drop_index(Index::drop().name(name).table("budgets").to_owned()).await?;
        }
        for (table, column) in
            [("budgets", "warned_at"), ("requests", "usage_flag"), ("requests", "cache_write_tokens")]
        {
            manager.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
