//! The indexes of drills hold the columns of the other filters, too.
//!
//! The roll-ups do not count drills, so they cannot say where those are that match a second filter. A list of them reads
//! its index until it has enough rows, and now needs no row for those that do not match.

use sea_orm_migration::prelude::*;

use crate::table::index;

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The columns of an index before this migration.
const KEY: [&str; 3] = ["organization_id", "origin", "id"];
const TABLES: [(&str, [&str; 3]); 2] = [
    ("requests", ["requested_model", "served_model", "outcome"]),
    ("fallback_events", ["failed_model", "next_model", "error_class"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, filters) in TABLES {
            replace(manager, table, &filters).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, _) in TABLES {
            replace(manager, table, &[]).await?;
        }
        Ok(())
    }
}

async fn replace(
    manager: &SchemaManager<'_>,
    table: &'static str,
    filters: &[&'static str],
) -> Result<(), DbErr> {
    manager.drop_index(Index::drop().name(format!("{table}_by_origin")).table(table).to_owned()).await?;
    let columns: Vec<&'static str> = KEY.iter().chain(filters).copied().collect();
    manager
        .create_index(index(table, "origin", &columns).and_where(Expr::cust("origin <> 'live'")).to_owned())
        .await
}
