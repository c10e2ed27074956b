//! An organization's rules that map error messages of its providers to error classes.
//!
//! The table is new, so the previous release neither reads nor writes it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{integer_null, json_binary, pk_uuid, text, uuid_null};

use crate::table::{
    drop_tables, moment, one_of, organization_id, organization_reference, page_index, reference,
    tenant_reference,
};

/// The possible meanings of a message: an error class, or `request` for a failure of the request. A rate limit is not
/// among them, because a message cannot turn an invalid request into one.
const MEANINGS: [&str; 7] = [
    "context_window_exceeded",
    "content_policy",
    "quota_exhausted",
    "authentication",
    "model_not_found",
    "invalid_request",
    "request",
];

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
            .table("error_mappings")
            .col(pk_uuid("id"))
            .col(organization_id())
            .col(uuid_null("provider_id"))
            .col(integer_null("status"))
            .col(json_binary("contains"))
            .col(text("meaning"))
            .col(uuid_null("created_by"))
            .col(moment("created_at"))
            .foreign_key(&mut organization_reference("error_mappings"))
            .foreign_key(&mut tenant_reference("error_mappings", "provider_id", "providers"))
            .foreign_key(&mut reference("error_mappings", &["created_by"], "users", &["id"]))
            .check(one_of("meaning", &MEANINGS))
            .to_owned();
        manager.create_table(table).await?;
        manager.create_index(page_index("error_mappings")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["error_mappings"]).await
    }
}
