//! Snapshots: an immutable copy of the keys, catalog and chains of an organization, from which requests are served.
//!
//! A snapshot is replaced as a whole when something changes: in this process before the response to the change is sent,
//! in other processes when they see the change counter, which they poll each second. No request reads the database.
//!
//! Other processes read the organizations that changed, in the order of their changes and in small steps. Revoked keys are
//! read apart from that, so they never wait for it.

mod counter;
mod deployments;
mod key_rows;
mod keys;
mod listing;
mod load;
mod mapping;
mod progress;
mod refresh;
mod revocations;
#[cfg(test)]
pub(crate) mod samples;
mod snapshot_store;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::ids::{ApiKeyId, BudgetId, ModelId, OrganizationId, ProviderId};
use secrecy::SecretString;
use uuid::Uuid;

use super::{Limits, ModelLimits, ModelSettings, OrganizationSettings, ProviderLimits};
use crate::domain::operation::ModelKind;
use crate::domain::period::Period;
use crate::providers::{Mappings, ParameterRules, Preset, StreamOptions};
pub use deployments::CredentialEntry;
pub use keys::Keys;
pub use snapshot_store::SnapshotStore;

/// The row of `instance_state` that is incremented with every change of any organization.
pub(super) const CHANGE_COUNTER: &str = "change_counter";

/// Default timeouts for the first content frame and the whole answer; reasoning models have a longer one.
const FIRST_FRAME_TIMEOUT: Duration = Duration::from_secs(60);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
const REASONING_TIMEOUT: Duration = Duration::from_secs(300);
const NUM_RETRIES: u32 = 1;

/// One version of one organization.
#[derive(Debug)]
pub struct OrganizationSnapshot {
    /// The id of the organization.
    pub id: OrganizationId,
    /// The name of the organization.
    pub name: Arc<str>,
    /// The version that was read.
    pub version: i64,
    /// The settings of the organization.
    pub settings: OrganizationSettings,
    /// Keys that are not revoked, by keyed hash.
    pub keys: Keys,
    /// Providers that can be called.
    pub providers: HashMap<ProviderId, Arc<ProviderEntry>>,
    /// Models that are not deleted, by name.
    pub models: HashMap<String, Arc<ModelEntry>>,
    /// Fallback configurations by model.
    pub chains: HashMap<ModelId, Chains>,
    /// The types of which a list exists, for the strict mode.
    pub typed_lists: TypedLists,
    /// The budgets of the organization and its keys.
    pub budgets: Budgets,
}

impl OrganizationSnapshot {
    /// The model of that id.
    #[must_use]
    pub fn model(&self, id: ModelId) -> Option<&Arc<ModelEntry>> {
        self.models.values().find(|model| model.id == id)
    }

    /// The models that answer conversations.
    pub fn chat_models(&self) -> impl Iterator<Item = &Arc<ModelEntry>> {
        self.models.values().filter(|model| model.settings.kind == ModelKind::Chat)
    }

    /// Whether any provider has limits of its own.
    #[must_use]
    pub fn limits_providers(&self) -> bool {
        self.providers.values().any(|provider| provider.limits != ProviderLimits::default())
    }

    /// A copy with other fallback lists for one model, without keys. Previews of a change use it.
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
            keys: Keys::default(),
            providers: self.providers.clone(),
            models: self.models.clone(),
            chains: all,
            typed_lists,
            budgets: self.budgets.clone(),
        }
    }

    /// The names of these models and, if `with_fallbacks`, of all models behind them, whatever fails.
    #[must_use]
    pub fn reachable<'a>(&'a self, names: &'a [String], with_fallbacks: bool) -> HashSet<&'a str> {
        let mut found: HashSet<&str> = HashSet::new();
        let mut left: Vec<&str> = names.iter().map(String::as_str).collect();
        while let Some(name) = left.pop() {
            let new = found.insert(name);
            let model = self.models.get(name).filter(|_| new && with_fallbacks);
            let Some(chains) = model.and_then(|model| self.chains.get(&model.id)) else { continue };
            let Chains { general, context_window, content_policy } = chains;
            let lists = [general, context_window, content_policy].into_iter().flatten();
            left.extend(lists.flat_map(|list| &list.targets).map(|model| &*model.name));
        }
        found
    }

    /// The last use of each key in this process. The database is updated from time to time.
    #[must_use]
    pub fn last_uses(&self) -> HashMap<ApiKeyId, DateTime<Utc>> {
        let used = |key: &Arc<ApiKeyEntry>| {
            let seconds = key.last_used.load(Ordering::Relaxed);
            Some((key.id, DateTime::from_timestamp(seconds, 0).filter(|_| seconds > 0)?))
        };
        self.keys.values().filter_map(used).collect()
    }
}

/// Budgets by what they limit, so that a request only checks its own. Successive snapshots share them.
#[derive(Debug, Clone, Default)]
pub struct Budgets(Arc<HashMap<Option<ApiKeyId>, Vec<BudgetEntry>>>);

impl Budgets {
    /// The budgets of a key or, for `None`, of the whole organization: at most one per period.
    #[must_use]
    pub fn of(&self, api_key_id: Option<ApiKeyId>) -> &[BudgetEntry] {
        self.0.get(&api_key_id).map_or(&[], Vec::as_slice)
    }

    /// All budgets, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &BudgetEntry> {
        self.0.values().flatten()
    }

    /// Whether there are no budgets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<BudgetEntry> for Budgets {
    fn from_iter<T: IntoIterator<Item = BudgetEntry>>(entries: T) -> Self {
        let mut budgets: HashMap<_, Vec<BudgetEntry>> = HashMap::new();
        for entry in entries {
            budgets.entry(entry.api_key_id).or_default().push(entry);
        }
        Self(Arc::new(budgets))
    }
}

/// A budget of an organization or key.
#[derive(Debug, Clone, Copy)]
pub struct BudgetEntry {
    /// The id of the row.
    pub id: BudgetId,
    /// The limited key; `None` for the whole organization.
    pub api_key_id: Option<ApiKeyId>,
    /// The period of the budget.
    pub period: Period,
    /// The soft limit in nano-dollars; `None` for no warning.
    pub soft: Option<i64>,
    /// The hard limit in nano-dollars; `None` for no limit.
    pub hard: Option<i64>,
    /// When the last warning was sent.
    pub warned_at: Option<DateTime<Utc>>,
}

/// The types of fallback lists that an organization has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TypedLists {
    /// Whether any model has a list for context windows.
    pub context_window: bool,
    /// Whether any model has a list for content policies.
    pub content_policy: bool,
}

/// An API key in a snapshot.
#[derive(Debug)]
pub struct ApiKeyEntry {
    /// The id of the row.
    pub id: ApiKeyId,
    /// The name of the resource.
    pub name: Arc<str>,
    /// The words of its scopes.
    pub scopes: Vec<String>,
    /// The models that it may use; `None` for every model.
    pub models: Option<Arc<HashSet<String>>>,
    /// The limits of all of its requests.
    pub limits: Limits,
    /// The limits of single models inside the key.
    pub model_limits: ModelLimits,
    /// The time when it expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// The last use in this process in Unix seconds; 0 for never. Successive snapshots share it.
    pub last_used: Arc<AtomicI64>,
}

impl ApiKeyEntry {
    /// Whether the key may use the model of that name.
    #[must_use]
    pub fn allows_model(&self, name: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.contains(name))
    }
}

/// A provider with its decrypted credential.
#[derive(Debug)]
pub struct ProviderEntry {
    /// The id of the row.
    pub id: ProviderId,
    /// Its name in the catalog.
    pub name: Arc<str>,
    /// The preset of its vendor.
    pub preset: &'static Preset,
    /// The base URL of the provider or its preset; `None` for simulated providers.
    pub base_url: Option<String>,
    /// The credential for the provider.
    pub credential: Option<SecretString>,
    /// Which of the provider's credentials that is.
    pub credential_entry: CredentialEntry,
    /// The entries of the provider's other credentials; none in these entries themselves.
    pub further: Vec<Arc<ProviderEntry>>,
    /// Whether it accepts `stream_options`.
    pub stream_options: StreamOptions,
    /// How much its account may do.
    pub limits: ProviderLimits,
    /// The error mappings that apply to it.
    pub mappings: Mappings,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A model of the catalog, completed with built-in values.
#[derive(Debug, Clone)]
pub struct ModelEntry {
    /// The id of the row.
    pub id: ModelId,
    /// Its name in the catalog.
    pub name: Arc<str>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// The provider that serves it.
    pub provider: Arc<ProviderEntry>,
    /// The name of the model at the provider.
    pub upstream_model: String,
    /// The settings in effect.
    pub settings: ModelSettings,
    /// Whether it may be called.
    pub enabled: bool,
    /// The row of its price; `None` for a price of the built-in table.
    pub price_id: Option<Uuid>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When its cooldown was last reset.
    pub cooldown_ended_at: Option<DateTime<Utc>>,
    /// Its deployments, one for each credential of its provider; `None` if there is one.
    pub deployments: Option<Arc<[Arc<ModelEntry>]>>,
    /// The id of the cooldown of one of several deployments; `None` if it is that of the model.
    pub own_cooldown_id: Option<ModelId>,
}

/// The times of the last changes that end a cooldown: of a model, its provider, one of several credentials, and the last
/// reset by hand.
pub type ModelVersion = (DateTime<Utc>, DateTime<Utc>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

impl ModelEntry {
    /// The version of the model or deployment. Results of earlier calls are ignored when it changes.
    #[must_use]
    pub fn version(&self) -> ModelVersion {
        let ProviderEntry { updated_at, credential_entry, .. } = &*self.provider;
        (self.updated_at, *updated_at, credential_entry.updated_at, self.cooldown_ended_at)
    }

    /// The name of the vectors that it makes: embeddings of models with the same name can be compared.
    #[must_use]
    pub fn vector_space(&self) -> &str {
        self.settings.vector_space.as_deref().unwrap_or(&self.upstream_model)
    }

    /// The longest completion of a request without a limit, in tokens, if the vendor documents one. A server at an
    /// address of its own in place of the vendor's may have another default.
    #[must_use]
    pub fn completion_tokens(&self) -> Option<i64> {
        let ProviderEntry { preset, base_url, .. } = &*self.provider;
        let is_own =
            |own: &str| base_url.as_deref().is_none_or(|base_url| base_url.trim_end_matches('/') == own);
        preset.completion_tokens.filter(|_| preset.base_url.is_none_or(is_own))
    }

    /// The timeout for the first content frame of a stream.
    #[must_use]
    pub fn first_frame_timeout(&self) -> Duration {
        self.timeout(self.settings.first_frame_timeout_ms, FIRST_FRAME_TIMEOUT)
    }

    /// The timeout for a complete answer.
    #[must_use]
    pub fn answer_timeout(&self) -> Duration {
        self.timeout(self.settings.answer_timeout_ms, ANSWER_TIMEOUT)
    }

    fn timeout(&self, own_ms: Option<i64>, default: Duration) -> Duration {
        let reasons = self.settings.capabilities.reasoning == Some(true);
        own_ms
            .and_then(|ms| u64::try_from(ms).ok())
            .map_or(if reasons { REASONING_TIMEOUT } else { default }, Duration::from_millis)
    }

    /// The number of retries after a failed call.
    #[must_use]
    pub fn num_retries(&self) -> u32 {
        self.settings.num_retries.and_then(|retries| u32::try_from(retries).ok()).unwrap_or(NUM_RETRIES)
    }

    /// How a request is adapted when the model is a fallback.
    #[must_use]
    pub fn parameter_rules(&self) -> &ParameterRules {
        static UNCHANGED: ParameterRules = ParameterRules::NONE;
        self.settings.parameter_rules.as_ref().unwrap_or(&UNCHANGED)
    }
}

/// The fallback lists of one model.
#[derive(Debug, Clone, Default)]
pub struct Chains {
    /// The list for any failure.
    pub general: Option<Arc<Chain>>,
    /// The list for prompts that are too long.
    pub context_window: Option<Arc<Chain>>,
    /// The list for refused content.
    pub content_policy: Option<Arc<Chain>>,
}

/// One fallback list of a model.
#[derive(Debug)]
pub struct Chain {
    /// The id of the configuration.
    pub config_id: Uuid,
    /// The number of the current revision.
    pub revision: i64,
    /// The error classes that trigger it; `None` for every class.
    pub triggers: Option<Vec<String>>,
    /// The fallback models, in order.
    pub targets: Vec<Arc<ModelEntry>>,
}
