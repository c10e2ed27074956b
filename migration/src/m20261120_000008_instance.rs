//! Data of the installation: its encrypted secrets, and the numbers that its processes share.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, blob, text};

use crate::table::{drop_tables, moment, primary_key};

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let secrets = Table::create()
            .table("instance_secrets")
            .col(text("name"))
            .col(blob("sealed"))
            .col(moment("created_at"))
            .col(moment("updated_at"))
            .primary_key(&mut primary_key(&["name"]))
            .to_owned();
        manager.create_table(secrets).await?;
        let state = Table::create()
            .table("instance_state")
            .col(text("name"))
            .col(big_integer("value"))
            .primary_key(&mut primary_key(&["name"]))
            .to_owned();
        manager.create_table(state).await?;
        // Inserted here, so that incrementing it is a plain UPDATE and two processes cannot both create it.
        manager
            .get_connection()
            .execute_unprepared("INSERT INTO instance_state (name, value) VALUES ('change_counter', 0)")
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["instance_state", "instance_secrets"]).await
    }
}
