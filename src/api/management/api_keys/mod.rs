//! `/v1/identity/api-keys`: API keys. The key itself is returned only once, when it is created.

mod body;

use std::collections::{BTreeMap, HashMap};

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::ids::ApiKeyId;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use body::{ApiKeyChangeBody, NewApiKeyBody};

use crate::api::management::call::{Call, deleted, found};
use crate::api::management::limits::{LimitsResponse, by_model};
use crate::api::management::page::{CursorPage, PageParameters};
use crate::auth::api::api_caller::KeysManage;
use crate::auth::api::api_key;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::store::{ApiKeyRow, Store};

/// The name of the resource in messages.
const WHAT: &str = "API key";

/// The name of the list. Its cursors are valid for this list only.
const LIST: &str = "api-keys";

/// A key, active or revoked, without the secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyResponse {
    /// The id of the key.
    #[schema(read_only)]
    id: Uuid,
    /// The name of the key.
    name: String,
    /// The scopes of the key.
    scopes: Vec<String>,
    /// The models it may use; null: all, including models that are added later. Empty: none, because its models were
    /// deleted.
    #[schema(required)]
    models: Option<Vec<String>>,
    /// Requests per minute; null: no limit.
    #[schema(required)]
    requests_per_minute: Option<i64>,
    /// Concurrent requests; null: no limit.
    #[schema(required)]
    concurrent_requests: Option<i64>,
    /// Requests per UTC day; null: no limit.
    #[schema(required)]
    requests_per_day: Option<i64>,
    /// Tokens per minute, of prompts and answers together; null: no limit.
    #[schema(required)]
    tokens_per_minute: Option<i64>,
    /// Tokens per UTC day, of prompts and answers together; null: no limit.
    #[schema(required)]
    tokens_per_day: Option<i64>,
    /// The limits of single models inside the key, by their names.
    model_limits: BTreeMap<String, LimitsResponse>,
    /// When it expires; null: never.
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
    /// The key's first eight characters.
    #[schema(read_only)]
    prefix: String,
    /// The key's last four characters.
    #[schema(read_only)]
    last_four: String,
    /// When it was last used; null: never.
    #[schema(required, read_only)]
    last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked; null: it is active.
    #[schema(required, read_only)]
    revoked_at: Option<DateTime<Utc>>,
    /// When it was created.
    #[schema(read_only)]
    created_at: DateTime<Utc>,
    /// When it last changed.
    #[schema(read_only)]
    updated_at: DateTime<Utc>,
}

/// A key that was just created.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewApiKeyResponse {
    /// The properties of the key.
    #[serde(flatten)]
    api_key: ApiKeyResponse,
    /// The secret key. Store it now: it is not shown again.
    key: String,
}

impl ApiKeyResponse {
    fn new(row: ApiKeyRow, uses: &LastUses) -> Self {
        Self {
            last_used_at: row.last_used_at.max(uses.get(&row.id).copied()),
            id: row.id.0,
            name: row.name,
            scopes: row.scopes,
            models: row.models,
            requests_per_minute: row.requests_per_minute,
            concurrent_requests: row.concurrent_requests,
            requests_per_day: row.requests_per_day,
            tokens_per_minute: row.tokens_per_minute,
            tokens_per_day: row.tokens_per_day,
            model_limits: by_model(row.model_limits),
            expires_at: row.expires_at,
            prefix: row.prefix,
            last_four: row.last_four,
            revoked_at: row.revoked_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// When this process last saw each key.
type LastUses = HashMap<ApiKeyId, DateTime<Utc>>;

/// List API keys
///
/// The organization's keys, newest first, including revoked ones.
///
/// # Errors
/// A parameter is unknown, sent twice or out of range; the cursor belongs to another list.
#[utoipa::path(get, path = "", params(PageParameters),
    responses((status = 200, body = CursorPage<ApiKeyResponse>)))]
pub async fn list(call: Call<KeysManage>) -> Result<HttpResponse> {
    let page = call.page_request(call.query(), LIST)?;
    let uses = call.caller.organization.last_uses();
    let page = call.data.api_key_list(&page).await?.map(|row| ApiKeyResponse::new(row, &uses));
    Ok(call.page(LIST, page))
}

/// Create an API key
///
/// The response contains the secret key, which is not shown again. The key works immediately. It cannot have more
/// than the calling key has: no additional scope or model, no higher limit, no later expiry. A key with a rate
/// limit or a budget of its own cannot create keys that call models, because their use would not count against it.
///
/// # Errors
/// A field is invalid; the calling key lacks what it would grant.
#[utoipa::path(post, path = "", request_body = NewApiKeyBody,
    responses((status = 201, body = NewApiKeyResponse)))]
pub async fn create(
    call: Call<KeysManage>,
    payload: web::Payload,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let body = call.body(payload).await?;
    let fresh = api_key::generate().map_err(Error::internal)?;
    let hash = store.vault().key_hash(fresh.key.expose_secret());
    let known = |name: &str| call.caller.organization.models.contains_key(name);
    let new = body::parse_new(&body.bytes, clock.now(), &fresh, hash)
        .map_err(|error| body::with_unknown_models(error, &body.bytes, known))?;
    let row = call.data.api_key_create(new).await?;
    let mut response = call.created(row.id);
    let api_key = ApiKeyResponse::new(row, &call.caller.organization.last_uses());
    let made = NewApiKeyResponse { api_key, key: fresh.key.expose_secret().to_owned() };
    Ok(response.insert_header((CACHE_CONTROL, "no-store")).json(made))
}

/// Read an API key
///
/// One key, active or revoked, without the secret.
///
/// # Errors
/// The organization has no key with this id.
#[utoipa::path(get, path = "", responses((status = 200, body = ApiKeyResponse)))]
pub async fn read(call: Call<KeysManage>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    let row = found(WHAT, id, call.data.api_key_find(id).await?)?;
    Ok(HttpResponse::Ok().json(ApiKeyResponse::new(row, &call.caller.organization.last_uses())))
}

/// Change an API key
///
/// Absent fields stay as they are. The change takes effect immediately. A key cannot grant any key, itself
/// included, more than it has: no additional scope or model, no higher limit, no later expiry, no larger budget. A
/// key with a rate limit or a budget of its own cannot grant other keys more calls of models, because their use
/// would not count against it.
///
/// # Errors
/// The organization has no key with this id; it is revoked; a field is invalid; the calling key lacks what it would
/// grant.
#[utoipa::path(patch, path = "", request_body = ApiKeyChangeBody,
    responses((status = 200, body = ApiKeyResponse), (status = 409, description = "The key is revoked")))]
pub async fn change(
    call: Call<KeysManage>,
    payload: web::Payload,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let body = call.body(payload).await?;
    let id = call.id(WHAT)?;
    found(WHAT, id, call.data.api_key_find(id).await?)?;
    let known = |name: &str| call.caller.organization.models.contains_key(name);
    let to = body::parse_change(&body.bytes, clock.now())
        .map_err(|error| body::with_unknown_models(error, &body.bytes, known))?;
    let row = found(WHAT, id, call.data.api_key_change(id, to).await?)?;
    Ok(HttpResponse::Ok().json(ApiKeyResponse::new(row, &call.caller.organization.last_uses())))
}

/// Revoke an API key
///
/// Revoking is final. The key stops working immediately and stays in the list.
///
/// # Errors
/// The organization has no key with this id.
#[utoipa::path(delete, path = "", responses((status = 204, description = "The key is revoked")))]
pub async fn revoke(call: Call<KeysManage>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    found(WHAT, id, call.data.api_key_revoke(id).await?)?;
    Ok(deleted())
}
