//! The fields of a model, for creating, changing and reading.

use chrono::{DateTime, Utc};
use entity::ids::{ModelId, ProviderId};
use entity::models;
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::Json;
use serde::Serialize;

use crate::domain::error::Error;
use crate::providers::{Capabilities, LongPrompt, ParameterRules};

/// Prices in micro-dollars per million tokens. `None` is unknown, not free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PriceFields {
    /// Tokens of the whole prompt.
    pub input: Option<i64>,
    /// Completion tokens, including reasoning.
    pub output: Option<i64>,
    /// Prompt tokens read from the cache of the provider.
    pub cache_read: Option<i64>,
    /// Prompt tokens written to the cache of the provider.
    pub cache_write: Option<i64>,
    /// Audio tokens of the prompt.
    pub audio_input: Option<i64>,
    /// Audio tokens of the completion.
    pub audio_output: Option<i64>,
    /// The prices for long prompts; `None` if they are the same.
    pub long_prompt: Option<LongPrompt>,
}

/// The values that an organization can set for a model. `None` means the value of the built-in table or the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFields {
    /// The name, unique among the models of the organization that are not deleted.
    pub name: String,
    /// The provider that serves it.
    pub provider_id: ProviderId,
    /// The name of the model at the provider.
    pub upstream_model: String,
    /// The context window in tokens, for prompt and completion together.
    pub context_window: Option<i64>,
    /// The maximum number of completion tokens.
    pub max_output_tokens: Option<i64>,
    /// The capabilities that the organization has set.
    pub capabilities: Capabilities,
    /// The price from now on.
    pub price: Option<PriceFields>,
    /// How a request is adapted when this model is a fallback.
    pub parameter_rules: Option<ParameterRules>,
    /// The timeout for the first content frame of a stream in milliseconds.
    pub first_frame_timeout_ms: Option<i64>,
    /// The timeout for a complete answer in milliseconds.
    pub answer_timeout_ms: Option<i64>,
    /// The number of retries after a failed call.
    pub num_retries: Option<i32>,
    /// Whether it may be called.
    pub enabled: bool,
}

/// A filter for models. All set fields must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFilter {
    /// The exact name of the model.
    pub name: Option<String>,
    /// A part of the name, ignoring case.
    pub contains: Option<String>,
    /// The provider that serves it.
    pub provider_id: Option<ProviderId>,
    /// Whether it may be called.
    pub enabled: Option<bool>,
}

/// A change of a model. `None` leaves a field unchanged; `Some(None)` resets it to the value of the built-in table or the
/// default. The fields are those of [`ModelFields`].
#[derive(Debug, Clone, Default)]
pub struct ModelChange {
    /// The name of the resource.
    pub name: Option<String>,
    /// The provider that serves it.
    pub provider_id: Option<ProviderId>,
    /// The name of the model at the provider.
    pub upstream_model: Option<String>,
    /// The context window in tokens, for prompt and completion together.
    pub context_window: Option<Option<i64>>,
    /// The maximum number of completion tokens.
    pub max_output_tokens: Option<Option<i64>>,
    /// The capabilities; replaced as a whole.
    pub capabilities: Option<Capabilities>,
    /// The price from now on; replaced as a whole.
    pub price: Option<Option<PriceFields>>,
    /// How a request is adapted.
    pub parameter_rules: Option<Option<ParameterRules>>,
    /// The timeout for the first content frame of a stream in milliseconds.
    pub first_frame_timeout_ms: Option<Option<i64>>,
    /// The timeout for a complete answer in milliseconds.
    pub answer_timeout_ms: Option<Option<i64>>,
    /// The number of retries after a failed call.
    pub num_retries: Option<Option<i32>>,
    /// Whether it may be called.
    pub enabled: Option<bool>,
    /// The expected time of the last change in microseconds; `None` for any.
    pub seen: Option<i64>,
}

/// A model of the catalog with the values that the organization has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelRow {
    /// The id of the model.
    pub id: ModelId,
    /// The name of the resource.
    pub name: String,
    /// The provider that serves it.
    pub provider_id: ProviderId,
    /// The preset of its provider, for looking it up in the built-in table.
    pub provider_preset: String,
    /// The name of the model at the provider.
    pub upstream_model: String,
    /// The context window in tokens, for prompt and completion together.
    pub context_window: Option<i64>,
    /// The maximum number of completion tokens.
    pub max_output_tokens: Option<i64>,
    /// The capabilities that the organization has set.
    pub capabilities: Capabilities,
    /// The current price of the organization; `None` if it has set none.
    pub price: Option<PriceFields>,
    /// How a request is adapted; `None` if the organization has set no rules.
    pub parameter_rules: Option<ParameterRules>,
    /// The timeout for the first content frame of a stream in milliseconds.
    pub first_frame_timeout_ms: Option<i64>,
    /// The timeout for a complete answer in milliseconds.
    pub answer_timeout_ms: Option<i64>,
    /// The number of retries after a failed call.
    pub num_retries: Option<i32>,
    /// Whether it may be called.
    pub enabled: bool,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl ModelFields {
    /// The columns of these fields. Prices are in another table.
    pub(super) fn into_active_model(self) -> Result<models::ActiveModel, Error> {
        Ok(models::ActiveModel {
            name: Set(self.name),
            provider_id: Set(self.provider_id),
            upstream_model: Set(self.upstream_model),
            context_window: Set(self.context_window),
            max_output_tokens: Set(self.max_output_tokens),
            capabilities: Set(json(&self.capabilities)?),
            parameter_rules: Set(json(&self.parameter_rules)?),
            first_frame_timeout_ms: Set(self.first_frame_timeout_ms),
            answer_timeout_ms: Set(self.answer_timeout_ms),
            num_retries: Set(self.num_retries),
            enabled: Set(self.enabled),
            ..models::ActiveModel::default()
        })
    }
}

impl ModelChange {
    /// Applies the changes to the row, without the price.
    pub(super) fn apply(self, row: models::Model) -> Result<models::ActiveModel, Error> {
        let mut row = models::ActiveModel::from(row);
        row.name = self.name.map_or(row.name, Set);
        row.provider_id = self.provider_id.map_or(row.provider_id, Set);
        row.upstream_model = self.upstream_model.map_or(row.upstream_model, Set);
        row.context_window = self.context_window.map_or(row.context_window, Set);
        row.max_output_tokens = self.max_output_tokens.map_or(row.max_output_tokens, Set);
        if let Some(capabilities) = self.capabilities {
            row.capabilities = Set(json(&capabilities)?);
        }
        if let Some(rules) = self.parameter_rules {
            row.parameter_rules = Set(json(&rules)?);
        }
        row.first_frame_timeout_ms = self.first_frame_timeout_ms.map_or(row.first_frame_timeout_ms, Set);
        row.answer_timeout_ms = self.answer_timeout_ms.map_or(row.answer_timeout_ms, Set);
        row.num_retries = self.num_retries.map_or(row.num_retries, Set);
        row.enabled = self.enabled.map_or(row.enabled, Set);
        Ok(row)
    }
}

impl ModelRow {
    /// Combines the row with values of other tables.
    pub(super) fn new(row: models::Model, preset: String, price: Option<PriceFields>) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            name: row.name,
            provider_id: row.provider_id,
            provider_preset: preset,
            upstream_model: row.upstream_model,
            context_window: row.context_window,
            max_output_tokens: row.max_output_tokens,
            capabilities: serde_json::from_value(row.capabilities).map_err(Error::internal)?,
            price,
            parameter_rules: serde_json::from_value(row.parameter_rules).map_err(Error::internal)?,
            first_frame_timeout_ms: row.first_frame_timeout_ms,
            answer_timeout_ms: row.answer_timeout_ms,
            num_retries: row.num_retries,
            enabled: row.enabled,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn json(value: &impl Serialize) -> Result<Json, Error> {
    serde_json::to_value(value).map_err(Error::internal)
}
