//! Which providers accept our credentials, as far as this process has seen: what changes is handed to a task that
//! writes it down, so that no request waits for it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::ids::{OrganizationId, ProviderId};
use tokio::sync::mpsc;

use crate::domain::failure::ModelFailure;
use crate::store::ProviderHealth;
use crate::store::snapshot::ProviderEntry;

/// Changes that may wait to be written. What does not fit is found out again by the next call.
const WAITING: usize = 256;

/// A provider's health, newly found out.
#[derive(Debug)]
pub struct HealthChange {
    /// Whose provider.
    pub organization_id: OrganizationId,
    /// Which.
    pub provider_id: ProviderId,
    /// The provider's last change before the call.
    pub updated_at: DateTime<Utc>,
    /// What was found out.
    pub health: ProviderHealth,
}

/// What this process has seen of every provider.
#[derive(Debug)]
pub struct Health {
    accepted: papaya::HashMap<ProviderId, (DateTime<Utc>, bool)>,
    changes: mpsc::Sender<HealthChange>,
}

impl Health {
    /// Nothing seen yet; the changes come out of the receiver.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<HealthChange>) {
        let (changes, receiver) = mpsc::channel(WAITING);
        (Self { accepted: papaya::HashMap::new(), changes }, receiver)
    }

    /// The provider has answered.
    pub fn answered(&self, organization: OrganizationId, provider: &Arc<ProviderEntry>) {
        self.saw(organization, provider, true, || ProviderHealth::Ok);
    }

    /// A call failed, and not because of its request. Only a refused credential says something about the provider as a
    /// whole.
    pub fn failed(
        &self,
        organization: OrganizationId,
        provider: &Arc<ProviderEntry>,
        failure: ModelFailure<'_>,
    ) {
        if failure.is_of_the_provider() {
            let message = || ProviderHealth::Failing(failure.failure().message.clone());
            self.saw(organization, provider, false, message);
        }
    }

    fn saw(
        &self,
        organization_id: OrganizationId,
        provider: &ProviderEntry,
        accepted: bool,
        health: impl FnOnce() -> ProviderHealth,
    ) {
        let seen = (provider.updated_at, accepted);
        let known = self.accepted.pin();
        if known.get(&provider.id) == Some(&seen) {
            return;
        }
        let change = HealthChange {
            organization_id,
            provider_id: provider.id,
            updated_at: provider.updated_at,
            health: health(),
        };
        if self.changes.try_send(change).is_ok() {
            known.insert(provider.id, seen);
        }
    }
}
