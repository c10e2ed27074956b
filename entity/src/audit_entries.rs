//! Table `audit_entries`: the audit log, with the state before and after each change. Rows are never changed.
//!
//! Actors and resources are stored by name and id without a foreign key, so that an entry stays correct after they are
//! deleted.

use sea_orm::entity::prelude::*;

use crate::ids::{AuditEntryId, OrganizationId};

/// One change of one resource.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entries")]
pub struct Model {
    /// The primary key of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditEntryId,
    /// The organization that the change belongs to.
    pub organization_id: OrganizationId,
    /// The kind of actor: `user`, `api_key` or `system`.
    pub actor_kind: String,
    /// The id of the user or key; `None` for `system`.
    pub actor_id: Option<Uuid>,
    /// The name of the actor at the time of the change.
    pub actor_label: String,
    /// The action, such as `model.update`.
    pub action: String,
    /// The kind of resource, such as `model`.
    pub resource_kind: String,
    /// The id of the resource.
    pub resource_id: Option<Uuid>,
    /// The name of the resource at the time of the change.
    pub resource_name: String,
    /// The state before the change, without secrets; `None` for a new resource.
    pub before: Option<Json>,
    /// The state after the change, without secrets; `None` for a deleted resource.
    pub after: Option<Json>,
    /// The HTTP request that made the change.
    pub request_id: Option<Uuid>,
    /// When the change was made.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
