//! Budgets, the audit log, and the outbox of messages to external systems.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, json_binary, json_binary_null, pk_uuid, text, uuid_null};

use crate::table::{
    drop_tables, index, moment, moment_null, one_of, organization_id, organization_reference, page_index,
    tenant_reference,
};

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        budgets(manager).await?;
        audit_entries(manager).await?;
        outbox(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["outbox", "audit_entries", "budgets"]).await
    }
}

async fn budgets(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("budgets")
        .col(pk_uuid("id"))
        .col(organization_id())
        .col(uuid_null("api_key_id"))
        .col(text("period"))
        .col(big_integer_null("soft_limit_nano_dollars"))
        .col(big_integer_null("hard_limit_nano_dollars"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .col(moment_null("deleted_at"))
        .foreign_key(&mut organization_reference("budgets"))
        .foreign_key(&mut tenant_reference("budgets", "api_key_id", "api_keys"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("budgets", "api_key", &["organization_id", "api_key_id"])).await
}

async fn audit_entries(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("audit_entries")
        .col(pk_uuid("id"))
        .col(organization_id())
        .col(text("actor_kind"))
        .col(uuid_null("actor_id"))
        .col(text("actor_label"))
        .col(text("action"))
        .col(text("resource_kind"))
        .col(uuid_null("resource_id"))
        .col(text("resource_name"))
        .col(json_binary_null("before"))
        .col(json_binary_null("after"))
        .col(uuid_null("request_id"))
        .col(moment("created_at"))
        .foreign_key(&mut organization_reference("audit_entries"))
        .check(one_of("actor_kind", &["user", "api_key", "system"]))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(page_index("audit_entries")).await
}

async fn outbox(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("outbox")
        .col(pk_uuid("id"))
        .col(organization_id())
        .col(text("kind"))
        .col(json_binary("payload"))
        .col(moment("created_at"))
        .col(moment_null("delivered_at"))
        .foreign_key(&mut organization_reference("outbox"))
        .to_owned();
    manager.create_table(table).await?;
    // Pending messages have NULL here and are read oldest first; delivered ones are deleted by age.
    manager.create_index(index("outbox", "delivery", &["delivered_at", "id"])).await
}
