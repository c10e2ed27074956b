//! Roll-ups: counts of requests and fallback events in five-minute buckets.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, boolean, json_binary, text, uuid};

use crate::table::{drop_tables, organization_id, organization_reference, primary_key};

/// Bucket starts must be multiples of five minutes, so that no bucket is split.
const WHOLE_BUCKETS: &str = "bucket_at % 300 = 0";

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        request_rollups(manager).await?;
        fallback_rollups(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["fallback_rollups", "request_rollups"]).await
    }
}

async fn request_rollups(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let key = [
        "organization_id",
        "bucket_at",
        "requested_model",
        "served_model",
        "outcome",
        "by_fallback",
        "api_key_id",
        "origin",
    ];
    let table = Table::create()
        .table("request_rollups")
        .col(organization_id())
        .col(big_integer("bucket_at"))
        .col(text("requested_model"))
        .col(text("served_model"))
        .col(text("outcome"))
        .col(boolean("by_fallback"))
        .col(uuid("api_key_id"))
        .col(text("origin"))
        .col(big_integer("requests"))
        .col(big_integer("input_tokens"))
        .col(big_integer("output_tokens"))
        .col(big_integer("cached_tokens"))
        .col(big_integer("reasoning_tokens"))
        .col(big_integer("cost_nano_dollars"))
        .col(json_binary("first_frame_counts"))
        .col(json_binary("total_counts"))
        .primary_key(&mut primary_key(&key))
        .foreign_key(&mut organization_reference("request_rollups"))
        .check(Expr::cust(WHOLE_BUCKETS))
        .to_owned();
    manager.create_table(table).await
}

async fn fallback_rollups(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let key = ["organization_id", "bucket_at", "failed_model", "next_model", "error_class", "origin"];
    let table = Table::create()
        .table("fallback_rollups")
        .col(organization_id())
        .col(big_integer("bucket_at"))
        .col(text("failed_model"))
        .col(text("next_model"))
        .col(text("error_class"))
        .col(text("origin"))
        .col(big_integer("events"))
        .primary_key(&mut primary_key(&key))
        .foreign_key(&mut organization_reference("fallback_rollups"))
        .check(Expr::cust(WHOLE_BUCKETS))
        .to_owned();
    manager.create_table(table).await
}
