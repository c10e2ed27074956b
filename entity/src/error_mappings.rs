//! Table `error_mappings`: which sentences of its providers an organization reads as which failure.

use sea_orm::entity::prelude::*;

use crate::ids::{ErrorMappingId, OrganizationId, ProviderId, UserId};

/// One mapping. It is never changed: another one takes its place.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "error_mappings")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ErrorMappingId,
    /// The organization that reads them so.
    pub organization_id: OrganizationId,
    /// The provider that says them. None: every provider of the organization.
    pub provider_id: Option<ProviderId>,
    /// The one status on which it is read. None: every status on which sentences are.
    pub status: Option<i32>,
    /// A JSON array of the parts that a sentence must contain, in this order, normalized.
    pub contains: Json,
    /// The class that such a sentence means, or `request` where it only says that the failure is the request's own.
    pub meaning: String,
    /// Who made it. None: an API key, or the command line.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
