//! Usage by day, by model and key, and by session. Budgets and invoices are based on it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text, uuid};

use crate::table::{drop_tables, index, organization_id, organization_reference, primary_key};

/// Day starts must be multiples of a day, so that no day is split.
const WHOLE_DAYS: &str = "day % 86400 = 0";

/// Fills the table for past days. The number of estimated requests is not known for them.
const EARLIER: &str = "INSERT INTO usage_rollups (organization_id, day, served_model, api_key_id, origin, requests, \
    answered, by_fallback, input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost_nano_dollars, estimated) \
    SELECT organization_id, bucket_at - bucket_at % 86400, served_model, api_key_id, origin, CAST(SUM(requests) AS bigint), \
    CAST(SUM(CASE WHEN outcome = 'answered' THEN requests ELSE 0 END) AS bigint), \
    CAST(SUM(CASE WHEN outcome = 'answered' AND by_fallback THEN requests ELSE 0 END) AS bigint), \
    CAST(SUM(input_tokens) AS bigint), CAST(SUM(output_tokens) AS bigint), CAST(SUM(cached_tokens) AS bigint), \
    CAST(SUM(reasoning_tokens) AS bigint), CAST(SUM(cost_nano_dollars) AS bigint), 0 FROM request_rollups \
    GROUP BY organization_id, bucket_at - bucket_at % 86400, served_model, api_key_id, origin";

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let days = ["organization_id", "day", "served_model", "api_key_id", "origin"];
        counted(manager, "usage_rollups", None, &days).await?;
        let sessions = ["organization_id", "session_id", "day", "served_model", "api_key_id", "origin"];
        counted(manager, "session_rollups", Some(uuid("session_id")), &sessions).await?;
        manager.create_index(index("session_rollups", "day", &["organization_id", "day"])).await?;
        manager.get_connection().execute_unprepared(EARLIER).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["session_rollups", "usage_rollups"]).await
    }
}

async fn counted(
    manager: &SchemaManager<'_>,
    name: &'static str,
    session: Option<ColumnDef>,
    key: &[&'static str],
) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table(name).col(organization_id());
    if let Some(session) = session {
        table.col(session);
    }
    table
        .col(big_integer("day"))
        .col(text("served_model"))
        .col(uuid("api_key_id"))
        .col(text("origin"))
        .col(big_integer("requests"))
        .col(big_integer("answered"))
        .col(big_integer("by_fallback"))
        .col(big_integer("input_tokens"))
        .col(big_integer("output_tokens"))
        .col(big_integer("cached_tokens"))
        .col(big_integer("reasoning_tokens"))
        .col(big_integer("cost_nano_dollars"))
        .col(big_integer("estimated"))
        .primary_key(&mut primary_key(key))
        .foreign_key(&mut organization_reference(name))
        .check(Expr::cust(WHOLE_DAYS));
    manager.create_table(table).await
}
