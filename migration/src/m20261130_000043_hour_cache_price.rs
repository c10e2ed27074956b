//! The price of prompt tokens that a provider keeps in its cache for an hour.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::big_integer_null;

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMN: &str = "cache_write_1h";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter().table("model_prices").add_column(big_integer_null(COLUMN)).to_owned();
        manager.alter_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("model_prices").drop_column(COLUMN).to_owned()).await
    }
}
