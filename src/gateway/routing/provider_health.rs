//! The health of providers and of their further credentials: whether they accept them. Changes are handed to a background task that
//! stores them, so that no request waits. Connection tests store their results themselves.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::ids::{OrganizationId, ProviderCredentialId, ProviderId};
use tokio::sync::mpsc;

use crate::domain::IdMap;
use crate::domain::failure::ModelFailure;
use crate::store::ProviderHealth;
use crate::store::snapshot::ProviderEntry;

/// The most changes that wait to be stored. Others are found again by the next call.
const WAITING: usize = 256;

/// What has a health of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthOf {
    /// A provider, in its row with its first credential.
    Provider(ProviderId),
    /// One of a provider's further credentials.
    Credential(ProviderCredentialId),
}

impl HealthOf {
    /// The row with the health of an entry, and when that row was last changed.
    #[must_use]
    pub fn entry(entry: &ProviderEntry) -> (Self, DateTime<Utc>) {
        let credential = &entry.credential_entry;
        match credential.updated_at {
            None => (Self::Provider(entry.id), entry.updated_at),
            Some(updated_at) => (Self::Credential(credential.id), updated_at),
        }
    }
}

/// A change of a provider's health.
#[derive(Debug)]
pub struct HealthChange {
    /// The organization of the provider.
    pub organization_id: OrganizationId,
    /// The row that has the health.
    pub of: HealthOf,
    /// When that row was last changed before the call.
    pub updated_at: DateTime<Utc>,
    /// The health that was found.
    pub health: ProviderHealth,
}

/// The health of all providers, as this process has seen it.
#[derive(Debug)]
pub struct Health {
    accepted: IdMap<ProviderCredentialId, (DateTime<Utc>, bool)>,
    changes: mpsc::Sender<HealthChange>,
}

impl Health {
    /// Creates the health of providers and the receiver of its changes.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<HealthChange>) {
        let (changes, receiver) = mpsc::channel(WAITING);
        (Self { accepted: IdMap::default(), changes }, receiver)
    }

    /// Reports that a provider answered.
    pub fn answered(&self, organization: OrganizationId, provider: &Arc<ProviderEntry>) {
        self.saw(organization, provider, true, || ProviderHealth::Ok);
    }

    /// Reports a failure of a model. Only a rejected credential changes the provider's health.
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

    /// Notes the result of a connection test, which is stored by itself. The next call with another result is reported again.
    pub fn tested(&self, provider: &ProviderEntry, passed: bool) {
        let (_, updated_at) = HealthOf::entry(provider);
        self.accepted.pin().insert(provider.credential_entry.id, (updated_at, passed));
    }

    fn saw(
        &self,
        organization_id: OrganizationId,
        provider: &ProviderEntry,
        accepted: bool,
        health: impl FnOnce() -> ProviderHealth,
    ) {
        let (of, updated_at) = HealthOf::entry(provider);
        let (id, seen) = (provider.credential_entry.id, (updated_at, accepted));
        let known = self.accepted.pin();
        if known.get(&id) == Some(&seen) {
            return;
        }
        let change = HealthChange { organization_id, of, updated_at, health: health() };
        if self.changes.try_send(change).is_ok() {
            known.insert(id, seen);
        }
    }
}
