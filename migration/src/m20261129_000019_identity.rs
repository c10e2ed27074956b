//! Several accounts may have the same email address, and a link stores who created it.
//!
//! Email addresses are not verified, so the first account with an address must not block others. An account is
//! identified by its email address and password.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::uuid_null;

use crate::table::index;

/// Existing links do not store who created them, so they are marked as used and must be created again.
const VOID: &str = "UPDATE one_time_links SET used_at = created_at WHERE kind = 'reset' AND used_at IS NULL";

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("users_by_email").table("users").to_owned()).await?;
        let account = index("users", "account", &["email", "password_hash"]).unique().to_owned();
        manager.create_index(account).await?;
        for column in ["organization_id", "issued_by"] {
            let column = uuid_null(column);
            manager.alter_table(Table::alter().table("one_time_links").add_column(column).to_owned()).await?;
        }
        manager.get_connection().execute_unprepared(VOID).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["issued_by", "organization_id"] {
            manager
                .alter_table(Table::alter().table("one_time_links").drop_column(column).to_owned())
                .await?;
        }
        manager.drop_index(Index::drop().name("users_by_account").table("users").to_owned()).await?;
        manager.create_index(index("users", "email", &["email"]).unique().to_owned()).await
    }
}
