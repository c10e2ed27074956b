//! Table `audit_entries`: who changed what, with the state before and after. Rows are never changed.
//!
//! Actors and resources are named, not referenced: an entry stays true when they are gone.

use sea_orm::entity::prelude::*;

use crate::ids::{AuditEntryId, OrganizationId};

/// One change.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entries")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditEntryId,
    /// In which organization.
    pub organization_id: OrganizationId,
    /// Who: `user`, `api_key` or `system`.
    pub actor_kind: String,
    /// The user's or key's id. None: `system`.
    pub actor_id: Option<Uuid>,
    /// The actor's name at that time.
    pub actor_label: String,
    /// What was done, such as `model.update`.
    pub action: String,
    /// To what, such as `model`.
    pub resource_kind: String,
    /// To which.
    pub resource_id: Option<Uuid>,
    /// Its name at that time.
    pub resource_name: String,
    /// The state before, without secrets. None: there was none.
    pub before: Option<Json>,
    /// The state after, without secrets. None: there is none.
    pub after: Option<Json>,
    /// The HTTP request that did it.
    pub request_id: Option<Uuid>,
    /// When.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
