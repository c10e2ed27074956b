//! The catalog: providers, models and prices.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer_null, blob_null, boolean, integer_null, json_binary, pk_uuid, text, text_null, uuid,
};

use crate::table::{
    drop_tables, index, living_name_index, moment, moment_null, one_of, organization_id,
    organization_reference, page_index, tenant_index, tenant_reference,
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
        providers(manager).await?;
        models(manager).await?;
        model_prices(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["model_prices", "models", "providers"]).await
    }
}

async fn providers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("providers")
        .col(pk_uuid("id"))
        .col(organization_id())
        .col(text("name"))
        .col(text("preset"))
        .col(text_null("base_url"))
        .col(blob_null("credential"))
        .col(text_null("credential_hint"))
        .col(text("health"))
        .col(text_null("health_message"))
        .col(moment_null("health_at"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .col(moment_null("deleted_at"))
        .foreign_key(&mut organization_reference("providers"))
        .check(one_of("health", &["unknown", "ok", "failing"]))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(tenant_index("providers")).await?;
    manager.create_index(living_name_index("providers")).await?;
    manager.create_index(page_index("providers")).await
}

async fn models(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("models")
        .col(pk_uuid("id"))
        .col(organization_id())
        .col(text("name"))
        .col(uuid("provider_id"))
        .col(text("upstream_model"))
        .col(big_integer_null("context_window"))
        .col(big_integer_null("max_output_tokens"))
        .col(json_binary("capabilities"))
        .col(json_binary("parameter_rules"))
        .col(big_integer_null("first_frame_timeout_ms"))
        .col(big_integer_null("answer_timeout_ms"))
        .col(integer_null("num_retries"))
        .col(boolean("enabled"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .col(moment_null("deleted_at"))
        .foreign_key(&mut organization_reference("models"))
        .foreign_key(&mut tenant_reference("models", "provider_id", "providers"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(tenant_index("models")).await?;
    manager.create_index(living_name_index("models")).await?;
    manager.create_index(page_index("models")).await?;
    // To find the models that prevent the deletion of a provider.
    manager.create_index(index("models", "provider", &["organization_id", "provider_id"])).await
}

async fn model_prices(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("model_prices")
        .col(pk_uuid("id"))
        .col(organization_id())
        .col(uuid("model_id"))
        .col(big_integer_null("input"))
        .col(big_integer_null("output"))
        .col(big_integer_null("cache_read"))
        .col(big_integer_null("cache_write"))
        .col(moment("valid_from"))
        .col(moment("created_at"))
        .foreign_key(&mut organization_reference("model_prices"))
        .foreign_key(&mut tenant_reference("model_prices", "model_id", "models"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("model_prices", "model", &["organization_id", "model_id", "valid_from"])).await
}
