//! Table `models`: the catalogue, the names by which apps ask for a model.

use sea_orm::entity::prelude::*;

use crate::ids::{ModelId, OrganizationId, ProviderId};

/// One model of an organization's catalogue.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "models")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ModelId,
    /// Whose model it is.
    pub organization_id: OrganizationId,
    /// Its name in the catalogue, unique among the organization's living models.
    pub name: String,
    /// Who serves it.
    pub provider_id: ProviderId,
    /// What the provider calls it.
    pub upstream_model: String,
    /// Tokens that prompt and answer may hold together. None: unknown.
    pub context_window: Option<i64>,
    /// Tokens that an answer may hold. None: unknown.
    pub max_output_tokens: Option<i64>,
    /// A JSON object of `tools`, `vision`, `structured_output`, `reasoning`; a key that is absent is unknown.
    pub capabilities: Json,
    /// How a request is adapted when this model is a fallback: renames, drops, clamps. A JSON object.
    pub parameter_rules: Json,
    /// Milliseconds until the first real frame of a stream. None: the default.
    pub first_frame_timeout_ms: Option<i64>,
    /// Milliseconds until a whole answer. None: the default.
    pub answer_timeout_ms: Option<i64>,
    /// How many more attempts of this model after a failure that permits it. None: the default.
    pub num_retries: Option<i32>,
    /// False: passed over, though still in the catalogue.
    pub enabled: bool,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
    /// When a person last ended its cooldown: what every process held against it before is void.
    pub cooldown_ended_at: Option<DateTimeUtc>,
    /// Since when it is gone. The row stays, because fallback revisions name it.
    pub deleted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
