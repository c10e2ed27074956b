//! Whether a provider accepts `stream_options`, as set by its organization.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

use crate::table::one_of;

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // NULL means the value of the preset, so that the previous release can still create providers.
        let column = text_null("stream_options")
            .check(one_of("stream_options", &["supported", "unsupported"]))
            .to_owned();
        manager.alter_table(Table::alter().table("providers").add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("providers").drop_column("stream_options").to_owned()).await
    }
}
