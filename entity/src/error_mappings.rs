//! Table `error_mappings`: an organization's rules that map error messages of its providers to error classes.

use sea_orm::entity::prelude::*;

use crate::ids::{ErrorMappingId, OrganizationId, ProviderId, UserId};

/// One mapping. Rows are never changed, only replaced.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "error_mappings")]
pub struct Model {
    /// The primary key of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ErrorMappingId,
    /// The organization that owns the mapping.
    pub organization_id: OrganizationId,
    /// The provider that the mapping applies to; `None` for every provider of the organization.
    pub provider_id: Option<ProviderId>,
    /// The HTTP status that the mapping applies to; `None` for every status with a message.
    pub status: Option<i32>,
    /// The normalized texts that a message must contain, in this order: a JSON array.
    pub contains: Json,
    /// The error class, or `request` if the failure only counts against the request.
    pub meaning: String,
    /// The user who created it; `None` for an API key or the command line.
    pub created_by: Option<UserId>,
    /// When it was created.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
