//! The store through its public interface, every test on both databases.
//!
//! A test of the schema or of another process reads the tables, or opens a second store.

mod archive;
mod catalog;
pub(crate) mod database;
mod fallbacks;
mod keys;
mod lists;
mod money;
mod opening;
mod partitions;
mod prices;
mod providers;
mod records;
mod retention;
mod rollups;
mod scale;

use std::time::Duration;

use entity::ids::{OrganizationId, ProviderId};
use uuid::Uuid;

use super::{
    ModelFields, ModelLimits, ModelRow, ModelSettings, NewApiKey, NewFallback, NewProvider, OrgStore,
    ProviderLimits, Store,
};
use crate::domain::actor::Actor;
use crate::domain::error::Error;
use crate::domain::fallback_type::FallbackType;
use crate::providers::StreamOptions;
use crate::store::maintenance::system::NewOrganization;
use database::{Kind, TestDatabase};

/// An organization with an open store. The database is removed when this is dropped.
struct World {
    store: Store,
    organization: OrgStore,
    provider_id: ProviderId,
    database: TestDatabase,
}

impl World {
    /// The organization `acme` with the simulated provider `simulated`.
    async fn new(kind: Kind) -> Self {
        let database = TestDatabase::new(kind).await;
        let store = database.open().await;
        let organization = organization(&store, "acme").await;
        let provider_id = provider(&organization).await;
        Self { store, organization, provider_id, database }
    }

    /// Another organization of the same store, with its own provider.
    async fn other(&self) -> (OrgStore, ProviderId) {
        let other = organization(&self.store, "other").await;
        let provider_id = provider(&other).await;
        (other, provider_id)
    }

    async fn model(&self, name: &str) -> ModelRow {
        self.database.hand.advance(Duration::from_secs(1));
        self.organization.model_create(model(self.provider_id, name)).await.expect(name)
    }

    async fn models(&self, names: &[&str]) {
        for name in names {
            self.model(name).await;
        }
    }

    fn id(&self) -> OrganizationId {
        self.organization.organization_id()
    }
}

async fn organization(store: &Store, name: &str) -> OrgStore {
    let new = NewOrganization {
        name: name.to_owned(),
        email: format!("owner@{name}.example"),
        password_hash: None,
        actor: None,
        request_id: None,
        owner: None,
    };
    let made = store.system().organization_create(new).await.expect(name);
    store.scoped(made.organization_id, Actor::user(Uuid::from_u128(7), "ci", None))
}

async fn provider(organization: &OrgStore) -> ProviderId {
    let new = new_provider("simulated", "simulated");
    organization.provider_create(new).await.expect("a provider").id
}

fn new_provider(name: &str, preset: &str) -> NewProvider {
    NewProvider {
        name: name.to_owned(),
        preset: preset.to_owned(),
        base_url: None,
        credential: None,
        stream_options: StreamOptions::Auto,
        limits: ProviderLimits::default(),
    }
}

fn model(provider_id: ProviderId, name: &str) -> ModelFields {
    ModelFields {
        name: name.to_owned(),
        provider_id,
        upstream_model: "sim/steady".to_owned(),
        settings: ModelSettings::default(),
        enabled: true,
    }
}

fn fallback(model: &str, fallback_models: &[&str]) -> NewFallback {
    NewFallback {
        model: model.to_owned(),
        fallback_models: strings(fallback_models),
        fallback_type: FallbackType::General,
        triggers: None,
    }
}

fn new_key(store: &Store, key: &str) -> NewApiKey {
    NewApiKey {
        name: "app".to_owned(),
        key_hash: store.vault().key_hash(key),
        prefix: "fsk_abc".to_owned(),
        last_four: "wxyz".to_owned(),
        scopes: strings(&["inference"]),
        models: None,
        requests_per_minute: None,
        concurrent_requests: None,
        requests_per_day: None,
        tokens_per_minute: None,
        tokens_per_day: None,
        model_limits: ModelLimits::default(),
        expires_at: None,
        created_by: None,
    }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The message of a conflict; any other result fails the test.
fn conflict<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Conflict { message }) => message,
        other => panic!("not a conflict: {other:?}"),
    }
}

/// The one field that was refused, and the reason.
fn invalid<T: std::fmt::Debug>(result: Result<T, Error>) -> (String, String) {
    match result {
        Err(Error::Invalid(violations)) if violations.len() == 1 => {
            (format!("{:?}", violations[0].location[1]), violations[0].message.clone())
        }
        other => panic!("not one refused field: {other:?}"),
    }
}
