//! Table `models`: the catalog of models that applications can request by name.

use sea_orm::entity::prelude::*;

use crate::ids::{ModelId, OrganizationId, ProviderId};

/// One model of an organization's catalog.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "models")]
pub struct Model {
    /// The primary key of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ModelId,
    /// The organization that owns the model.
    pub organization_id: OrganizationId,
    /// The name in the catalog, unique among the models of the organization that are not deleted.
    pub name: String,
    /// The provider that serves it.
    pub provider_id: ProviderId,
    /// The name of the model at the provider.
    pub upstream_model: String,
    /// Which endpoints it serves: `chat`, `embedding`, `completion`, `moderation`, `rerank`, `image`, `speech` or
    /// `transcription`.
    pub kind: String,
    /// The name that embedding models with interchangeable vectors share; `None` for the name at the provider.
    pub vector_space: Option<String>,
    /// The context window in tokens, for prompt and completion together; `None` if unknown.
    pub context_window: Option<i64>,
    /// The maximum number of completion tokens; `None` if unknown.
    pub max_output_tokens: Option<i64>,
    /// A JSON object with `tools`, `vision`, `structured_output` and `reasoning`. An absent key means unknown.
    pub capabilities: Json,
    /// How a request is adapted when this model is a fallback: parameters to rename, drop or clamp. A JSON object.
    pub parameter_rules: Json,
    /// The timeout for the first content frame of a stream in milliseconds; `None` for the default.
    pub first_frame_timeout_ms: Option<i64>,
    /// The timeout for a complete answer in milliseconds; `None` for the default.
    pub answer_timeout_ms: Option<i64>,
    /// The number of retries after a failure that permits them; `None` for the default.
    pub num_retries: Option<i32>,
    /// Whether the model may be called. A disabled model stays in the catalog and is skipped.
    pub enabled: bool,
    /// When it was created.
    pub created_at: DateTimeUtc,
    /// When it was last changed.
    pub updated_at: DateTimeUtc,
    /// When its cooldown was last reset. Processes ignore failures before that time.
    pub cooldown_ended_at: Option<DateTimeUtc>,
    /// When it was deleted; `None` while it exists. The row is kept, because fallback revisions refer to it.
    pub deleted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
