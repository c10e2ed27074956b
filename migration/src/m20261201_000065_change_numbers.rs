//! Numbers of changes, so that a process reads what changed without looking at what did not.
//!
//! Processes of the release before write none of these columns: `instance_state.numbered` then falls behind `value`.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null};
use sea_orm_migration::sea_orm::DbBackend;

use crate::table::index;

/// Bounds how long others wait behind this change if it waits for a long transaction.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '5s'";

/// Revoked keys in the order of their revocations.
const REVOCATIONS: &str = "CREATE INDEX api_keys_by_revocation_seq ON api_keys (revocation_seq, id) \
                           WHERE revocation_seq IS NOT NULL";

/// The indexes of the new columns.
const INDEXES: [(&str, &str); 3] = [
    ("organizations", "organizations_by_change"),
    ("api_keys", "api_keys_by_version"),
    ("api_keys", "api_keys_by_revocation_seq"),
];

/// The new columns that may be null. SQLite adds and drops one per statement.
const COLUMNS: [(&str, &str); 4] = [
    ("organizations", "change_seq"),
    ("organizations", "catalog_version"),
    ("api_keys", "version"),
    ("api_keys", "revocation_seq"),
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
        manager.create_index(index("organizations", "change", &["change_seq", "id"])).await?;
        manager.create_index(index("api_keys", "version", &["organization_id", "version"])).await?;
        manager.get_connection().execute_unprepared(REVOCATIONS).await?;
        // Last, because every process polls this table.
        let numbered = big_integer("numbered").default(0).take();
        manager.alter_table(Table::alter().table("instance_state").add_column(numbered).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, name) in INDEXES {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        for (table, name) in COLUMNS {
            manager.alter_table(Table::alter().table(table).drop_column(name).to_owned()).await?;
        }
        manager.alter_table(Table::alter().table("instance_state").drop_column("numbered").to_owned()).await
    }
}
