//! Table `fallback_revisions`: the history of fallback configurations. Rows are never changed.

use sea_orm::entity::prelude::*;

use crate::ids::{FallbackConfigId, FallbackRevisionId, OrganizationId};

/// One revision of a fallback configuration.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "fallback_revisions")]
pub struct Model {
    /// The primary key of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FallbackRevisionId,
    /// The organization that owns the configuration.
    pub organization_id: OrganizationId,
    /// The configuration that it belongs to.
    pub config_id: FallbackConfigId,
    /// The number of the revision, from 1; unique within the configuration.
    pub number: i64,
    /// `set` (with targets) or `deleted` (without targets).
    pub kind: String,
    /// The error classes that trigger a fallback: a JSON array. `None`: every class.
    pub triggers: Option<Json>,
    /// The kind of actor: `user`, `api_key` or `system`.
    pub actor_kind: String,
    /// The id of the user or key; `None` for `system`.
    pub actor_id: Option<Uuid>,
    /// The name of the actor at the time of the change.
    pub actor_label: String,
    /// When it was created.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
