//! Table `fallback_configs`: the stored fallback configurations, one per model and type. The lists are in
//! `fallback_revisions` and `fallback_targets`.

use sea_orm::entity::prelude::*;

use crate::ids::{FallbackConfigId, ModelId, OrganizationId};

/// The fallback configuration of one model and type.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "fallback_configs")]
pub struct Model {
    /// Primary key. It stays the same after a delete and a new create, so that old events still refer to it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FallbackConfigId,
    /// The organization that owns the configuration.
    pub organization_id: OrganizationId,
    /// The model that the fallbacks are for.
    pub model_id: ModelId,
    /// `general`, `context_window` or `content_policy`. There is one row per organization, model and type.
    pub fallback_type: String,
    /// The number of the current revision; also the ETag.
    pub current_revision: i64,
    /// When it was first created.
    pub created_at: DateTimeUtc,
    /// When the current revision was created.
    pub updated_at: DateTimeUtc,
    /// When it was deleted; `None` while it exists. A new create clears it.
    pub deleted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
