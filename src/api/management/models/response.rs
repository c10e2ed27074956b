//! A model in a response: the organization's own values, filled in from the embedded table where there are none.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::failure::class::ErrorClass;
use crate::gateway::Gateway;
use crate::gateway::routing::cooldown::CooldownState;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{ModelRow, ModelSettings};

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

/// Names of fields of a model.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FilledFields(Vec<&'static str>);

/// A model of the organization's catalog.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelResponse {
    /// The id of the model.
    #[schema(read_only)]
    id: Uuid,
    /// The name in requests.
    name: String,
    /// The provider that serves it.
    provider_id: Uuid,
    /// The provider's name for it.
    upstream_model: String,
    /// The settings in effect.
    #[serde(flatten)]
    settings: ModelSettings,
    /// Whether it may be called.
    enabled: bool,
    /// Its cooldown after recent failures.
    #[schema(read_only)]
    cooldown: Cooldown,
    /// The fields that the embedded table filled in, such as `price` or `capabilities.vision`.
    #[schema(read_only)]
    filled: FilledFields,
    /// The date of the embedded table's data; null if it does not have the model.
    #[schema(required, read_only)]
    known_as_of: Option<NaiveDate>,
    /// When it was created.
    #[schema(read_only)]
    created_at: DateTime<Utc>,
    /// When it last changed.
    #[schema(read_only)]
    updated_at: DateTime<Utc>,
}

impl From<ModelRow> for ModelResponse {
    fn from(row: ModelRow) -> Self {
        let filled = row.filled();
        Self {
            settings: filled.settings,
            filled: FilledFields(filled.filled),
            known_as_of: filled.known_as_of,
            id: row.id.0,
            name: row.name,
            provider_id: row.provider_id.0,
            upstream_model: row.upstream_model,
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
