//! What requests are served from: per organization an immutable picture of its keys, catalogue and chains.
//!
//! A picture is replaced whole when something changes: in this process before the change's response leaves, in
//! every other one when it sees the global counter move (looked at each second). No request reads the database.

mod load;
mod mapping;
mod price;
mod refresh;
mod snapshot_store;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::ids::{ApiKeyId, BudgetId, ModelId, OrganizationId, ProviderId};
use secrecy::SecretString;
use uuid::Uuid;

use super::OrganizationSettings;
use crate::domain::period::Period;
use crate::providers::{Capabilities, Mappings, ParameterRules, Preset, StreamOptions};
pub use price::{Price, Rates};
pub use snapshot_store::SnapshotStore;

/// The row of `instance_state` that moves with every change of every organization.
pub(super) const CHANGE_COUNTER: &str = "change_counter";

/// One organization, as of one version.
#[derive(Debug)]
pub struct OrganizationSnapshot {
    /// Whose.
    pub id: OrganizationId,
    /// The organization's name.
    pub name: Arc<str>,
    /// The version that was read.
    pub version: i64,
    /// Its settings.
    pub settings: OrganizationSettings,
    /// Living keys by their keyed hash.
    pub keys: HashMap<[u8; 32], Arc<ApiKeyEntry>>,
    /// Living providers that can be called.
    pub providers: HashMap<ProviderId, Arc<ProviderEntry>>,
    /// Living models by name.
    pub models: HashMap<String, Arc<ModelEntry>>,
    /// Fallback configurations by the model they stand behind.
    pub chains: HashMap<ModelId, Chains>,
    /// Whether any list of a type exists at all, for the strict mode.
    pub typed_lists: TypedLists,
    /// Living budgets, its own and its keys'.
    pub budgets: Budgets,
}

impl OrganizationSnapshot {
    /// The living model of that id.
    #[must_use]
    pub fn model(&self, id: ModelId) -> Option<&Arc<ModelEntry>> {
        self.models.values().find(|model| model.id == id)
    }

    /// The same organization if these lists stood behind that model, without its keys: to think changes through.
    #[must_use]
    pub fn with_chains(&self, model: ModelId, chains: Chains) -> Self {
        let mut all = self.chains.clone();
        all.insert(model, chains);
        let typed_lists = TypedLists {
            context_window: all.values().any(|lists| lists.context_window.is_some()),
            content_policy: all.values().any(|lists| lists.content_policy.is_some()),
        };
        Self {
            id: self.id,
            name: self.name.clone(),
            version: self.version,
            settings: self.settings.clone(),
            keys: HashMap::new(),
            providers: self.providers.clone(),
            models: self.models.clone(),
            chains: all,
            typed_lists,
            budgets: self.budgets.clone(),
        }
    }

    /// When this process saw each key last: the database learns it only every now and then.
    #[must_use]
    pub fn last_uses(&self) -> HashMap<ApiKeyId, DateTime<Utc>> {
        let used = |key: &Arc<ApiKeyEntry>| {
            let seconds = key.last_used.load(Ordering::Relaxed);
            Some((key.id, DateTime::from_timestamp(seconds, 0).filter(|_| seconds > 0)?))
        };
        self.keys.values().filter_map(used).collect()
    }
}

/// Living budgets by what they limit: a request looks at its own, however many there are.
#[derive(Debug, Clone, Default)]
pub struct Budgets(HashMap<Option<ApiKeyId>, Vec<BudgetEntry>>);

impl Budgets {
    /// The budgets of a key, or the organization's own: at most one for each period.
    #[must_use]
    pub fn of(&self, api_key_id: Option<ApiKeyId>) -> &[BudgetEntry] {
        self.0.get(&api_key_id).map_or(&[], Vec::as_slice)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &BudgetEntry> {
        self.0.values().flatten()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<BudgetEntry> for Budgets {
    fn from_iter<T: IntoIterator<Item = BudgetEntry>>(entries: T) -> Self {
        let mut budgets = Self::default();
        for entry in entries {
            budgets.0.entry(entry.api_key_id).or_default().push(entry);
        }
        budgets
    }
}

/// A living budget.
#[derive(Debug, Clone, Copy)]
pub struct BudgetEntry {
    /// Its id.
    pub id: BudgetId,
    /// The key that it limits; none is the whole organization.
    pub api_key_id: Option<ApiKeyId>,
    /// After what time it starts anew.
    pub period: Period,
    /// Nano-dollars from which on people are told.
    pub soft: Option<i64>,
    /// Nano-dollars from which on requests are refused.
    pub hard: Option<i64>,
    /// When people were last told.
    pub warned_at: Option<DateTime<Utc>>,
}

/// Which typed lists an organization has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TypedLists {
    /// Any list for context windows.
    pub context_window: bool,
    /// Any list for content policies.
    pub content_policy: bool,
}

/// A living API key.
#[derive(Debug)]
pub struct ApiKeyEntry {
    /// Its id.
    pub id: ApiKeyId,
    /// Its name.
    pub name: Arc<str>,
    /// Its scopes' words.
    pub scopes: Vec<String>,
    /// The models it may use; none is all.
    pub models: Option<Arc<HashSet<String>>>,
    /// Requests per minute.
    pub requests_per_minute: Option<i64>,
    /// Requests at once.
    pub concurrent_requests: Option<i64>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// Unix seconds of its last use in this process; 0 is never. Shared by the pictures that follow each other.
    pub last_used: Arc<AtomicI64>,
}

impl ApiKeyEntry {
    /// May the key use a model of that name?
    #[must_use]
    pub fn allows_model(&self, name: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.contains(name))
    }
}

/// A provider, with its credential opened.
#[derive(Debug)]
pub struct ProviderEntry {
    /// Its id.
    pub id: ProviderId,
    /// Its catalogue name.
    pub name: Arc<str>,
    /// What is known about its vendor.
    pub preset: &'static Preset,
    /// Its address: its own, or the preset's. None for the simulated kind.
    pub base_url: Option<String>,
    /// Its credential.
    pub credential: Option<SecretString>,
    /// Whether it takes `stream_options`.
    pub stream_options: StreamOptions,
    /// What its organization reads in its sentences.
    pub mappings: Mappings,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A model of the catalogue, with what is known about it filled in.
#[derive(Debug, Clone)]
pub struct ModelEntry {
    /// Its id.
    pub id: ModelId,
    /// Its catalogue name.
    pub name: Arc<str>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// Who serves it.
    pub provider: Arc<ProviderEntry>,
    /// What its provider calls it.
    pub upstream_model: String,
    /// Tokens of prompt and answer together.
    pub context_window: Option<i64>,
    /// Tokens of an answer.
    pub max_output_tokens: Option<i64>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// How a request is adapted when it stands behind another model.
    pub parameter_rules: ParameterRules,
    /// How long a stream's first real frame may take.
    pub first_frame_timeout: Duration,
    /// How long a whole answer may take.
    pub answer_timeout: Duration,
    /// How often a failed call is made again.
    pub num_retries: u32,
    /// Whether it may be called.
    pub enabled: bool,
    /// The price in force.
    pub price: Option<Price>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When a person last ended its cooldown.
    pub cooldown_ended_at: Option<DateTime<Utc>>,
}

impl ModelEntry {
    /// What is known about calls of this model holds until this changes: its own and its provider's last change, and
    /// the last end of its cooldown by hand.
    #[must_use]
    pub fn version(&self) -> (DateTime<Utc>, DateTime<Utc>, Option<DateTime<Utc>>) {
        (self.updated_at, self.provider.updated_at, self.cooldown_ended_at)
    }
}

/// The lists behind one model.
#[derive(Debug, Clone, Default)]
pub struct Chains {
    /// For any failure.
    pub general: Option<Arc<Chain>>,
    /// For prompts that are too long.
    pub context_window: Option<Arc<Chain>>,
    /// For refused content.
    pub content_policy: Option<Arc<Chain>>,
}

/// One stored list.
#[derive(Debug)]
pub struct Chain {
    /// The configuration.
    pub config_id: Uuid,
    /// Its revision in force.
    pub revision: i64,
    /// The error classes that use it; none is every class.
    pub triggers: Option<Vec<String>>,
    /// The models, in order.
    pub targets: Vec<Arc<ModelEntry>>,
}
