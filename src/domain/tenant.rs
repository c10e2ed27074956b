//! The proof that a caller belongs to an organization. Data can be opened only with it.
//!
//! The store opens an organization's data only for a [`Tenant`]. Only the extractors in `auth` create one; `tests/tidy`
//! checks that.

use std::fmt::Debug;
use std::sync::Arc;

use entity::ids::OrganizationId;

use crate::domain::actor::Actor;

/// A resource that is held while the data is open, such as a slot among the organization's concurrent calls.
pub trait Guard: Debug + Send + Sync {}

impl<T: Debug + Send + Sync> Guard for T {}

/// The organization of an authenticated caller, and the actor of its changes.
#[derive(Debug, Clone)]
pub struct Tenant {
    organization_id: OrganizationId,
    actor: Actor,
    guard: Option<Arc<dyn Guard>>,
}

impl Tenant {
    /// Creates a tenant for a caller after its credential and permissions are checked.
    #[must_use]
    pub fn authenticated(organization_id: OrganizationId, actor: Actor) -> Self {
        Self { organization_id, actor, guard: None }
    }

    /// Adds a resource that is held while the data is open.
    #[must_use]
    pub fn holding(self, guard: impl Guard + 'static) -> Self {
        Self { guard: Some(Arc::new(guard)), ..self }
    }

    /// The resource that is held while the data is open.
    #[must_use]
    pub fn guard(&self) -> Option<Arc<dyn Guard>> {
        self.guard.clone()
    }

    /// The id of the organization.
    #[must_use]
    pub fn organization_id(&self) -> OrganizationId {
        self.organization_id
    }

    /// The actor, for the audit log.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}
