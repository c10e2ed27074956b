//! Builds snapshots from the database. The number of queries does not depend on the number of organizations.

use std::collections::HashMap;
use std::sync::Arc;

use entity::ids::{ModelId, OrganizationId, ProviderId};
use entity::{
    budgets, fallback_configs, fallback_revisions, fallback_targets, model_prices, models, organizations,
    providers,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};

use super::deployments::{self, CredentialEntry};
use super::key_rows::KeyRows;
use super::keys::Keys;
use super::mapping::{self, Owned};
use super::snapshot_store::{KeyChanges, Loaded};
use super::{BudgetEntry, Chain, Chains, ModelEntry, OrganizationSnapshot, ProviderEntry, TypedLists};
use crate::domain::error::Error;
use crate::domain::fallback_type::FallbackType;
use crate::domain::period::Period;
use crate::providers::{self as vendors, Mappings, ModelPrice};
use crate::store::{FilledModel, ModelSettings, ProviderLimits, Store};

/// The rows of all tables but those of organizations and keys, grouped by organization.
#[derive(Default)]
struct Catalogs {
    providers: HashMap<OrganizationId, Vec<providers::Model>>,
    models: HashMap<OrganizationId, Vec<models::Model>>,
    prices: HashMap<ModelId, model_prices::Model>,
    configs: HashMap<OrganizationId, Vec<ConfigRows>>,
    budgets: HashMap<OrganizationId, Vec<budgets::Model>>,
    mappings: HashMap<OrganizationId, Vec<Owned>>,
    credentials: deployments::Rows,
}

struct ConfigRows {
    config: fallback_configs::Model,
    revision: fallback_revisions::Model,
    targets: Vec<ModelId>,
}

/// Reads all or some organizations. Of those with a `known` snapshot, only the keys are read that changed since, and nothing
/// else if nothing else changed.
pub(super) async fn snapshots(
    store: &Store,
    only: Option<&[OrganizationId]>,
    known: Vec<Arc<OrganizationSnapshot>>,
) -> Result<Vec<Loaded>, Error> {
    let found = organizations::Entity::find()
        .filter(belongs(organizations::Column::Id, only))
        .all(&store.inner.reader)
        .await?;
    let keys = KeyRows::read(&store.inner.reader, &found, only, known).await?;
    let changed = found.iter().filter(|row| keys.known(row.id).is_none_or(|known| !has_catalog(known, row)));
    let changed: Vec<OrganizationId> = changed.map(|row| row.id).collect();
    let catalogs = match only {
        Some(_) if changed.is_empty() => Catalogs::default(),
        Some(_) => read(store, Some(&changed)).await?,
        None => read(store, None).await?,
    };
    // Large organizations take some time, and this may be a worker thread with requests to serve.
    let store = store.clone();
    let assembled = tokio::task::spawn_blocking(move || assemble_all(&store, found, keys, catalogs));
    assembled.await.map_err(Error::internal)
}

/// Whether nothing but keys has changed since a known snapshot. That the release before has changed nothing since was checked
/// when the keys were read.
fn has_catalog(known: &OrganizationSnapshot, row: &organizations::Model) -> bool {
    row.catalog_version.is_none_or(|version| version <= known.version)
}

fn assemble_all(
    store: &Store,
    found: Vec<organizations::Model>,
    mut keys: KeyRows,
    mut rows: Catalogs,
) -> Vec<Loaded> {
    let mut snapshots = Vec::with_capacity(found.len());
    for organization in found {
        let id = organization.id;
        match assemble(store, organization, &mut keys, &mut rows) {
            Ok(loaded) => snapshots.push(loaded),
            // An organization that cannot be read keeps its snapshot and does not affect the others.
            Err(error) => {
                tracing::error!(organization = %id, error = ?error, "an organization cannot be read")
            }
        }
    }
    snapshots
}

pub(super) fn belongs(column: impl ColumnTrait, only: Option<&[OrganizationId]>) -> Condition {
    match only {
        Some(ids) => Condition::all().add(column.is_in(ids.iter().copied())),
        None => Condition::all(),
    }
}

async fn read(store: &Store, only: Option<&[OrganizationId]>) -> Result<Catalogs, Error> {
    let reader = &store.inner.reader;
    let providers = providers::Entity::find()
        .filter(belongs(providers::Column::OrganizationId, only))
        .filter(providers::Column::DeletedAt.is_null())
        .all(reader)
        .await?;
    let models = models::Entity::find()
        .filter(belongs(models::Column::OrganizationId, only))
        .filter(models::Column::DeletedAt.is_null())
        .all(reader)
        .await?;
    let budgets = budgets::Entity::find()
        .filter(belongs(budgets::Column::OrganizationId, only))
        .filter(budgets::Column::DeletedAt.is_null())
        .all(reader)
        .await?;
    // Ascending, so that the map keeps the newest price of a model. It applies immediately, even if the clock of the
    // process that wrote it is ahead, because nothing would read it again later.
    let prices = model_prices::Entity::find()
        .filter(belongs(model_prices::Column::OrganizationId, only))
        .order_by_asc(model_prices::Column::ValidFrom)
        .order_by_asc(model_prices::Column::Id)
        .all(reader)
        .await?;
    Ok(Catalogs {
        providers: grouped(providers, |row| row.organization_id),
        models: grouped(models, |row| row.organization_id),
        prices: prices.into_iter().map(|row| (row.model_id, row)).collect(),
        configs: read_configs(store, only).await?,
        budgets: grouped(budgets, |row| row.organization_id),
        mappings: mapping::read(reader, only).await?,
        credentials: deployments::read(reader, only).await?,
    })
}

async fn read_configs(
    store: &Store,
    only: Option<&[OrganizationId]>,
) -> Result<HashMap<OrganizationId, Vec<ConfigRows>>, Error> {
    let reader = &store.inner.reader;
    let configs = fallback_configs::Entity::find()
        .filter(belongs(fallback_configs::Column::OrganizationId, only))
        .filter(fallback_configs::Column::DeletedAt.is_null())
        .all(reader)
        .await?;
    // Only the current revision of each configuration, without the history.
    let current = fallback_revisions::Entity::find()
        .filter(belongs(fallback_revisions::Column::OrganizationId, only))
        .filter(fallback_revisions::Column::Id.in_subquery(current_revisions()))
        .all(reader)
        .await?;
    let targets = fallback_targets::Entity::find()
        .filter(belongs(fallback_targets::Column::OrganizationId, only))
        .filter(fallback_targets::Column::RevisionId.in_subquery(current_revisions()))
        .order_by_asc(fallback_targets::Column::Position)
        .all(reader)
        .await?;
    let mut revisions: HashMap<_, _> =
        current.into_iter().map(|revision| (revision.config_id, revision)).collect();
    let mut by_revision = grouped(targets, |row| row.revision_id);
    let mut rows = Vec::new();
    for config in configs {
        if let Some(revision) = revisions.remove(&config.id) {
            let targets = by_revision.remove(&revision.id).unwrap_or_default();
            let targets = targets.into_iter().map(|row| row.target_model_id).collect();
            rows.push(ConfigRows { config, revision, targets });
        }
    }
    Ok(grouped(rows, |row| row.config.organization_id))
}

/// The ids of the current revisions of all configurations that are not deleted.
fn current_revisions() -> sea_orm::sea_query::SelectStatement {
    use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
    Query::select()
        .column((fallback_revisions::Entity, fallback_revisions::Column::Id))
        .from(fallback_revisions::Entity)
        .inner_join(
            fallback_configs::Entity,
            Expr::col((fallback_configs::Entity, fallback_configs::Column::Id))
                .equals((fallback_revisions::Entity, fallback_revisions::Column::ConfigId))
                .and(
                    Expr::col((fallback_configs::Entity, fallback_configs::Column::CurrentRevision))
                        .equals((fallback_revisions::Entity, fallback_revisions::Column::Number)),
                ),
        )
        .and_where(Expr::col((fallback_configs::Entity, fallback_configs::Column::DeletedAt)).is_null())
        .take()
}

pub(super) fn grouped<T, K: std::hash::Hash + Eq>(rows: Vec<T>, key: impl Fn(&T) -> K) -> HashMap<K, Vec<T>> {
    let mut groups: HashMap<K, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}

fn assemble(
    store: &Store,
    organization: organizations::Model,
    keys: &mut KeyRows,
    rows: &mut Catalogs,
) -> Result<Loaded, Error> {
    let id = organization.id;
    let (keys, changes) = keys.take(id)?;
    if let Some(KeyChanges { base, .. }) = &changes
        && has_catalog(base, &organization)
    {
        let snapshot = with_keys(base, organization, keys)?;
        return Ok(Loaded { snapshot, changes });
    }
    let mut providers: HashMap<ProviderId, Arc<ProviderEntry>> = HashMap::new();
    let own = rows.mappings.remove(&id).unwrap_or_default();
    for row in rows.providers.remove(&id).unwrap_or_default() {
        let mappings = mapping::of_provider(&own, row.id);
        let further = rows.credentials.remove(&row.id).unwrap_or_default();
        if let Some(entry) = provider_entry(store, row, mappings) {
            let entry = deployments::with_further(store, entry, further);
            providers.insert(entry.id, Arc::new(entry));
        }
    }
    let mut by_id: HashMap<ModelId, Arc<ModelEntry>> = HashMap::new();
    for row in rows.models.remove(&id).unwrap_or_default() {
        // The provider exists, because a provider in use cannot be deleted.
        if let Some(provider) = providers.get(&row.provider_id) {
            let price = rows.prices.get(&row.id);
            let entry = model_entry(row, provider.clone(), price)?;
            by_id.insert(entry.id, Arc::new(entry.with_deployments()));
        }
    }
    let (chains, typed_lists) = chains(rows.configs.remove(&id).unwrap_or_default(), &by_id)?;
    let snapshot = OrganizationSnapshot {
        id,
        name: organization.name.into(),
        version: organization.version,
        settings: serde_json::from_value(organization.settings).map_err(Error::internal)?,
        keys,
        models: by_id.into_values().map(|model| (model.name.to_string(), model)).collect(),
        providers,
        chains,
        typed_lists,
        budgets: rows.budgets.remove(&id).unwrap_or_default().into_iter().filter_map(budget).collect(),
    };
    Ok(Loaded { snapshot, changes })
}

/// The snapshot after a change of keys.
fn with_keys(
    base: &OrganizationSnapshot,
    organization: organizations::Model,
    keys: Keys,
) -> Result<OrganizationSnapshot, Error> {
    Ok(OrganizationSnapshot {
        id: organization.id,
        name: organization.name.into(),
        version: organization.version,
        settings: serde_json::from_value(organization.settings).map_err(Error::internal)?,
        keys,
        providers: base.providers.clone(),
        models: base.models.clone(),
        chains: base.chains.clone(),
        typed_lists: base.typed_lists,
        budgets: base.budgets.clone(),
    })
}

/// `None` for a period of a newer release.
fn budget(row: budgets::Model) -> Option<BudgetEntry> {
    Some(BudgetEntry {
        id: row.id,
        api_key_id: row.api_key_id,
        period: Period::parse(&row.period)?,
        soft: row.soft_limit_nano_dollars,
        hard: row.hard_limit_nano_dollars,
        warned_at: row.warned_at,
    })
}

/// `None` for a provider that cannot be called. Its models are left out.
fn provider_entry(store: &Store, row: providers::Model, mappings: Mappings) -> Option<ProviderEntry> {
    let Some(preset) = vendors::preset(&row.preset) else {
        // A row of a newer release.
        tracing::warn!(provider = %row.id, preset = %row.preset, "unknown preset; the provider is left out");
        return None;
    };
    let place = crate::store::tenant::providers::credential_place(row.organization_id, row.id);
    let opened = row.credential.as_ref().map(|sealed| store.inner.vault.open(place, sealed)).transpose();
    let credential_entry = CredentialEntry::of_provider(&row);
    let credential = opened
        .inspect_err(|error| tracing::error!(provider = %row.id, %error, "the provider is left out"))
        .ok()?;
    let base_url = row.base_url.or_else(|| preset.base_url.map(str::to_owned));
    Some(ProviderEntry {
        id: row.id,
        name: row.name.into(),
        preset,
        base_url,
        credential,
        credential_entry,
        further: Vec::new(),
        stream_options: crate::store::tenant::providers::stream_options(row.stream_options.as_deref()),
        limits: ProviderLimits {
            requests_per_minute: row.requests_per_minute,
            tokens_per_minute: row.tokens_per_minute,
        },
        mappings,
        updated_at: row.updated_at,
    })
}

/// Values of the organization take precedence over those of the built-in table.
fn model_entry(
    row: models::Model,
    provider: Arc<ProviderEntry>,
    price: Option<&model_prices::Model>,
) -> Result<ModelEntry, Error> {
    let own = ModelSettings::of_row(&row, price.map(ModelPrice::from))?;
    // A row without any price means that the organization has removed its price.
    let price_id = price.filter(|_| own.price.is_some()).map(|price| price.id.0);
    let filled = FilledModel::of(own, provider.preset.name, &row.upstream_model);
    Ok(ModelEntry {
        id: row.id,
        name: row.name.into(),
        created_at: row.created_at,
        cooldown_ended_at: row.cooldown_ended_at,
        settings: filled.settings,
        enabled: row.enabled,
        price_id,
        upstream_model: row.upstream_model,
        provider,
        updated_at: row.updated_at,
        deployments: None,
        own_cooldown_id: None,
    })
}

fn chains(
    rows: Vec<ConfigRows>,
    models: &HashMap<ModelId, Arc<ModelEntry>>,
) -> Result<(HashMap<ModelId, Chains>, TypedLists), Error> {
    let mut chains: HashMap<ModelId, Chains> = HashMap::new();
    let mut typed = TypedLists::default();
    for ConfigRows { config, revision, targets } in rows {
        let chain = Arc::new(Chain {
            config_id: config.id.0,
            revision: revision.number,
            triggers: revision.triggers.map(serde_json::from_value).transpose().map_err(Error::internal)?,
            targets: targets.iter().filter_map(|target| models.get(target).cloned()).collect(),
        });
        let behind = chains.entry(config.model_id).or_default();
        match FallbackType::parse(&config.fallback_type) {
            Some(FallbackType::General) => behind.general = Some(chain),
            Some(FallbackType::ContextWindow) => {
                typed.context_window = true;
                behind.context_window = Some(chain);
            }
            Some(FallbackType::ContentPolicy) => {
                typed.content_policy = true;
                behind.content_policy = Some(chain);
            }
            None => {
                tracing::warn!(config = %config.id, "unknown fallback type; the configuration is left out")
            }
        }
    }
    Ok((chains, typed))
}
