//! Several credentials for one provider. The first one stays in the provider's own row, where the previous release reads
//! and changes it; the new table has the further ones, which the previous release does not use.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{blob, integer, integer_null, pk_uuid, text, text_null, uuid};

use crate::table::{
    drop_tables, index, moment, moment_null, one_of, organization_id, organization_reference,
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
        let table = Table::create()
            .table("provider_credentials")
            .col(pk_uuid("id"))
            .col(organization_id())
            .col(uuid("provider_id"))
            .col(text("name"))
            .col(integer("weight"))
            .col(integer("tier"))
            .col(blob("credential"))
            .col(text_null("credential_hint"))
            .col(text("health"))
            .col(text_null("health_message"))
            .col(moment_null("health_at"))
            .col(moment("created_at"))
            .col(moment("updated_at"))
            .foreign_key(&mut organization_reference("provider_credentials"))
            .foreign_key(&mut tenant_reference("provider_credentials", "provider_id", "providers"))
            .check(one_of("health", &["unknown", "ok", "failing"]))
            .to_owned();
        manager.create_table(table).await?;
        let mut names = index("provider_credentials", "name", &["organization_id", "provider_id", "name"]);
        manager.create_index(names.unique().to_owned()).await?;
        // SQLite adds one column at a time.
        for column in
            [text_null("credential_name"), integer_null("credential_weight"), integer_null("credential_tier")]
        {
            manager.alter_table(Table::alter().table("providers").add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["provider_credentials"]).await?;
        for column in ["credential_tier", "credential_weight", "credential_name"] {
            manager.alter_table(Table::alter().table("providers").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
