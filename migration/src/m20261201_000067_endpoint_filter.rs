//! The index of the filter for requests of one endpoint. Most requests are chat completions, and it has the others.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::table::index;

/// The words are part of the texts of queries, because a database cannot tell from a parameter that a partial index serves.
const ROWS: &str = "endpoint <> '/v1/chat/completions'";

/// A backup reads the table for long. Without a limit, everything else would wait behind this migration until its end.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '5s'";

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        limit_wait(manager).await?;
        let mut filter = index("requests", "endpoint", &["organization_id", "endpoint", "id"]);
        manager.create_index(filter.and_where(Expr::cust(ROWS)).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        limit_wait(manager).await?;
        manager.get_connection().execute_unprepared("DROP INDEX requests_by_endpoint").await.map(drop)
    }
}

async fn limit_wait(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        manager.get_connection().execute_unprepared(LOCK_TIMEOUT).await?;
    }
    Ok(())
}
