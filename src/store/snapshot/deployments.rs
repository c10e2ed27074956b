//! The deployments of a model in a snapshot: one for each credential of its provider.
//!
//! A deployment is an entry of the same model with another credential, so that all that calls a model calls a deployment
//! the same way. With one credential of its provider, a model has none beside itself.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::ids::{ModelId, OrganizationId, ProviderCredentialId, ProviderId};
use entity::{provider_credentials, providers};
use sea_orm::{ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use uuid::Uuid;

use super::load::{belongs, grouped};
use super::{ModelEntry, ProviderEntry};
use crate::domain::error::Error;
use crate::store::Store;
use crate::store::tenant::providers::credentials::{USUAL_NAME, further_place};

/// Which of a provider's credentials an entry is for.
#[derive(Debug, Clone)]
pub struct CredentialEntry {
    /// The id of the credential; of the first one, that of the provider.
    pub id: ProviderCredentialId,
    /// The name that attempts record.
    pub name: Arc<str>,
    /// Its share of the calls beside those of the same tier, at least 1.
    pub weight: u32,
    /// The tier: a later one is used while the earlier ones are away.
    pub tier: u32,
    /// When it was last changed; `None` for the first one, which changes with its provider.
    pub updated_at: Option<DateTime<Utc>>,
}

impl CredentialEntry {
    /// The first credential of a provider, under its usual name.
    #[must_use]
    pub fn first(provider: ProviderId) -> Self {
        let id = ProviderCredentialId(provider.0);
        Self { id, name: USUAL_NAME.into(), weight: 1, tier: 0, updated_at: None }
    }

    /// The first credential of a provider, as its row says.
    pub(super) fn of_provider(row: &providers::Model) -> Self {
        let first = Self::first(row.id);
        Self {
            name: row.credential_name.as_deref().map_or(first.name, Arc::from),
            weight: row.credential_weight.map_or(first.weight, at_least_one),
            tier: row.credential_tier.map_or(first.tier, tier),
            ..first
        }
    }

    /// Whether it is the first credential of its provider, which is in the provider's own row.
    #[must_use]
    pub fn is_first(&self, provider: ProviderId) -> bool {
        self.id.0 == provider.0
    }
}

fn at_least_one(weight: i32) -> u32 {
    u32::try_from(weight).unwrap_or(1).max(1)
}

fn tier(tier: i32) -> u32 {
    u32::try_from(tier).unwrap_or(0)
}

impl ProviderEntry {
    /// The entry of one of the provider's credentials.
    #[must_use]
    pub fn with_credential(self: &Arc<Self>, id: ProviderCredentialId) -> Option<&Arc<Self>> {
        std::iter::once(self).chain(&self.further).find(|entry| entry.credential_entry.id == id)
    }
}

impl ModelEntry {
    /// The id of its cooldown, which no other model and no other deployment of it has.
    #[must_use]
    pub fn cooldown_id(&self) -> ModelId {
        self.own_cooldown_id.unwrap_or(self.id)
    }

    /// The deployments of the model; the model itself if it has one.
    pub fn each_deployment(&self) -> impl Iterator<Item = &Self> {
        let several = self.deployments.iter().flat_map(|all| all.iter().map(|one| &**one));
        self.deployments.is_none().then_some(self).into_iter().chain(several)
    }

    /// The model with its deployments.
    pub(super) fn with_deployments(self) -> Self {
        if self.provider.further.is_empty() {
            return self;
        }
        let providers = std::iter::once(&self.provider).chain(&self.provider.further);
        let deployments = providers.map(|provider| {
            let id = self.id.0.as_u128() ^ provider.credential_entry.id.0.as_u128();
            let own_cooldown_id = Some(ModelId(Uuid::from_u128(id)));
            Arc::new(Self { provider: provider.clone(), own_cooldown_id, ..self.clone() })
        });
        let deployments = Some(deployments.collect());
        Self { deployments, ..self }
    }
}

/// The rows of further credentials, by provider.
pub(super) type Rows = HashMap<ProviderId, Vec<provider_credentials::Model>>;

/// Reads the further credentials of these organizations, oldest first.
pub(super) async fn read(on: &impl ConnectionTrait, only: Option<&[OrganizationId]>) -> Result<Rows, Error> {
    let rows = provider_credentials::Entity::find()
        .filter(belongs(provider_credentials::Column::OrganizationId, only))
        .order_by_asc(provider_credentials::Column::CreatedAt)
        .order_by_asc(provider_credentials::Column::Id)
        .all(on)
        .await?;
    Ok(grouped(rows, |row| row.provider_id))
}

/// The entry of a provider, with those of its further credentials. Without a first credential, the next one takes its place.
pub(super) fn with_further(
    store: &Store,
    first: ProviderEntry,
    rows: Vec<provider_credentials::Model>,
) -> ProviderEntry {
    let mut further: Vec<ProviderEntry> =
        rows.into_iter().filter_map(|row| further_entry(store, &first, row)).collect();
    let leading = if first.credential.is_some() || further.is_empty() { first } else { further.remove(0) };
    ProviderEntry { further: further.into_iter().map(Arc::new).collect(), ..leading }
}

/// `None` for a credential that cannot be opened, which is left out.
fn further_entry(
    store: &Store,
    first: &ProviderEntry,
    row: provider_credentials::Model,
) -> Option<ProviderEntry> {
    let place = further_place(row.organization_id, row.id);
    let opened = store.inner.vault.open(place, &row.credential);
    let credential = opened
        .inspect_err(|error| tracing::error!(credential = %row.id, %error, "the credential is left out"))
        .ok()?;
    Some(ProviderEntry {
        id: first.id,
        name: first.name.clone(),
        preset: first.preset,
        base_url: first.base_url.clone(),
        credential: Some(credential),
        credential_entry: CredentialEntry {
            id: row.id,
            name: row.name.into(),
            weight: at_least_one(row.weight),
            tier: tier(row.tier),
            updated_at: Some(row.updated_at),
        },
        further: Vec::new(),
        stream_options: first.stream_options,
        limits: first.limits,
        mappings: first.mappings.clone(),
        updated_at: first.updated_at,
    })
}
