//! Fallback configurations: which models stand behind which, per type of failure.
//!
//! The list in force is a revision, and a revision is never changed: every set and every delete writes a new one. A
//! configuration's id stays the same for as long as its model lives, also over a delete and a new create, so that old
//! events still lead to it; its revisions are numbered on.

mod history;
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

/// A configuration in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FallbackRow {
    /// Its id: what events call `router_config_id`.
    pub config_id: FallbackConfigId,
    /// Catalogue name of the model whose failures it answers.
    pub model: String,
    /// Which of its failures.
    pub fallback_type: FallbackType,
    /// Catalogue names of the models behind it, in order.
    pub fallback_models: Vec<String>,
    /// The error classes that use it. None: every class.
    pub triggers: Option<Vec<String>>,
    /// The number of the revision in force, which is also the ETag.
    pub revision: i64,
    /// When the configuration was first made.
    pub created_at: DateTime<Utc>,
    /// When the revision in force was made.
    pub updated_at: DateTime<Utc>,
}

/// A configuration to be put in force.
#[derive(Debug, Clone)]
pub struct NewFallback {
    /// Catalogue name of the model.
    pub model: String,
    /// Catalogue names of its fallbacks, in order; at least one, none twice.
    pub fallback_models: Vec<String>,
    /// Which failures they answer.
    pub fallback_type: FallbackType,
    /// The error classes that use them, or none for every class.
    pub triggers: Option<Vec<String>>,
}

/// The revision to demand where no list may be in force.
pub const NOTHING_IN_FORCE: i64 = 0;

/// What [`OrgStore::fallback_set`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallbackOutcome {
    /// Nothing was in force before.
    Created,
    /// A list was in force before, perhaps the same one.
    Replaced,
}

impl OrgStore {
    /// Puts a list in force, as a new revision. Setting what is in force already writes nothing: a client that
    /// repeats itself neither grows the history nor spoils the ETag that others hold.
    ///
    /// # Errors
    /// In this order: [`Error::ModelUnknown`], [`Error::FallbacksUnknown`], [`Error::FallbackToSelf`],
    /// [`Error::RevisionChanged`] (`if_match` is not the revision in force, or [`NOTHING_IN_FORCE`] although there is
    /// one; what it says is 0 when none ever was).
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

    /// Takes a list out of force; returns it as it was, or none if nothing was in force for that model and type.
    ///
    /// # Errors
    /// [`Error::RevisionChanged`]: `if_match` is not the revision in force.
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

    /// Puts several lists of one model in force, or out of force where they are empty, each over the revision that was
    /// seen: all of them or none. Returns the types of those that changed.
    ///
    /// # Errors
    /// As [`OrgStore::fallback_set`].
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

    /// What is in force then, what that did, and whether anything was written.
    async fn set_in(
        &self,
        change: &Change,
        new: NewFallback,
        if_match: Option<i64>,
    ) -> Result<(FallbackRow, FallbackOutcome, bool), Error> {
        let catalogue = self.model_names(change.on()).await?;
        let (model_id, targets) = resolve(&new, &catalogue)?;
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

    /// The row of a model and type, in force or deleted.
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
            .ok_or_else(|| Error::internal("a fallback configuration's row got lost"))
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

/// The ids behind the names, or what is wrong with them.
fn resolve(
    new: &NewFallback,
    catalogue: &BTreeMap<String, ModelId>,
) -> Result<(ModelId, Vec<ModelId>), Error> {
    let available = || catalogue.keys().cloned().collect();
    let Some(model_id) = catalogue.get(&new.model) else {
        return Err(Error::ModelUnknown { model: new.model.clone(), available: available() });
    };
    let unknown: Vec<String> =
        new.fallback_models.iter().filter(|name| !catalogue.contains_key(*name)).cloned().collect();
    if !unknown.is_empty() {
        return Err(Error::FallbacksUnknown { models: unknown, available: available() });
    }
    if new.fallback_models.contains(&new.model) {
        return Err(Error::FallbackToSelf { model: new.model.clone() });
    }
    let targets = new.fallback_models.iter().filter_map(|name| catalogue.get(name).copied()).collect();
    Ok((*model_id, targets))
}

/// A deleted configuration has a last revision, but none in force.
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
