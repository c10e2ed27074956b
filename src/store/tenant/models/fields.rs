//! A model's fields: as they are written, changed and read.

use chrono::{DateTime, Utc};
use entity::ids::{ModelId, ProviderId};
use entity::models;
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::Json;
use serde::Serialize;

use crate::domain::error::Error;
use crate::providers::{Capabilities, LongPrompt, ParameterRules};

/// What a million tokens cost, in micro-dollars. None: unknown, which is not free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PriceFields {
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
    /// What holds instead where a prompt is long. None: the same as for any other.
    pub long_prompt: Option<LongPrompt>,
}

/// Everything that an organization may say about a model. A none leaves the value to the embedded table, or to
/// the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFields {
    /// Its name, unique among the organization's living models.
    pub name: String,
    /// Who serves it.
    pub provider_id: ProviderId,
    /// What the provider calls it.
    pub upstream_model: String,
    /// Tokens of prompt and answer together.
    pub context_window: Option<i64>,
    /// Tokens of an answer.
    pub max_output_tokens: Option<i64>,
    /// What it can do, as far as the organization says so.
    pub capabilities: Capabilities,
    /// What it costs from now on.
    pub price: Option<PriceFields>,
    /// How a request is adapted when this model is a fallback.
    pub parameter_rules: Option<ParameterRules>,
    /// Milliseconds until a stream's first real frame.
    pub first_frame_timeout_ms: Option<i64>,
    /// Milliseconds until a whole answer.
    pub answer_timeout_ms: Option<i64>,
    /// How often a failed call is made again.
    pub num_retries: Option<i32>,
    /// Whether it may be called.
    pub enabled: bool,
}

/// Which models. Every field that is set narrows the choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFilter {
    /// The one of that name.
    pub name: Option<String>,
    /// Those whose names hold that text, in capitals or not.
    pub contains: Option<String>,
    /// Those that it serves.
    pub provider_id: Option<ProviderId>,
    /// Those that may, or may not, be called.
    pub enabled: Option<bool>,
}

/// What to change about a model. An outer none leaves the field as it is; an inner one gives it back to the
/// embedded table, or to the default. The fields are those of [`ModelFields`].
#[derive(Debug, Clone, Default)]
pub struct ModelChange {
    /// Its name.
    pub name: Option<String>,
    /// Who serves it.
    pub provider_id: Option<ProviderId>,
    /// What the provider calls it.
    pub upstream_model: Option<String>,
    /// Tokens of prompt and answer together.
    pub context_window: Option<Option<i64>>,
    /// Tokens of an answer.
    pub max_output_tokens: Option<Option<i64>>,
    /// What it can do; replaced whole.
    pub capabilities: Option<Capabilities>,
    /// What it costs from now on; replaced whole.
    pub price: Option<Option<PriceFields>>,
    /// How a request is adapted.
    pub parameter_rules: Option<Option<ParameterRules>>,
    /// Milliseconds until a stream's first real frame.
    pub first_frame_timeout_ms: Option<Option<i64>>,
    /// Milliseconds until a whole answer.
    pub answer_timeout_ms: Option<Option<i64>>,
    /// How often a failed call is made again.
    pub num_retries: Option<Option<i32>>,
    /// Whether it may be called.
    pub enabled: Option<bool>,
    /// The state that the change is made for, as the microsecond of its last change. None: whatever it is.
    pub seen: Option<i64>,
}

/// A model of the catalogue: the organization's own values, unfilled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelRow {
    /// Its id.
    pub id: ModelId,
    /// Its name.
    pub name: String,
    /// Who serves it.
    pub provider_id: ProviderId,
    /// The preset that its provider follows, by which the embedded table knows it.
    pub provider_preset: String,
    /// What the provider calls it.
    pub upstream_model: String,
    /// Tokens of prompt and answer together.
    pub context_window: Option<i64>,
    /// Tokens of an answer.
    pub max_output_tokens: Option<i64>,
    /// What it can do, as far as the organization says so.
    pub capabilities: Capabilities,
    /// The organization's own price in force. None: it set none.
    pub price: Option<PriceFields>,
    /// How a request is adapted. None: the organization set no rules.
    pub parameter_rules: Option<ParameterRules>,
    /// Milliseconds until a stream's first real frame.
    pub first_frame_timeout_ms: Option<i64>,
    /// Milliseconds until a whole answer.
    pub answer_timeout_ms: Option<i64>,
    /// How often a failed call is made again.
    pub num_retries: Option<i32>,
    /// Whether it may be called.
    pub enabled: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl ModelFields {
    /// The columns that these fields fill; the price has a table of its own.
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
    /// The row with these changes, without the price.
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
    /// The row with what other tables say of it.
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
