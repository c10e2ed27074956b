//! Entries of a catalog for tests, which change what they are about.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::ids::{ModelId, OrganizationId, ProviderId};
use uuid::Uuid;

use super::{Budgets, CredentialEntry, ModelEntry, OrganizationSnapshot, ProviderEntry, TypedLists};
use crate::providers::{StreamOptions, preset};
use crate::store::{ModelSettings, OrganizationSettings};

/// An organization without anything.
pub(crate) fn organization() -> OrganizationSnapshot {
    OrganizationSnapshot {
        id: OrganizationId(Uuid::from_u128(3)),
        name: "test".into(),
        version: 1,
        settings: OrganizationSettings::default(),
        keys: Default::default(),
        providers: Default::default(),
        models: Default::default(),
        chains: Default::default(),
        typed_lists: TypedLists::default(),
        budgets: Budgets::default(),
    }
}

/// A provider with the name of its preset, without a base URL and a credential.
pub(crate) fn provider(preset_name: &str) -> ProviderEntry {
    ProviderEntry {
        id: ProviderId(Uuid::from_u128(1)),
        name: preset_name.into(),
        preset: preset(preset_name).expect("a preset"),
        base_url: None,
        credential: None,
        credential_entry: CredentialEntry::first(ProviderId(Uuid::from_u128(1))),
        further: Vec::new(),
        stream_options: StreamOptions::Auto,
        limits: Default::default(),
        mappings: Default::default(),
        updated_at: DateTime::<Utc>::UNIX_EPOCH,
    }
}

/// An enabled model of a provider, with one name for both, no price and no retries.
pub(crate) fn model(name: &str, provider: ProviderEntry) -> ModelEntry {
    ModelEntry {
        id: ModelId(Uuid::from_u128(2)),
        name: name.into(),
        created_at: DateTime::<Utc>::UNIX_EPOCH,
        provider: Arc::new(provider),
        upstream_model: name.to_owned(),
        settings: ModelSettings { num_retries: Some(0), ..ModelSettings::default() },
        enabled: true,
        price_id: None,
        updated_at: DateTime::<Utc>::UNIX_EPOCH,
        cooldown_ended_at: None,
        deployments: None,
        own_cooldown_id: None,
    }
}
