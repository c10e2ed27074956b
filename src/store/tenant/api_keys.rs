//! API keys. Only a keyed hash of the key is stored.

use chrono::{DateTime, Utc};
use entity::api_keys;
use entity::ids::{ApiKeyId, UserId};
use sea_orm::prelude::Json;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, Select,
};
use serde::Serialize;

use super::audit::AuditEntry;
use crate::domain::error::{Error, Location, Violation};
use crate::store::OrgStore;
use crate::store::pagination::listing::read_page;
use crate::store::pagination::{BidirectionalPage, Direction, Page, PageRequest, Position, newest_first};
use crate::store::transaction::{Change, check_seen};

/// An API key, valid or revoked, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiKeyRow {
    /// The id of the key.
    pub id: ApiKeyId,
    /// The display name, which need not be unique.
    pub name: String,
    /// The first characters of the key.
    pub prefix: String,
    /// The last four characters of the key.
    pub last_four: String,
    /// The words of its scopes.
    pub scopes: Vec<String>,
    /// Catalog names of the models that it may use; `None` for every model, including future ones. Empty, after the
    /// deletion of its models, for none.
    pub models: Option<Vec<String>>,
    /// Requests per minute; `None` for no limit.
    pub requests_per_minute: Option<i64>,
    /// Concurrent requests; `None` for no limit.
    pub concurrent_requests: Option<i64>,
    /// When it expires; `None` if it does not.
    pub expires_at: Option<DateTime<Utc>>,
    /// The user who created it; `None` if another key or the command line did.
    pub created_by: Option<UserId>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// The stored time of the last use.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked; `None` while it is valid.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A new API key. The fields are those of [`ApiKeyRow`].
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// The name of the resource.
    pub name: String,
    /// The keyed hash of the whole key, from [`crate::store::vault::Vault::key_hash`].
    pub key_hash: [u8; 32],
    /// The first characters of the key.
    pub prefix: String,
    /// The last four characters of the key.
    pub last_four: String,
    /// The words of its scopes.
    pub scopes: Vec<String>,
    /// Catalog names of models; `None` for every model.
    pub models: Option<Vec<String>>,
    /// Requests per minute; `None` for no limit.
    pub requests_per_minute: Option<i64>,
    /// Concurrent requests; `None` for no limit.
    pub concurrent_requests: Option<i64>,
    /// When it expires; truncated to microseconds.
    pub expires_at: Option<DateTime<Utc>>,
    /// The user who creates it.
    pub created_by: Option<UserId>,
}

/// A change of an API key. `None` leaves a field unchanged; `Some(None)` clears it.
#[derive(Debug, Clone, Default)]
pub struct ApiKeyChange {
    /// The name of the resource.
    pub name: Option<String>,
    /// The words of its scopes.
    pub scopes: Option<Vec<String>>,
    /// Catalog names of models. Clear it to allow every model.
    pub models: Option<Option<Vec<String>>>,
    /// Requests per minute; `None` for no limit.
    pub requests_per_minute: Option<Option<i64>>,
    /// Concurrent requests; `None` for no limit.
    pub concurrent_requests: Option<Option<i64>>,
    /// When it expires; truncated to microseconds.
    pub expires_at: Option<Option<DateTime<Utc>>>,
    /// The expected time of the last change in microseconds; `None` for any.
    pub seen: Option<i64>,
}

impl OrgStore {
    /// Creates a key. It is valid in this process when this returns.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `models`: there is no such model. Also the errors of a calling key that grants more than it has.
    pub async fn api_key_create(&self, new: NewApiKey) -> Result<ApiKeyRow, Error> {
        let change = self.key_change().await?;
        self.insert_api_key(change, ApiKeyId(self.clock().new_id()), new).await
    }

    /// Like [`OrgStore::api_key_create`], but with an id that was assigned before. `None` if the key exists already, so that a
    /// form that is sent twice creates one key.
    ///
    /// # Errors
    /// The same as for [`OrgStore::api_key_create`].
    pub async fn api_key_create_once(
        &self,
        id: ApiKeyId,
        new: NewApiKey,
    ) -> Result<Option<ApiKeyRow>, Error> {
        let change = self.key_change().await?;
        if self.api_key(change.on(), id).await?.is_some() {
            return Ok(None);
        }
        self.insert_api_key(change, id, new).await.map(Some)
    }

    async fn insert_api_key(&self, change: Change, id: ApiKeyId, new: NewApiKey) -> Result<ApiKeyRow, Error> {
        self.check_allow_list(&change, new.models.as_deref()).await?;
        let grant = self.pending_grant(&change, None).await?;
        let now = self.clock().now();
        let row = api_keys::ActiveModel {
            id: Set(id),
            organization_id: Set(self.organization_id),
            name: Set(new.name),
            key_hash: Set(new.key_hash.to_vec()),
            prefix: Set(new.prefix),
            last_four: Set(new.last_four),
            scopes: Set(Json::from(new.scopes)),
            models: Set(new.models.map(Json::from)),
            requests_per_minute: Set(new.requests_per_minute),
            concurrent_requests: Set(new.concurrent_requests),
            expires_at: Set(new.expires_at.map(cut)),
            created_by: Set(new.created_by),
            created_at: Set(now),
            updated_at: Set(now),
            last_used_at: Set(None),
            revoked_at: Set(None),
            version: Set(Some(change.version())),
            revocation_seq: Set(None),
        };
        let row = ApiKeyRow::try_from(row.insert(change.on()).await?)?;
        self.settle_grant(&change, grant, id).await?;
        change.audit(entry("api_key.create", None, &row)?).await?;
        change.commit().await?;
        Ok(row)
    }

    /// A page of keys, newest first, including revoked ones.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn api_key_list(&self, page: &PageRequest) -> Result<Page<ApiKeyRow>, Error> {
        let keyset = (api_keys::Column::CreatedAt, api_keys::Column::Id);
        let rows = newest_first(self.api_keys(), keyset, page.cursor, page.limit.saturating_add(1))
            .all(self.reader())
            .await?;
        let rows: Vec<ApiKeyRow> = rows.into_iter().map(ApiKeyRow::try_from).collect::<Result<_, _>>()?;
        Ok(Page::cut(rows, page.limit, |row| Position { created_at: row.created_at, id: row.id.0 }))
    }

    /// A page of keys, newest first, including revoked ones, in either direction.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn api_key_page(
        &self,
        direction: Direction,
        limit: u64,
    ) -> Result<BidirectionalPage<ApiKeyRow>, Error> {
        let keyset = (api_keys::Column::CreatedAt, api_keys::Column::Id);
        let position = |row: &api_keys::Model| Position { created_at: row.created_at, id: row.id.0 };
        let page = read_page(self.reader(), self.api_keys(), keyset, direction, limit, position).await?;
        let (rows, rest) = page.split();
        Ok(rest.with(rows.into_iter().map(ApiKeyRow::try_from).collect::<Result<_, _>>()?))
    }

    /// The key of that id, valid or revoked.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn api_key_find(&self, id: ApiKeyId) -> Result<Option<ApiKeyRow>, Error> {
        self.api_key(self.reader(), id).await?.map(ApiKeyRow::try_from).transpose()
    }

    /// Changes a key. `None` if no key has that id.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `models`: there is no such model. [`Error::Conflict`]: the key is revoked.
    /// [`Error::RevisionChanged`]: it has changed since the caller read it.
    pub async fn api_key_change(&self, id: ApiKeyId, to: ApiKeyChange) -> Result<Option<ApiKeyRow>, Error> {
        let change = self.key_change().await?;
        let Some(row) = self.api_key(change.on(), id).await? else { return Ok(None) };
        if row.revoked_at.is_some() {
            let message =
                format!("the API key '{}' is revoked and cannot be changed: create a new one", row.name);
            return Err(Error::Conflict { message });
        }
        check_seen(to.seen, row.updated_at)?;
        self.check_allow_list(&change, to.models.as_ref().and_then(Option::as_deref)).await?;
        let grant = self.pending_grant(&change, Some(id)).await?;
        let before = ApiKeyRow::try_from(row.clone())?;
        let mut row = row.into_active_model();
        row.name = to.name.map_or(row.name, Set);
        row.scopes = to.scopes.map_or(row.scopes, |scopes| Set(Json::from(scopes)));
        row.models = to.models.map_or(row.models, |models| Set(models.map(Json::from)));
        row.requests_per_minute = to.requests_per_minute.map_or(row.requests_per_minute, Set);
        row.concurrent_requests = to.concurrent_requests.map_or(row.concurrent_requests, Set);
        row.expires_at = to.expires_at.map_or(row.expires_at, |expires_at| Set(expires_at.map(cut)));
        row.updated_at = Set(self.clock().now());
        row.version = Set(Some(change.version()));
        let after = ApiKeyRow::try_from(row.update(change.on()).await?)?;
        self.settle_grant(&change, grant, id).await?;
        change.audit(entry("api_key.change", Some(&before), &after)?).await?;
        change.commit().await?;
        Ok(Some(after))
    }

    /// Revokes a key permanently. `None` if no key has that id. This process rejects it when this returns. A revoked key stays
    /// as it is.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn api_key_revoke(&self, id: ApiKeyId) -> Result<Option<ApiKeyRow>, Error> {
        let mut change = self.key_change().await?;
        let Some(row) = self.api_key(change.on(), id).await? else { return Ok(None) };
        let before = ApiKeyRow::try_from(row.clone())?;
        if before.revoked_at.is_some() {
            return Ok(Some(before));
        }
        let now = self.clock().now();
        let mut row = row.into_active_model();
        row.revoked_at = Set(Some(now));
        row.updated_at = Set(now);
        row.version = Set(Some(change.version()));
        let after = ApiKeyRow::try_from(row.update(change.on()).await?)?;
        change.revokes(id);
        change.audit(entry("api_key.revoke", Some(&before), &after)?).await?;
        change.commit().await?;
        Ok(Some(after))
    }

    /// Removes the name of a deleted model from allow-lists. Otherwise keys would get access to another model that later
    /// takes the name. A list without a name allows no model.
    pub(in crate::store) async fn api_keys_forget_model(
        &self,
        change: &Change,
        name: &str,
    ) -> Result<(), Error> {
        self.change_allow_lists(change, name, |models| models.retain(|known| known != name)).await
    }

    /// Replaces the old name of a renamed model in allow-lists. Otherwise keys would lose the model, and would get access to
    /// another model that later takes the old name.
    pub(in crate::store) async fn api_keys_rename_model(
        &self,
        change: &Change,
        old: &str,
        new: &str,
    ) -> Result<(), Error> {
        let rename = |models: &mut Vec<String>| {
            models.iter_mut().filter(|name| *name == old).for_each(|name| new.clone_into(name));
        };
        self.change_allow_lists(change, old, rename).await
    }

    /// Changes the allow-lists that contain a name.
    async fn change_allow_lists(
        &self,
        change: &Change,
        name: &str,
        apply: impl Fn(&mut Vec<String>),
    ) -> Result<(), Error> {
        let listing = self.api_keys().filter(api_keys::Column::Models.is_not_null());
        for row in listing.all(change.on()).await? {
            let before = ApiKeyRow::try_from(row.clone())?;
            let mut models = before.models.clone().unwrap_or_default();
            if !models.iter().any(|known| known == name) {
                continue;
            }
            apply(&mut models);
            let mut row = row.into_active_model();
            row.models = Set(Some(Json::from(models)));
            row.updated_at = Set(self.clock().now());
            row.version = Set(Some(change.version()));
            let after = ApiKeyRow::try_from(row.update(change.on()).await?)?;
            change.audit(entry("api_key.change", Some(&before), &after)?).await?;
        }
        Ok(())
    }

    fn api_keys(&self) -> Select<api_keys::Entity> {
        api_keys::Entity::find().filter(api_keys::Column::OrganizationId.eq(self.organization_id))
    }

    pub(in crate::store) async fn api_key(
        &self,
        on: &impl ConnectionTrait,
        id: ApiKeyId,
    ) -> Result<Option<api_keys::Model>, Error> {
        Ok(self.api_keys().filter(api_keys::Column::Id.eq(id)).one(on).await?)
    }

    async fn check_allow_list(&self, change: &Change, models: Option<&[String]>) -> Result<(), Error> {
        let Some(models) = models else { return Ok(()) };
        let catalog = self.model_names(change.on()).await?;
        let unknown =
            unknown_models(models.iter().map(String::as_str).enumerate(), |name| catalog.contains_key(name));
        if unknown.is_empty() { Ok(()) } else { Err(Error::Invalid(unknown)) }
    }
}

/// The violations of an allow-list that names models which are not `known`.
pub fn unknown_models<'a>(
    names: impl Iterator<Item = (usize, &'a str)>,
    known: impl Fn(&str) -> bool,
) -> Vec<Violation> {
    let violation = |(index, name): (usize, &str)| {
        let location = [Location::from("body"), Location::from("models"), Location::from(index)];
        let message = format!(
            "no model of this organization's catalog is called '{name}': name living models, or send null for all"
        );
        Violation::new(location, "value_error", message)
    };
    names.filter(|(_, name)| !known(name)).map(violation).collect()
}

impl TryFrom<api_keys::Model> for ApiKeyRow {
    type Error = Error;

    fn try_from(row: api_keys::Model) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            name: row.name,
            prefix: row.prefix,
            last_four: row.last_four,
            scopes: serde_json::from_value(row.scopes).map_err(Error::internal)?,
            models: row.models.map(serde_json::from_value).transpose().map_err(Error::internal)?,
            requests_per_minute: row.requests_per_minute,
            concurrent_requests: row.concurrent_requests,
            expires_at: row.expires_at,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        })
    }
}

fn entry(action: &'static str, before: Option<&ApiKeyRow>, after: &ApiKeyRow) -> Result<AuditEntry, Error> {
    AuditEntry::new(action, "api_key", after.id.0, &after.name, before, Some(after))
}

/// Truncates a time to microseconds, which both databases can store.
fn cut(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time)
}
