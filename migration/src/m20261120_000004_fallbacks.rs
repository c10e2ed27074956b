//! Fallback configurations, their revisions and targets.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, integer, json_binary_null, pk_uuid, text, uuid, uuid_null};

use crate::table::{
    drop_tables, index, moment, moment_null, one_of, organization_id, organization_reference, primary_key,
    tenant_index, tenant_reference,
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
        configs(manager).await?;
        revisions(manager).await?;
        targets(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["fallback_targets", "fallback_revisions", "fallback_configs"]).await
    }
}

async fn configs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("fallback_configs")
        .col(pk_uuid("id"))
        .col(organization_id())
        .col(uuid("model_id"))
        .col(text("fallback_type"))
        .col(big_integer("current_revision"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .col(moment_null("deleted_at"))
        .foreign_key(&mut organization_reference("fallback_configs"))
        .foreign_key(&mut tenant_reference("fallback_configs", "model_id", "models"))
        .check(one_of("fallback_type", &["general", "context_window", "content_policy"]))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(tenant_index("fallback_configs")).await?;
    // Includes deleted rows: a new create finds the old row and keeps its id.
    let one_per_type = ["organization_id", "model_id", "fallback_type"];
    manager.create_index(index("fallback_configs", "model_and_type", &one_per_type).unique().to_owned()).await
}

async fn revisions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("fallback_revisions")
        .col(pk_uuid("id"))
        .col(organization_id())
        .col(uuid("config_id"))
        .col(big_integer("number"))
        .col(text("kind"))
        .col(json_binary_null("triggers"))
        .col(text("actor_kind"))
        .col(uuid_null("actor_id"))
        .col(text("actor_label"))
        .col(moment("created_at"))
        .foreign_key(&mut organization_reference("fallback_revisions"))
        .foreign_key(&mut tenant_reference("fallback_revisions", "config_id", "fallback_configs"))
        .check(one_of("kind", &["set", "deleted"]))
        .check(one_of("actor_kind", &["user", "api_key", "system"]))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(tenant_index("fallback_revisions")).await?;
    // Two users who save at the same time cannot both write the same revision: the second gets an error.
    manager
        .create_index(index("fallback_revisions", "number", &["config_id", "number"]).unique().to_owned())
        .await
}

async fn targets(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("fallback_targets")
        .col(uuid("revision_id"))
        .col(integer("position"))
        .col(organization_id())
        .col(uuid("source_model_id"))
        .col(uuid("target_model_id"))
        .primary_key(&mut primary_key(&["revision_id", "position"]))
        .foreign_key(&mut organization_reference("fallback_targets"))
        .foreign_key(&mut tenant_reference("fallback_targets", "revision_id", "fallback_revisions"))
        .foreign_key(&mut tenant_reference("fallback_targets", "source_model_id", "models"))
        .foreign_key(&mut tenant_reference("fallback_targets", "target_model_id", "models"))
        .check(Expr::cust("source_model_id <> target_model_id"))
        .check(Expr::cust("position >= 0"))
        .to_owned();
    manager.create_table(table).await?;
    manager
        .create_index(
            index("fallback_targets", "revision_and_target", &["revision_id", "target_model_id"])
                .unique()
                .to_owned(),
        )
        .await?;
    // To find the configurations that prevent the deletion of a model.
    manager.create_index(index("fallback_targets", "target", &["organization_id", "target_model_id"])).await
}
