//! Whether a provider takes `stream_options`, where its organization says so.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

use crate::table::one_of;

/// The change.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Null is "as the vendor's preset says", so the release before this one can go on adding providers.
        let column = text_null("stream_options")
            .check(one_of("stream_options", &["supported", "unsupported"]))
            .to_owned();
        manager.alter_table(Table::alter().table("providers").add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("providers").drop_column("stream_options").to_owned()).await
    }
}
