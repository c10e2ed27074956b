//! The proof that a caller belongs to an organization: without one, no data.
//!
//! Only the extractors of `auth` can make a [`Tenant`], and the store opens an organization's data for nothing
//! else. Imports `store` for the name of who acts.

use std::sync::Arc;

use entity::ids::OrganizationId;

use crate::limits::shares::Place;
use crate::store::{Actor, KeyGrantCheck};

/// An authenticated caller's organization, and who acts in it.
#[derive(Debug, Clone)]
pub struct Tenant {
    organization_id: OrganizationId,
    actor: Actor,
    place: Option<Arc<Place>>,
    grant_check: Option<KeyGrantCheck>,
}

impl Tenant {
    /// A person. The role was asked already.
    pub(crate) fn new(organization_id: OrganizationId, actor: Actor) -> Self {
        Self { organization_id, actor, place: None, grant_check: None }
    }

    /// A key, which gives nothing that it does not have.
    pub(crate) fn of_key(organization_id: OrganizationId, actor: Actor) -> Self {
        Self {
            grant_check: Some(crate::store::tenant::key_bounds::check),
            ..Self::new(organization_id, actor)
        }
    }

    /// The same, with a place among the organization's calls, which is kept as long as its data is read.
    pub(crate) fn at(self, place: Place) -> Self {
        Self { place: Some(Arc::new(place)), ..self }
    }

    /// The place, if this caller has one.
    #[must_use]
    pub fn place(&self) -> Option<Arc<Place>> {
        self.place.clone()
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

    /// What a key that acts may give to keys. None: a person acts.
    #[must_use]
    pub fn grant_check(&self) -> Option<KeyGrantCheck> {
        self.grant_check
    }
}
