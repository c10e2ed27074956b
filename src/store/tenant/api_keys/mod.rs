//! API keys. Only a keyed hash of the key is stored.

mod named_models;

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
use super::limits::{Limits, ModelLimits};
use crate::domain::error::Error;
use crate::store::OrgStore;
use crate::store::pagination::listing::read_page;
use crate::store::pagination::{BidirectionalPage, Direction, Page, PageRequest, Position, newest_first};
use crate::store::transaction::{Change, check_seen};
pub use named_models::{unknown_limited_models, unknown_models};

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
    /// Requests per UTC day; `None` for no limit.
    pub requests_per_day: Option<i64>,
    /// Tokens per minute; `None` for no limit.
    pub tokens_per_minute: Option<i64>,
    /// Tokens per UTC day; `None` for no limit.
    pub tokens_per_day: Option<i64>,
    /// Limits of single models inside the key.
    pub model_limits: ModelLimits,
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
    /// Requests per UTC day; `None` for no limit.
    pub requests_per_day: Option<i64>,
    /// Tokens per minute; `None` for no limit.
    pub tokens_per_minute: Option<i64>,
    /// Tokens per UTC day; `None` for no limit.
    pub tokens_per_day: Option<i64>,
    /// Limits of single models inside the key.
    pub model_limits: ModelLimits,
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
    /// Requests per UTC day; `None` for no limit.
    pub requests_per_day: Option<Option<i64>>,
    /// Tokens per minute; `None` for no limit.
    pub tokens_per_minute: Option<Option<i64>>,
    /// Tokens per UTC day; `None` for no limit.
    pub tokens_per_day: Option<Option<i64>>,
    /// Limits of single models, in place of all earlier ones.
    pub model_limits: Option<ModelLimits>,
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
        self.check_limited_models(&change, Some(&new.model_limits)).await?;
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
            requests_per_day: Set(new.requests_per_day),
            tokens_per_minute: Set(new.tokens_per_minute),
            tokens_per_day: Set(new.tokens_per_day),
            model_limits: Set(stored_limits(&new.model_limits)?),
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
        self.check_limited_models(&change, to.model_limits.as_ref()).await?;
        let grant = self.pending_grant(&change, Some(id)).await?;
        let before = ApiKeyRow::try_from(row.clone())?;
        let mut row = row.into_active_model();
        row.name = to.name.map_or(row.name, Set);
        row.scopes = to.scopes.map_or(row.scopes, |scopes| Set(Json::from(scopes)));
        row.models = to.models.map_or(row.models, |models| Set(models.map(Json::from)));
        row.requests_per_minute = to.requests_per_minute.map_or(row.requests_per_minute, Set);
        row.concurrent_requests = to.concurrent_requests.map_or(row.concurrent_requests, Set);
        row.requests_per_day = to.requests_per_day.map_or(row.requests_per_day, Set);
        row.tokens_per_minute = to.tokens_per_minute.map_or(row.tokens_per_minute, Set);
        row.tokens_per_day = to.tokens_per_day.map_or(row.tokens_per_day, Set);
        if let Some(limits) = &to.model_limits {
            row.model_limits = Set(stored_limits(limits)?);
        }
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
            requests_per_day: row.requests_per_day,
            tokens_per_minute: row.tokens_per_minute,
            tokens_per_day: row.tokens_per_day,
            model_limits: read_limits(row.model_limits)?,
            expires_at: row.expires_at,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        })
    }
}

impl ApiKeyRow {
    /// The limits of the key, for all of its models together.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            requests_per_minute: self.requests_per_minute,
            requests_per_day: self.requests_per_day,
            tokens_per_minute: self.tokens_per_minute,
            tokens_per_day: self.tokens_per_day,
            concurrent_requests: self.concurrent_requests,
        }
    }
}

/// The limits of models as they are stored: null without any.
fn stored_limits(limits: &ModelLimits) -> Result<Option<Json>, Error> {
    let stored = (!limits.is_empty()).then(|| serde_json::to_value(limits)).transpose();
    stored.map_err(Error::internal)
}

/// The limits of models as they were stored.
pub(in crate::store) fn read_limits(stored: Option<Json>) -> Result<ModelLimits, Error> {
    stored.map(serde_json::from_value).transpose().map(Option::unwrap_or_default).map_err(Error::internal)
}

fn entry(action: &'static str, before: Option<&ApiKeyRow>, after: &ApiKeyRow) -> Result<AuditEntry, Error> {
    AuditEntry::new(action, "api_key", after.id.0, &after.name, before, Some(after))
}

/// Truncates a time to microseconds, which both databases can store.
fn cut(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time)
}
