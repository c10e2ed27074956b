//! A model in a response: the organization's own values, filled in from the embedded table where there are none.

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

/// Prices in micro-dollars per million tokens. Null: unknown, which does not mean free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelPrice {
    /// Prompt tokens that are not cached.
    pub input: Option<i64>,
    /// Completion tokens, including reasoning.
    pub output: Option<i64>,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: Option<i64>,
    /// Prompt tokens written to the provider's cache.
    pub cache_write: Option<i64>,
    /// Audio tokens of the prompt; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<i64>,
    /// Audio tokens of the completion; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<i64>,
    /// The prices for prompts above a number of tokens; absent if the price is the same for all prompts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long_prompt: Option<LongPrompt>,
}

/// Whether the model has a cooldown after recent failures, as seen by the process that responds.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Cooldown {
    /// Whether the model is skipped for now.
    open: bool,
    /// When the cooldown ends. If this is in the past, the next request probes the model.
    #[schema(required)]
    until: Option<DateTime<Utc>>,
    /// The class of the failure that started the cooldown.
    #[schema(required)]
    error_class: Option<ErrorClass>,
    /// Whether the provider set the end, such as with `Retry-After`; absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    by_provider: bool,
}

/// A model of the organization's catalog.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelResponse {
    /// The id of the model.
    id: Uuid,
    /// The name in requests.
    name: String,
    /// The provider that serves it.
    provider_id: Uuid,
    /// The provider's name for it.
    upstream_model: String,
    /// Prompt and completion together, in tokens; null: unknown.
    #[schema(required)]
    context_window: Option<i64>,
    /// The longest completion, in tokens; null: unknown.
    #[schema(required)]
    max_output_tokens: Option<i64>,
    /// The capabilities of the model.
    capabilities: Capabilities,
    /// Its price; null: unknown.
    #[schema(required)]
    price: Option<ModelPrice>,
    /// How a request for another model is adapted when this model is the fallback.
    parameter_rules: ParameterRules,
    /// Timeout for a stream's first frame with content, in milliseconds; null: 60,000, or 300,000 for a reasoning
    /// model.
    #[schema(required)]
    first_frame_timeout_ms: Option<i64>,
    /// Timeout for a complete response, in milliseconds; null: 120,000, or 300,000 for a reasoning model.
    #[schema(required)]
    answer_timeout_ms: Option<i64>,
    /// How often a failed call is retried; null: once.
    #[schema(required)]
    num_retries: Option<i32>,
    /// Whether it may be called.
    enabled: bool,
    /// Its cooldown after recent failures.
    cooldown: Cooldown,
    /// The fields that the embedded table filled in, such as `price` or `capabilities.vision`.
    filled: Vec<&'static str>,
    /// The date of the embedded table's data; null if it does not have the model.
    #[schema(required)]
    known_as_of: Option<NaiveDate>,
    /// When it was created.
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
    /// Adds this process's cooldown of the model. A model that was just created or changed has none.
    #[must_use]
    pub fn with_cooldown(self, organization: &OrganizationSnapshot, gateway: &Gateway) -> Self {
        let known =
            organization.models.get(&self.name).map(|model| gateway.shared_state.cooldowns.state(model));
        let open = matches!(known, Some(CooldownState::Open(_)));
        match known.and_then(CooldownState::into_cooldown) {
            Some(cooldown) => {
                let cooldown = Cooldown {
                    open,
                    until: Some(gateway.clock.now() + cooldown.remaining),
                    error_class: Some(cooldown.failure.class),
                    by_provider: cooldown.by_provider,
                };
                Self { cooldown, ..self }
            }
            None => self,
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
