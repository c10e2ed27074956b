//! The oldest release that may run on this schema, and an index for finding revoked keys.

use sea_orm_migration::prelude::*;

/// The number of the last migration that a release must know to run on this schema. The previous release knows 12.
/// A migration that an older release cannot run with raises it: `UPDATE instance_state SET value = ...`.
const COMPATIBLE_FROM: &str =
    "INSERT INTO instance_state (name, value) VALUES ('schema_compatible_from', 12)";

/// Revoked keys are few and are queried by time.
const REVOKED_INDEX: &str =
    "CREATE INDEX api_keys_by_revocation ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL";

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(COMPATIBLE_FROM).await?;
        connection.execute_unprepared(REVOKED_INDEX).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("api_keys_by_revocation").table("api_keys").to_owned()).await?;
        let connection = manager.get_connection();
        connection
            .execute_unprepared("DELETE FROM instance_state WHERE name = 'schema_compatible_from'")
            .await?;
        Ok(())
    }
}
