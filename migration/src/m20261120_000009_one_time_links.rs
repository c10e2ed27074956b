//! Links that grant one user access once: to set a new password, or to open the console of a demo.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{blob, pk_uuid, text, uuid};

use crate::table::{drop_tables, index, moment, moment_null, one_of, reference};

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
            .table("one_time_links")
            .col(pk_uuid("id"))
            .col(uuid("user_id"))
            .col(text("kind"))
            .col(blob("token_hash"))
            .col(moment("created_at"))
            .col(moment("expires_at"))
            .col(moment_null("used_at"))
            .foreign_key(&mut reference("one_time_links", &["user_id"], "users", &["id"]))
            .check(one_of("kind", &["reset", "console"]))
            .to_owned();
        manager.create_table(table).await?;
        let by_hash = index("one_time_links", "token_hash", &["token_hash"]).unique().to_owned();
        manager.create_index(by_hash).await?;
        // A new password invalidates every other link of the user.
        manager.create_index(index("one_time_links", "user", &["user_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["one_time_links"]).await
    }
}
