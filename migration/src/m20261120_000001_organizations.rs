//! Organizations, users, memberships, sessions and invitations.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, blob, json_binary, pk_uuid, text, text_null, uuid, uuid_null};

use crate::table::{
    drop_tables, index, moment, moment_null, one_of, organization_id, organization_reference, page_index,
    primary_key, reference,
};

const ROLES: [&str; 3] = ["owner", "admin", "member"];

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        organizations(manager).await?;
        users(manager).await?;
        memberships(manager).await?;
        sessions(manager).await?;
        invitations(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["invitations", "sessions", "memberships", "users", "organizations"]).await
    }
}

async fn organizations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("organizations")
        .col(pk_uuid("id"))
        .col(text("name"))
        .col(json_binary("settings"))
        .col(big_integer("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .to_owned();
    manager.create_table(table).await
}

async fn users(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("users")
        .col(pk_uuid("id"))
        .col(text("email"))
        .col(text_null("name"))
        .col(text_null("password_hash"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .col(moment_null("disabled_at"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("users", "email", &["email"]).unique().to_owned()).await
}

async fn memberships(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("memberships")
        .col(organization_id())
        .col(uuid("user_id"))
        .col(text("role"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .primary_key(&mut primary_key(&["organization_id", "user_id"]))
        .foreign_key(&mut organization_reference("memberships"))
        .foreign_key(&mut reference("memberships", &["user_id"], "users", &["id"]))
        .check(one_of("role", &ROLES))
        .to_owned();
    manager.create_table(table).await?;
    // At sign-in, the user is known and the organization is not.
    manager.create_index(index("memberships", "user", &["user_id"])).await
}

async fn sessions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let membership = ["organization_id", "user_id"];
    let table = Table::create()
        .table("sessions")
        .col(pk_uuid("id"))
        .col(uuid("user_id"))
        .col(organization_id())
        .col(moment("created_at"))
        .col(moment("last_seen_at"))
        .col(moment("expires_at"))
        .col(moment_null("revoked_at"))
        .col(text_null("user_agent"))
        .col(text_null("address"))
        // The sessions of a member must not outlive the membership.
        .foreign_key(
            reference("sessions", &membership, "memberships", &membership)
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("sessions", "user", &["user_id", "organization_id"])).await
}

async fn invitations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("invitations")
        .col(pk_uuid("id"))
        .col(organization_id())
        .col(text("email"))
        .col(text("role"))
        .col(blob("token_hash"))
        .col(uuid_null("invited_by"))
        .col(moment("created_at"))
        .col(moment("expires_at"))
        .col(moment_null("accepted_at"))
        .col(moment_null("revoked_at"))
        .foreign_key(&mut organization_reference("invitations"))
        .foreign_key(&mut reference("invitations", &["invited_by"], "users", &["id"]))
        .check(one_of("role", &ROLES))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("invitations", "token_hash", &["token_hash"]).unique().to_owned()).await?;
    manager.create_index(page_index("invitations")).await
}
