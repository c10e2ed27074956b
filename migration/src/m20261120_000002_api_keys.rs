//! API keys.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer_null, blob, json_binary, json_binary_null, pk_uuid, text, uuid_null,
};

use crate::table::{
    drop_tables, index, moment, moment_null, organization_id, organization_reference, page_index, reference,
    tenant_index,
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
        let table = Table::create()
            .table("api_keys")
            .col(pk_uuid("id"))
            .col(organization_id())
            .col(text("name"))
            .col(blob("key_hash"))
            .col(text("prefix"))
            .col(text("last_four"))
            .col(json_binary("scopes"))
            .col(json_binary_null("models"))
            .col(big_integer_null("requests_per_minute"))
            .col(big_integer_null("concurrent_requests"))
            .col(moment_null("expires_at"))
            .col(uuid_null("created_by"))
            .col(moment("created_at"))
            .col(moment("updated_at"))
            .col(moment_null("last_used_at"))
            .col(moment_null("revoked_at"))
            .foreign_key(&mut organization_reference("api_keys"))
            .foreign_key(&mut reference("api_keys", &["created_by"], "users", &["id"]))
            // A shorter hash would be a bug in the code that computes it, and collisions would be likely.
            .check(Expr::cust("length(key_hash) = 32"))
            .to_owned();
        manager.create_table(table).await?;
        manager.create_index(tenant_index("api_keys")).await?;
        manager.create_index(index("api_keys", "key_hash", &["key_hash"]).unique().to_owned()).await?;
        manager.create_index(page_index("api_keys")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["api_keys"]).await
    }
}
