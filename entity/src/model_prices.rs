//! Table `model_prices`: the prices of models over time. Rows are never changed. A new price is a new row, so that the
//! cost of an old request can be explained.

use sea_orm::entity::prelude::*;

use crate::ids::{ModelId, ModelPriceId, OrganizationId};

/// The prices of one model from a point in time. Micro-dollars per million tokens; `None` is unknown, not free.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "model_prices")]
pub struct Model {
    /// The primary key of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ModelPriceId,
    /// The organization that owns the price.
    pub organization_id: OrganizationId,
    /// The model that the price is for.
    pub model_id: ModelId,
    /// Tokens of the whole prompt.
    pub input: Option<i64>,
    /// Completion tokens, including reasoning without a price of its own.
    pub output: Option<i64>,
    /// Completion tokens for reasoning; `None` if they cost as much as the others.
    pub reasoning: Option<i64>,
    /// Prompt tokens read from the cache of the provider.
    pub cache_read: Option<i64>,
    /// Prompt tokens written to the cache of the provider.
    pub cache_write: Option<i64>,
    /// Prompt tokens written to the cache of the provider for an hour.
    pub cache_write_1h: Option<i64>,
    /// Audio tokens of the prompt.
    pub audio_input: Option<i64>,
    /// Audio tokens of the completion.
    pub audio_output: Option<i64>,
    /// The number of prompt tokens above which the next prices apply; `None` if they never do.
    pub long_prompt_above: Option<i64>,
    /// Tokens of the whole prompt.
    pub long_prompt_input: Option<i64>,
    /// Tokens of the completion, including reasoning without a price of its own.
    pub long_prompt_output: Option<i64>,
    /// Tokens of the completion for reasoning; `None` if they cost as much as the others.
    pub long_prompt_reasoning: Option<i64>,
    /// Prompt tokens read from the provider's cache.
    pub long_prompt_cache_read: Option<i64>,
    /// Prompt tokens written to the provider's cache.
    pub long_prompt_cache_write: Option<i64>,
    /// Prompt tokens written to the provider's cache for an hour.
    pub long_prompt_cache_write_1h: Option<i64>,
    /// When the price takes effect. It applies until the next row of the model.
    pub valid_from: DateTimeUtc,
    /// When the row was written.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
