//! Prices for long prompts and audio, the source of a cost, and the number of requests with unknown cost.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, text_null};

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The new columns of a price.
const PRICES: [&str; 7] = [
    "audio_input",
    "audio_output",
    "long_prompt_above",
    "long_prompt_input",
    "long_prompt_output",
    "long_prompt_cache_read",
    "long_prompt_cache_write",
];

/// The roll-up tables with sums.
const SUMS: [&str; 3] = ["request_rollups", "usage_rollups", "session_rollups"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in PRICES {
            add(manager, "model_prices", big_integer_null(name)).await?;
        }
        add(manager, "requests", text_null("cost_source")).await?;
        for table in SUMS {
            // Has a default, because the previous release writes these rows too.
            add(manager, table, big_integer("unpriced").default(0).take()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in SUMS {
            drop(manager, table, "unpriced").await?;
        }
        drop(manager, "requests", "cost_source").await?;
        for name in PRICES {
            drop(manager, "model_prices", name).await?;
        }
        Ok(())
    }
}

async fn add(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await
}

async fn drop(manager: &SchemaManager<'_>, table: &'static str, column: &'static str) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await
}
