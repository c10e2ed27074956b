//! Table `fallback_revisions`: every state that a fallback configuration ever had. Rows are never changed.

use sea_orm::entity::prelude::*;

use crate::ids::{FallbackConfigId, FallbackRevisionId, OrganizationId};

/// One state of a fallback configuration.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "fallback_revisions")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FallbackRevisionId,
    /// Whose configuration it is.
    pub organization_id: OrganizationId,
    /// The configuration.
    pub config_id: FallbackConfigId,
    /// 1 for the first; unique in the configuration.
    pub number: i64,
    /// `set` (it has targets) or `deleted` (it has none).
    pub kind: String,
    /// The error classes on which it advances, a JSON array. None: all.
    pub triggers: Option<Json>,
    /// Who made it: `user`, `api_key` or `system`.
    pub actor_kind: String,
    /// The user's or key's id. None: `system`.
    pub actor_id: Option<Uuid>,
    /// The actor's name at that time.
    pub actor_label: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
