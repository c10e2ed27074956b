//! The proof that a caller belongs to an organization: without one, no data.
//!
//! Only the extractors of `auth` can make a [`Tenant`], and the store opens an organization's data for nothing
//! else. Imports `store` for the name of who acts.

use entity::ids::OrganizationId;

use crate::store::Actor;

/// An authenticated caller's organization, and who acts in it.
#[derive(Debug, Clone)]
pub struct Tenant {
    organization_id: OrganizationId,
    actor: Actor,
}

impl Tenant {
    pub(super) fn new(organization_id: OrganizationId, actor: Actor) -> Self {
        Self { organization_id, actor }
    }

    /// The organization.
    #[must_use]
    pub fn organization_id(&self) -> OrganizationId {
        self.organization_id
    }

    /// Who acts, for the audit log.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}
