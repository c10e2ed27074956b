//! A model as it is answered: the organization's own values, and what the embedded table fills in where it has none.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::error_class::ErrorClass;
use crate::gateway::Gateway;
use crate::gateway::routing::cooldown::CooldownState;
use crate::providers::{Capabilities, LongPrompt, ParameterRules};
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{ModelRow, PriceFields};

/// What a million tokens cost, in micro-dollars. Null: unknown, which is not free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelPrice {
    /// Prompt tokens.
    pub input: Option<i64>,
    /// Answer tokens, reasoning included.
    pub output: Option<i64>,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: Option<i64>,
    /// Prompt tokens written to the provider's cache.
    pub cache_write: Option<i64>,
    /// Prompt tokens that are sound; left out where it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<i64>,
    /// Answer tokens that are sound; left out where it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<i64>,
    /// What holds instead once a prompt is longer than so many tokens; left out where the price is the same for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long_prompt: Option<LongPrompt>,
}

/// Whether recent failures keep a model from being called, as far as the process that answers knows.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Cooldown {
    /// It is left alone for now.
    open: bool,
    /// Until when; in the past: the next request finds out whether it works again.
    #[schema(required)]
    until: Option<DateTime<Utc>>,
    /// The class of the failure that opened it.
    #[schema(required)]
    error_class: Option<ErrorClass>,
    /// The provider itself has said when it ends; absent where it has not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    by_provider: bool,
}

/// A model of the catalogue, as it takes part in requests.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelResponse {
    /// The model.
    id: Uuid,
    /// The name by which apps ask for it.
    name: String,
    /// Who serves it.
    provider_id: Uuid,
    /// What its provider calls it.
    upstream_model: String,
    /// Tokens of prompt and answer together; null: unknown.
    #[schema(required)]
    context_window: Option<i64>,
    /// Tokens of the longest answer; null: unknown.
    #[schema(required)]
    max_output_tokens: Option<i64>,
    /// What it can do.
    capabilities: Capabilities,
    /// What it costs; null: unknown.
    #[schema(required)]
    price: Option<ModelPrice>,
    /// How a request is adapted when this model stands in for another one.
    parameter_rules: ParameterRules,
    /// Milliseconds until a stream's first real frame; null: 60,000, or 300,000 for a model that reasons.
    #[schema(required)]
    first_frame_timeout_ms: Option<i64>,
    /// Milliseconds until a whole answer; null: 120,000, or 300,000 for a model that reasons.
    #[schema(required)]
    answer_timeout_ms: Option<i64>,
    /// How often a failed call is made again; null: once.
    #[schema(required)]
    num_retries: Option<i32>,
    /// Whether it may be called.
    enabled: bool,
    /// Whether recent failures keep it from being called.
    cooldown: Cooldown,
    /// The fields, such as `price` or `capabilities.vision`, that the organization left open and the embedded
    /// table filled in.
    filled: Vec<&'static str>,
    /// The day of the embedded table's facts; null if it does not know the model.
    #[schema(required)]
    known_as_of: Option<NaiveDate>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

impl From<ModelRow> for ModelResponse {
    fn from(row: ModelRow) -> Self {
        let filled = row.filled();
        Self {
            context_window: filled.context_window,
            max_output_tokens: filled.max_output_tokens,
            capabilities: filled.capabilities,
            price: filled.price.map(ModelPrice::from),
            parameter_rules: filled.parameter_rules,
            filled: filled.filled,
            known_as_of: filled.known_as_of,
            id: row.id.0,
            name: row.name,
            provider_id: row.provider_id.0,
            upstream_model: row.upstream_model,
            first_frame_timeout_ms: row.first_frame_timeout_ms,
            answer_timeout_ms: row.answer_timeout_ms,
            num_retries: row.num_retries,
            enabled: row.enabled,
            cooldown: Cooldown::default(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl ModelResponse {
    /// With what this process knows about the model's recent failures. One that was just made or changed has none.
    #[must_use]
    pub fn with_cooldown(self, organization: &OrganizationSnapshot, gateway: &Gateway) -> Self {
        let known =
            organization.models.get(&self.name).map(|model| gateway.shared_state.cooldowns.state(model));
        match known {
            Some(CooldownState::Open(cooldown)) => {
                let cooldown = Cooldown {
                    open: !cooldown.remaining.is_zero(),
                    until: Some(gateway.clock.now() + cooldown.remaining),
                    error_class: Some(cooldown.failure.class),
                    by_provider: cooldown.by_provider,
                };
                Self { cooldown, ..self }
            }
            Some(CooldownState::Closed) | None => self,
        }
    }
}

impl From<PriceFields> for ModelPrice {
    fn from(price: PriceFields) -> Self {
        let PriceFields { input, output, cache_read, cache_write, audio_input, audio_output, long_prompt } =
            price;
        Self { input, output, cache_read, cache_write, audio_input, audio_output, long_prompt }
    }
}

impl From<ModelPrice> for PriceFields {
    fn from(price: ModelPrice) -> Self {
        let ModelPrice { input, output, cache_read, cache_write, audio_input, audio_output, long_prompt } =
            price;
        Self { input, output, cache_read, cache_write, audio_input, audio_output, long_prompt }
    }
}
