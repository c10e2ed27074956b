//! The kind of a model, which decides on the endpoints that serve it, and the vector space of its embeddings.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{text, text_null};

use crate::table::one_of;

/// The migration of this file.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const KINDS: [&str; 8] =
    ["chat", "embedding", "completion", "moderation", "rerank", "image", "speech", "transcription"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The previous release creates models without a kind, and knows chat models only.
        let kind = text("kind").default("chat").check(one_of("kind", &KINDS)).to_owned();
        // SQLite adds one column at a time.
        for column in [kind, text_null("vector_space")] {
            manager.alter_table(Table::alter().table("models").add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["vector_space", "kind"] {
            manager.alter_table(Table::alter().table("models").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
