//! Table `fallback_configs`: which model has a stored list of fallbacks, per type. The lists are in the revisions.

use sea_orm::entity::prelude::*;

use crate::ids::{FallbackConfigId, ModelId, OrganizationId};

/// The fallback configuration of one model and type.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "fallback_configs")]
pub struct Model {
    /// Primary key. It survives a delete and a new create, so that old events still lead here.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FallbackConfigId,
    /// Whose configuration it is.
    pub organization_id: OrganizationId,
    /// The model whose failure it answers.
    pub model_id: ModelId,
    /// `general`, `context_window` or `content_policy`. One row per organization, model and type.
    pub fallback_type: String,
    /// The number of the revision in force; also the ETag.
    pub current_revision: i64,
    /// When it was first made.
    pub created_at: DateTimeUtc,
    /// When its current revision was made.
    pub updated_at: DateTimeUtc,
    /// Since when it is gone. A new create clears it.
    pub deleted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
