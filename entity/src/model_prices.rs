//! Table `model_prices`: what a model costs, dated. A row is never changed: a new price is a new row, so that an old
//! request's cost can be explained.

use sea_orm::entity::prelude::*;

use crate::ids::{ModelId, ModelPriceId, OrganizationId};

/// The prices of one model from a moment on. Micro-dollars per million tokens; None: unknown, which is not free.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "model_prices")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ModelPriceId,
    /// Whose price it is.
    pub organization_id: OrganizationId,
    /// The model.
    pub model_id: ModelId,
    /// Prompt tokens.
    pub input: Option<i64>,
    /// Answer tokens, reasoning included.
    pub output: Option<i64>,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: Option<i64>,
    /// Prompt tokens written to the provider's cache.
    pub cache_write: Option<i64>,
    /// Prompt tokens that are sound.
    pub audio_input: Option<i64>,
    /// Answer tokens that are sound.
    pub audio_output: Option<i64>,
    /// Of a prompt of more tokens than these, the next four hold. None: the first four hold for every prompt.
    pub long_prompt_above: Option<i64>,
    /// Prompt tokens.
    pub long_prompt_input: Option<i64>,
    /// Answer tokens.
    pub long_prompt_output: Option<i64>,
    /// Prompt tokens read from the provider's cache.
    pub long_prompt_cache_read: Option<i64>,
    /// Prompt tokens written to the provider's cache.
    pub long_prompt_cache_write: Option<i64>,
    /// From when on it holds, until the model's next row.
    pub valid_from: DateTimeUtc,
    /// When the row was written.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
