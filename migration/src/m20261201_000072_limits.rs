//! Limits per day, of tokens and of a model inside a key, and the limits of an account at a provider.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, json_binary_null};
use sea_orm_migration::sea_orm::DbBackend;

/// Bounds how long others wait behind this change if it waits for a long transaction.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '5s'";

/// The new columns of numbers. Null is no limit, which the release before writes. SQLite adds and drops one per statement.
const COLUMNS: [(&str, &str); 5] = [
    ("api_keys", "requests_per_day"),
    ("api_keys", "tokens_per_minute"),
    ("api_keys", "tokens_per_day"),
    ("providers", "requests_per_minute"),
    ("providers", "tokens_per_minute"),
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
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared(LOCK_TIMEOUT).await?;
        }
        for (table, name) in COLUMNS {
            let column = big_integer_null(name);
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        let models = json_binary_null("model_limits");
        manager.alter_table(Table::alter().table("api_keys").add_column(models).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, name) in COLUMNS {
            manager.alter_table(Table::alter().table(table).drop_column(name).to_owned()).await?;
        }
        manager.alter_table(Table::alter().table("api_keys").drop_column("model_limits").to_owned()).await
    }
}
