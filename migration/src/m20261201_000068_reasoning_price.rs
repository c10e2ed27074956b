//! The price of reasoning where a vendor bills it apart, and the prices of long prompts that were missing: that of reasoning, and that
//! of prompt tokens that a provider keeps in its cache for an hour.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::big_integer_null;

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMNS: [&str; 3] = ["reasoning", "long_prompt_reasoning", "long_prompt_cache_write_1h"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in COLUMNS {
            let table = Table::alter().table("model_prices").add_column(big_integer_null(column)).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            manager.alter_table(Table::alter().table("model_prices").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
