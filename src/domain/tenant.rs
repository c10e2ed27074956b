//! The proof that a caller belongs to an organization: without one, no data.
//!
//! The store opens an organization's data for a [`Tenant`] and for nothing else. Only the extractors in `auth` make
//! one; `tests/tidy` holds that.

use std::fmt::Debug;
use std::sync::Arc;

use entity::ids::OrganizationId;

use crate::domain::actor::Actor;

/// Something that is held for as long as the data is open, such as a place among the organization's calls.
pub trait Guard: Debug + Send + Sync {}

impl<T: Debug + Send + Sync> Guard for T {}

/// An authenticated caller's organization, and who acts in it.
#[derive(Debug, Clone)]
pub struct Tenant {
    organization_id: OrganizationId,
    actor: Actor,
    guard: Option<Arc<dyn Guard>>,
}

impl Tenant {
    /// The organization of a caller whose credential and rights were checked.
    #[must_use]
    pub fn authenticated(organization_id: OrganizationId, actor: Actor) -> Self {
        Self { organization_id, actor, guard: None }
    }

    /// The same, with something that is held for as long as its data is open.
    #[must_use]
    pub fn holding(self, guard: impl Guard + 'static) -> Self {
        Self { guard: Some(Arc::new(guard)), ..self }
    }

    /// What is held while the data is open.
    #[must_use]
    pub fn guard(&self) -> Option<Arc<dyn Guard>> {
        self.guard.clone()
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
