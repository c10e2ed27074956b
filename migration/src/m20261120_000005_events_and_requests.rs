//! Fallback events and requests, written on the hot path and never changed.
//!
//! Their only foreign key is the organization. Models, configurations and keys are stored by name or id, so that a
//! record stays correct after they are deleted and a write needs no lookup. Every filter of a list has an index.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, integer, integer_null, json_binary, pk_uuid, text, text_null,
    uuid, uuid_null,
};

use crate::table::{drop_tables, filter_index, moment, organization_id, organization_reference, page_index};

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        fallback_events(manager).await?;
        requests(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["requests", "fallback_events"]).await
    }
}

async fn fallback_events(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("fallback_events")
        .col(pk_uuid("id"))
        .col(organization_id())
        .col(uuid("request_id"))
        .col(text("failed_model"))
        .col(text_null("next_model"))
        .col(text("error_class"))
        .col(text_null("error_message"))
        .col(text("invocation_type"))
        .col(uuid_null("router_config_id"))
        .col(big_integer_null("router_config_revision"))
        .col(uuid_null("session_id"))
        .col(text_null("session_ref"))
        .col(integer("hop"))
        .col(integer("attempts"))
        .col(integer_null("status_code"))
        .col(text_null("matched_rule"))
        .col(big_integer("duration_ms"))
        .col(text("origin"))
        .col(moment("created_at"))
        .col(moment("recorded_at"))
        .foreign_key(&mut organization_reference("fallback_events"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(page_index("fallback_events")).await?;
    for column in [
        "failed_model",
        "next_model",
        "error_class",
        "session_id",
        "request_id",
        "router_config_id",
        "origin",
    ] {
        manager.create_index(filter_index("fallback_events", column)).await?;
    }
    Ok(())
}

async fn requests(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("requests")
        .col(pk_uuid("id"))
        .col(organization_id())
        .col(uuid_null("api_key_id"))
        .col(text_null("api_key_name"))
        .col(text("requested_model"))
        .col(text_null("served_model"))
        .col(text_null("served_provider"))
        .col(text("outcome"))
        .col(text_null("error_class"))
        .col(integer("status_code"))
        .col(text("endpoint"))
        .col(text("invocation_type"))
        .col(boolean("streamed"))
        .col(big_integer_null("input_tokens"))
        .col(big_integer_null("output_tokens"))
        .col(big_integer_null("cached_tokens"))
        .col(big_integer_null("reasoning_tokens"))
        .col(big_integer_null("cost_nano_dollars"))
        .col(uuid_null("model_price_id"))
        .col(boolean("estimated"))
        .col(big_integer_null("first_frame_ms"))
        .col(big_integer("total_ms"))
        .col(integer("upstream_calls"))
        .col(integer("hops"))
        .col(json_binary("attempts"))
        .col(uuid_null("session_id"))
        .col(text_null("session_ref"))
        .col(integer_null("client_retry_count"))
        .col(text("origin"))
        .col(moment("created_at"))
        .col(moment("recorded_at"))
        .foreign_key(&mut organization_reference("requests"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(page_index("requests")).await?;
    for column in ["requested_model", "served_model", "outcome", "session_id", "api_key_id"] {
        manager.create_index(filter_index("requests", column)).await?;
    }
    Ok(())
}
