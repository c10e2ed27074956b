//! Fallback configurations: the fallbacks of each model, by type of failure.
//!
//! The current list is a revision. Revisions are never changed: every set and every delete creates a new one. The id of a
//! configuration and the numbering of its revisions continue after a delete and a new create, so that old events still
//! refer to it.

mod history;
mod kinds;
mod read;

use crate::domain::fallback_type::FallbackType;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::ids::{FallbackConfigId, FallbackRevisionId, ModelId};
use entity::{fallback_configs, fallback_revisions, fallback_targets};
use sea_orm::prelude::Json;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _,
};
use serde::Serialize;

use super::audit::AuditEntry;
use crate::domain::error::Error;
use crate::store::OrgStore;
use crate::store::transaction::Change;
pub use history::FallbackRevision;
pub use read::FallbackFilter;

/// A current fallback configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FallbackRow {
    /// Its id, which events store as `router_config_id`.
    pub config_id: FallbackConfigId,
    /// Catalog name of the model.
    pub model: String,
    /// The type of failures.
    pub fallback_type: FallbackType,
    /// Catalog names of the fallbacks, in order.
    pub fallback_models: Vec<String>,
    /// The error classes that trigger it; `None` for every class.
    pub triggers: Option<Vec<String>>,
    /// The number of the current revision, which is also the ETag.
    pub revision: i64,
    /// When the configuration was first created.
    pub created_at: DateTime<Utc>,
    /// When the current revision was created.
    pub updated_at: DateTime<Utc>,
}

/// A new fallback list.
#[derive(Debug, Clone)]
pub struct NewFallback {
    /// Catalog name of the model.
    pub model: String,
    /// Catalog names of its fallbacks, in order: at least one, without duplicates.
    pub fallback_models: Vec<String>,
    /// The type of failures.
    pub fallback_type: FallbackType,
    /// The error classes that trigger them; `None` for every class.
    pub triggers: Option<Vec<String>>,
}

/// The expected revision if there must be no current list.
pub const NOTHING_IN_FORCE: i64 = 0;

/// The effect of [`OrgStore::fallback_set`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallbackOutcome {
    /// There was no list before.
    Created,
    /// There was a list before, possibly the same.
    Replaced,
}

impl OrgStore {
    /// Sets a list as a new revision. Setting the current list again writes nothing, so repeated requests neither grow the
    /// history nor change the ETag.
    ///
    /// # Errors
    /// In this order, each with those after it: [`Error::ModelUnknown`], [`Error::FallbacksUnknown`],
    /// [`Error::FallbackToSelf`]; then [`Error::Invalid`] (a fallback of another kind than the model); then
    /// [`Error::RevisionChanged`] (`if_match` is not the current revision, or it is [`NOTHING_IN_FORCE`] and there is a
    /// list; the revision in the error is 0 if there never was one).
    pub async fn fallback_set(
        &self,
        new: NewFallback,
        if_match: Option<i64>,
    ) -> Result<(FallbackRow, FallbackOutcome), Error> {
        let change = self.change().await?;
        let (row, outcome, written) = self.set_in(&change, new, if_match).await?;
        if written {
            change.commit().await?;
        }
        Ok((row, outcome))
    }

    /// Deletes a list and returns it. `None` if there is no list for that model and type.
    ///
    /// # Errors
    /// [`Error::RevisionChanged`]: `if_match` is not the current revision.
    pub async fn fallback_delete(
        &self,
        model: &str,
        fallback_type: FallbackType,
        if_match: Option<i64>,
    ) -> Result<Option<FallbackRow>, Error> {
        let change = self.change().await?;
        let before = self.delete_in(&change, model, fallback_type, if_match).await?;
        if before.is_some() {
            change.commit().await?;
        }
        Ok(before)
    }

    /// Sets several lists, or deletes those that are empty, in one transaction. Each has its expected revision.
    /// Returns the types of the lists that changed.
    ///
    /// # Errors
    /// The same as for [`OrgStore::fallback_set`].
    pub async fn fallback_save(&self, lists: Vec<(NewFallback, i64)>) -> Result<Vec<FallbackType>, Error> {
        let change = self.change().await?;
        let mut changed = Vec::new();
        for (new, seen) in lists {
            let kind = new.fallback_type;
            let written = if new.fallback_models.is_empty() {
                self.delete_in(&change, &new.model, kind, Some(seen)).await?.is_some()
            } else {
                self.set_in(&change, new, Some(seen)).await?.2
            };
            changed.extend(written.then_some(kind));
        }
        if !changed.is_empty() {
            change.commit().await?;
        }
        Ok(changed)
    }

    /// Returns the new list, the effect, and whether anything was written.
    async fn set_in(
        &self,
        change: &Change,
        new: NewFallback,
        if_match: Option<i64>,
    ) -> Result<(FallbackRow, FallbackOutcome, bool), Error> {
        let catalog = self.model_names(change.on()).await?;
        let (model_id, targets) = resolve(&new, &catalog)?;
        self.check_kinds(change, &new, (model_id, &targets)).await?;
        let config = self.config(change, model_id, new.fallback_type).await?;
        let before = self.fallback(change.on(), &new.model, new.fallback_type).await?;
        check_revision(config.as_ref(), before.as_ref(), if_match)?;
        let same =
            |row: &&FallbackRow| row.fallback_models == new.fallback_models && row.triggers == new.triggers;
        if let Some(row) = before.as_ref().filter(same) {
            return Ok((row.clone(), FallbackOutcome::Replaced, false));
        }
        let config = match config {
            Some(config) => self.config_advance(change, config, false).await?,
            None => self.config_create(change, model_id, new.fallback_type).await?,
        };
        let revision_id = self.revision_create(change, &config, "set", new.triggers.clone()).await?;
        self.targets_create(change, revision_id, model_id, targets).await?;
        let outcome = if before.is_some() { FallbackOutcome::Replaced } else { FallbackOutcome::Created };
        let after = FallbackRow {
            config_id: config.id,
            model: new.model,
            fallback_type: new.fallback_type,
            fallback_models: new.fallback_models,
            triggers: new.triggers,
            revision: config.current_revision,
            created_at: config.created_at,
            updated_at: config.updated_at,
        };
        change.audit(entry("fallback.set", before.as_ref(), Some(&after), &after)?).await?;
        Ok((after, outcome, true))
    }

    async fn delete_in(
        &self,
        change: &Change,
        model: &str,
        fallback_type: FallbackType,
        if_match: Option<i64>,
    ) -> Result<Option<FallbackRow>, Error> {
        let Some(before) = self.fallback(change.on(), model, fallback_type).await? else { return Ok(None) };
        let config = self.config_by_id(change, before.config_id).await?;
        check_revision(Some(&config), Some(&before), if_match)?;
        let config = self.config_advance(change, config, true).await?;
        self.revision_create(change, &config, "deleted", None).await?;
        change.audit(entry("fallback.delete", Some(&before), None, &before)?).await?;
        Ok(Some(before))
    }

    /// The row for a model and type, including a deleted one.
    async fn config(
        &self,
        change: &Change,
        model_id: ModelId,
        fallback_type: FallbackType,
    ) -> Result<Option<fallback_configs::Model>, Error> {
        Ok(fallback_configs::Entity::find()
            .filter(fallback_configs::Column::OrganizationId.eq(self.organization_id))
            .filter(fallback_configs::Column::ModelId.eq(model_id))
            .filter(fallback_configs::Column::FallbackType.eq(fallback_type.as_str()))
            .one(change.on())
            .await?)
    }

    async fn config_by_id(
        &self,
        change: &Change,
        id: FallbackConfigId,
    ) -> Result<fallback_configs::Model, Error> {
        fallback_configs::Entity::find()
            .filter(fallback_configs::Column::OrganizationId.eq(self.organization_id))
            .filter(fallback_configs::Column::Id.eq(id))
            .one(change.on())
            .await?
            .ok_or_else(|| Error::internal("the row of a fallback configuration is missing"))
    }

    async fn config_create(
        &self,
        change: &Change,
        model_id: ModelId,
        fallback_type: FallbackType,
    ) -> Result<fallback_configs::Model, Error> {
        let now = self.clock().now();
        let config = fallback_configs::ActiveModel {
            id: Set(FallbackConfigId(self.clock().new_id())),
            organization_id: Set(self.organization_id),
            model_id: Set(model_id),
            fallback_type: Set(fallback_type.as_str().to_owned()),
            current_revision: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
            deleted_at: Set(None),
        };
        Ok(config.insert(change.on()).await?)
    }

    async fn config_advance(
        &self,
        change: &Change,
        config: fallback_configs::Model,
        deleted: bool,
    ) -> Result<fallback_configs::Model, Error> {
        let now = self.clock().now();
        let revision = config.current_revision + 1;
        let mut config = config.into_active_model();
        config.current_revision = Set(revision);
        config.updated_at = Set(now);
        config.deleted_at = Set(deleted.then_some(now));
        Ok(config.update(change.on()).await?)
    }

    async fn revision_create(
        &self,
        change: &Change,
        config: &fallback_configs::Model,
        kind: &'static str,
        triggers: Option<Vec<String>>,
    ) -> Result<FallbackRevisionId, Error> {
        let id = FallbackRevisionId(self.clock().new_id());
        let actor = change.actor();
        fallback_revisions::Entity::insert(fallback_revisions::ActiveModel {
            id: Set(id),
            organization_id: Set(self.organization_id),
            config_id: Set(config.id),
            number: Set(config.current_revision),
            kind: Set(kind.to_owned()),
            triggers: Set(triggers.map(Json::from)),
            actor_kind: Set(actor.kind().to_owned()),
            actor_id: Set(actor.id()),
            actor_label: Set(actor.label().to_owned()),
            created_at: Set(config.updated_at),
        })
        .exec_without_returning(change.on())
        .await?;
        Ok(id)
    }

    async fn targets_create(
        &self,
        change: &Change,
        revision_id: FallbackRevisionId,
        model_id: ModelId,
        targets: Vec<ModelId>,
    ) -> Result<(), Error> {
        let rows = (0..).zip(targets).map(|(position, target)| fallback_targets::ActiveModel {
            revision_id: Set(revision_id),
            position: Set(position),
            organization_id: Set(self.organization_id),
            source_model_id: Set(model_id),
            target_model_id: Set(target),
        });
        fallback_targets::Entity::insert_many(rows).exec_without_returning(change.on()).await?;
        Ok(())
    }
}

/// Resolves model names to ids.
fn resolve(new: &NewFallback, catalog: &BTreeMap<String, ModelId>) -> Result<(ModelId, Vec<ModelId>), Error> {
    let available = || catalog.keys().cloned().collect();
    let unknown: Vec<String> =
        new.fallback_models.iter().filter(|name| !catalog.contains_key(*name)).cloned().collect();
    let Some(model_id) = catalog.get(&new.model) else {
        let model = new.model.clone();
        return Err(Error::ModelUnknown { model, fallbacks: unknown, available: available() });
    };
    let itself = new.fallback_models.contains(&new.model).then(|| new.model.clone());
    if !unknown.is_empty() {
        return Err(Error::FallbacksUnknown { models: unknown, itself, available: available() });
    }
    if let Some(model) = itself {
        return Err(Error::FallbackToSelf { model });
    }
    let targets = new.fallback_models.iter().filter_map(|name| catalog.get(name).copied()).collect();
    Ok((*model_id, targets))
}

/// The current revision; `None` for a deleted configuration.
fn check_revision(
    config: Option<&fallback_configs::Model>,
    in_force: Option<&FallbackRow>,
    if_match: Option<i64>,
) -> Result<(), Error> {
    let Some(expected) = if_match else { return Ok(()) };
    if in_force.map_or(NOTHING_IN_FORCE, |row| row.revision) == expected {
        return Ok(());
    }
    Err(Error::RevisionChanged { current: config.map_or(0, |config| config.current_revision) })
}

fn entry(
    action: &'static str,
    before: Option<&FallbackRow>,
    after: Option<&FallbackRow>,
    named: &FallbackRow,
) -> Result<AuditEntry, Error> {
    AuditEntry::new(action, "fallback", named.config_id.0, &named.model, before, after)
}
