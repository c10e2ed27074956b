//! Models of the catalog. A row contains the values that the organization set. The snapshot completes them with those of
//! the built-in table.

mod fields;
mod filled;
mod price;
mod settings;

use std::collections::BTreeMap;

use entity::ids::{ModelId, ProviderId};
use entity::models;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    QueryFilter as _, QuerySelect as _, QueryTrait as _, Select,
};

use super::audit::AuditEntry;
use super::providers::unknown_provider;
use crate::domain::error::Error;
use crate::store::OrgStore;
use crate::store::pagination::listing::read_page;
use crate::store::pagination::{
    BidirectionalPage, Direction, Page, PageRequest, Position, contains, equals, newest_first,
};
use crate::store::transaction::{Change, check_seen};
pub use fields::{ModelFields, ModelFilter, ModelRow};
pub use filled::FilledModel;
pub use settings::ModelSettings;

impl OrgStore {
    /// Creates a model. Requests of this process can use it when this returns.
    ///
    /// # Errors
    /// [`Error::Conflict`]: a model of that name exists. [`Error::Invalid`] on `provider_id`: no provider of the
    /// organization has that id.
    pub async fn model_create(&self, new: ModelFields) -> Result<ModelRow, Error> {
        let change = self.change().await?;
        let row = self.create_in(&change, new).await?;
        change.commit().await?;
        Ok(row)
    }

    /// Creates several models in one transaction.
    ///
    /// # Errors
    /// The same as for [`OrgStore::model_create`]. Then none is created.
    pub async fn model_create_all(&self, models: Vec<ModelFields>) -> Result<Vec<ModelRow>, Error> {
        let change = self.change().await?;
        let mut rows = Vec::with_capacity(models.len());
        for new in models {
            rows.push(self.create_in(&change, new).await?);
        }
        if !rows.is_empty() {
            change.commit().await?;
        }
        Ok(rows)
    }

    async fn create_in(&self, change: &Change, new: ModelFields) -> Result<ModelRow, Error> {
        self.check_catalog_right(change, "name").await?;
        self.take_model_name(change, &new.name, None).await?;
        self.check_provider(change, new.provider_id).await?;
        let now = self.clock().now();
        let price = new.settings.price;
        let mut row = models::ActiveModel {
            id: Set(ModelId(self.clock().new_id())),
            organization_id: Set(self.organization_id),
            created_at: Set(now),
            updated_at: Set(now),
            deleted_at: Set(None),
            ..Default::default()
        };
        new.write_to(&mut row)?;
        let row = row.insert(change.on()).await?;
        self.price_set(change, row.id, price).await?;
        let row = self.complete(change.on(), row).await?;
        change.audit(entry("model.create", None, Some(&row), &row)?).await?;
        Ok(row)
    }

    /// A page of models, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn model_list(
        &self,
        filter: &ModelFilter,
        page: &PageRequest,
    ) -> Result<Page<ModelRow>, Error> {
        let keyset = (models::Column::CreatedAt, models::Column::Id);
        let rows = newest_first(self.filtered(filter), keyset, page.cursor, page.limit.saturating_add(1))
            .all(self.reader())
            .await?;
        let page = Page::cut(rows, page.limit, |row| Position { created_at: row.created_at, id: row.id.0 });
        Ok(Page { items: self.complete_all(self.reader(), page.items).await?, next: page.next })
    }

    /// A page of models, newest first, in either direction.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn model_page(
        &self,
        filter: &ModelFilter,
        direction: Direction,
        limit: u64,
    ) -> Result<BidirectionalPage<ModelRow>, Error> {
        let keyset = (models::Column::CreatedAt, models::Column::Id);
        let position = |row: &models::Model| Position { created_at: row.created_at, id: row.id.0 };
        let page =
            read_page(self.reader(), self.filtered(filter), keyset, direction, limit, position).await?;
        let (rows, rest) = page.split();
        Ok(rest.with(self.complete_all(self.reader(), rows).await?))
    }

    /// The model of that id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn model_find(&self, id: ModelId) -> Result<Option<ModelRow>, Error> {
        match self.model(self.reader(), id).await? {
            Some(row) => Ok(Some(self.complete(self.reader(), row).await?)),
            None => Ok(None),
        }
    }

    /// The model of that name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn model_find_by_name(&self, name: &str) -> Result<Option<ModelRow>, Error> {
        match self.models().filter(equals(models::Column::Name, name)).one(self.reader()).await? {
            Some(row) => Ok(Some(self.complete(self.reader(), row).await?)),
            None => Ok(None),
        }
    }

    /// Changes a model. `None` if no model has that id. `seen` is the time of the last change that the caller saw, in
    /// microseconds; `None` for any. A renamed model keeps its fallbacks, its place in the fallbacks of other models, and
    /// the keys that may use it.
    ///
    /// # Errors
    /// The same as for [`OrgStore::model_create`]. [`Error::RevisionChanged`]: it has changed since the caller read it.
    /// [`Error::Conflict`]: another kind, while a fallback configuration contains it.
    pub async fn model_change(
        &self,
        id: ModelId,
        seen: Option<i64>,
        apply: impl FnOnce(&mut ModelFields),
    ) -> Result<Option<ModelRow>, Error> {
        let change = self.change().await?;
        let Some(row) = self.model(change.on(), id).await? else { return Ok(None) };
        check_seen(seen, row.updated_at)?;
        let before = self.complete(change.on(), row.clone()).await?;
        let mut to = before.fields();
        apply(&mut to);
        if to.name != before.name {
            self.take_model_name(&change, &to.name, Some(id)).await?;
            self.api_keys_rename_model(&change, &before.name, &to.name).await?;
            self.limits_rename_model(&change, &before.name, Some(&to.name)).await?;
        }
        if to.provider_id != before.provider_id {
            self.check_provider(&change, to.provider_id).await?;
        }
        if to.settings.kind != before.settings.kind {
            self.check_unused(&change, &before.name).await?;
        }
        let price = to.settings.price;
        let mut row = models::ActiveModel::from(row);
        to.write_to(&mut row)?;
        row.updated_at = Set(self.clock().now());
        let row = row.update(change.on()).await?;
        if price != before.settings.price {
            self.price_set(&change, id, price).await?;
        }
        let after = self.complete(change.on(), row).await?;
        if let Some(field) = redefined(&before, &after) {
            self.check_catalog_right(&change, field).await?;
        }
        change.audit(entry("model.change", Some(&before), Some(&after), &after)?).await?;
        change.commit().await?;
        Ok(Some(after))
    }

    /// Resets the cooldown of the model in every process and returns the model. `None` if no model has that id.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn model_end_cooldown(&self, id: ModelId) -> Result<Option<ModelRow>, Error> {
        let change = self.change().await?;
        let Some(row) = self.model(change.on(), id).await? else { return Ok(None) };
        let mut row = models::ActiveModel::from(row);
        row.cooldown_ended_at = Set(Some(self.clock().now()));
        let row = row.update(change.on()).await?;
        let row = self.complete(change.on(), row).await?;
        change.audit(entry("model.end_cooldown", None, None, &row)?).await?;
        change.commit().await?;
        Ok(Some(row))
    }

    /// Deletes a model and returns it, and removes its name from the allow-lists of keys. `None` if no model has that id.
    ///
    /// # Errors
    /// [`Error::Conflict`]: a fallback configuration contains it as the model or as a fallback.
    pub async fn model_delete(&self, id: ModelId) -> Result<Option<ModelRow>, Error> {
        let change = self.change().await?;
        let Some(row) = self.model(change.on(), id).await? else { return Ok(None) };
        let before = self.complete(change.on(), row.clone()).await?;
        self.check_unused(&change, &before.name).await?;
        let now = self.clock().now();
        let deleted = models::ActiveModel { deleted_at: Set(Some(now)), updated_at: Set(now), ..row.into() };
        deleted.update(change.on()).await?;
        self.api_keys_forget_model(&change, &before.name).await?;
        self.limits_rename_model(&change, &before.name, None).await?;
        change.audit(entry("model.delete", Some(&before), None, &before)?).await?;
        change.commit().await?;
        Ok(Some(before))
    }

    /// The names of all models, sorted, with their ids.
    pub(in crate::store) async fn model_names(
        &self,
        on: &impl ConnectionTrait,
    ) -> Result<BTreeMap<String, ModelId>, Error> {
        let names: Vec<(String, ModelId)> = self
            .models()
            .select_only()
            .column(models::Column::Name)
            .column(models::Column::Id)
            .into_tuple()
            .all(on)
            .await?;
        Ok(names.into_iter().collect())
    }

    /// The kinds of the models with these ids.
    pub(in crate::store) async fn model_kinds(
        &self,
        on: &impl ConnectionTrait,
        ids: &[ModelId],
    ) -> Result<BTreeMap<ModelId, String>, Error> {
        let kinds: Vec<(ModelId, String)> = self
            .models()
            .filter(models::Column::Id.is_in(ids.iter().copied()))
            .select_only()
            .column(models::Column::Id)
            .column(models::Column::Kind)
            .into_tuple()
            .all(on)
            .await?;
        Ok(kinds.into_iter().collect())
    }

    /// The names of the models that a provider serves, sorted.
    pub(in crate::store) async fn model_names_of_provider(
        &self,
        on: &impl ConnectionTrait,
        id: ProviderId,
    ) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = self
            .models()
            .filter(models::Column::ProviderId.eq(id))
            .select_only()
            .column(models::Column::Name)
            .into_tuple()
            .all(on)
            .await?;
        names.sort();
        Ok(names)
    }

    fn filtered(&self, filter: &ModelFilter) -> Select<models::Entity> {
        use models::Column;
        let backend = self.reader().get_database_backend();
        self.models()
            .apply_if(filter.name.as_deref(), |rows, name| rows.filter(equals(Column::Name, name)))
            .apply_if(filter.contains.as_deref(), |rows, part| {
                rows.filter(contains(backend, Column::Name, part))
            })
            .apply_if(filter.provider_id, |rows, id| rows.filter(Column::ProviderId.eq(id)))
            .apply_if(filter.kind, |rows, kind| rows.filter(Column::Kind.eq(kind.as_str())))
            .apply_if(filter.enabled, |rows, enabled| rows.filter(Column::Enabled.eq(enabled)))
    }

    fn models(&self) -> Select<models::Entity> {
        models::Entity::find()
            .filter(models::Column::OrganizationId.eq(self.organization_id))
            .filter(models::Column::DeletedAt.is_null())
    }

    async fn model(&self, on: &impl ConnectionTrait, id: ModelId) -> Result<Option<models::Model>, Error> {
        Ok(self.models().filter(models::Column::Id.eq(id)).one(on).await?)
    }

    /// Takes a name that no other model has. Releases before left the names of deleted models in allow-lists: those
    /// lists do not mean this model.
    async fn take_model_name(&self, change: &Change, name: &str, own: Option<ModelId>) -> Result<(), Error> {
        let holder = self.models().filter(equals(models::Column::Name, name)).one(change.on()).await?;
        if holder.is_none_or(|holder| Some(holder.id) == own) {
            return self.api_keys_forget_model(change, name).await;
        }
        let message =
            format!("a model called '{name}' exists already: choose another name, or change that one");
        Err(Error::Conflict { message })
    }

    /// Refuses to delete a model that fallbacks contain, or to change its kind: a list has models of one kind.
    async fn check_unused(&self, change: &Change, name: &str) -> Result<(), Error> {
        let users = self.fallbacks_using(change.on(), name).await?;
        if users.is_empty() {
            return Ok(());
        }
        let message = format!(
            "the model '{name}' is part of the fallbacks of '{}': change or delete those fallbacks first",
            users.join("', '")
        );
        Err(Error::Conflict { message })
    }

    async fn check_provider(&self, change: &Change, id: ProviderId) -> Result<(), Error> {
        if self.provider(change.on(), id).await?.is_some() {
            return Ok(());
        }
        Err(Error::Invalid(vec![unknown_provider(id)]))
    }
}

/// The field that makes a model another one, or changes its price.
fn redefined(before: &ModelRow, after: &ModelRow) -> Option<&'static str> {
    let (old, new) = (&before.settings, &after.settings);
    let fields = [
        // Callers mean the model by its name.
        ("name", before.name != after.name),
        ("provider_id", before.provider_id != after.provider_id),
        ("upstream_model", before.upstream_model != after.upstream_model),
        ("kind", old.kind != new.kind),
        ("vector_space", old.vector_space != new.vector_space),
        ("price", old.price != new.price),
        // A budget reserves what these allow, and estimates are bounded by them.
        ("context_window", old.context_window != new.context_window),
        ("max_output_tokens", old.max_output_tokens != new.max_output_tokens),
        ("parameter_rules", old.parameter_rules != new.parameter_rules),
        ("enabled", !before.enabled && after.enabled),
    ];
    fields.into_iter().find(|(_, changed)| *changed).map(|(field, _)| field)
}

fn entry(
    action: &'static str,
    before: Option<&ModelRow>,
    after: Option<&ModelRow>,
    named: &ModelRow,
) -> Result<AuditEntry, Error> {
    AuditEntry::new(action, "model", named.id.0, &named.name, before, after)
}
