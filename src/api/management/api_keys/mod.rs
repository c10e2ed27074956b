//! `/v1/identity/api-keys`: the keys with which apps and people's scripts call. A key itself is shown once, when it
//! is made.

mod body;
pub mod change;
pub mod create;
pub mod list;
pub mod read;
pub mod revoke;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::ids::ApiKeyId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use body::{ApiKeyChangeBody, NewApiKeyBody};

use crate::store::ApiKeyRow;

/// What a key is called in messages.
const WHAT: &str = "API key";

/// A key, living or revoked, without what would let one call with it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyResponse {
    /// The key's row.
    id: Uuid,
    /// What people call it.
    name: String,
    /// What it may do.
    scopes: Vec<String>,
    /// The models it may use; null: all, also later ones.
    #[schema(required)]
    models: Option<Vec<String>>,
    /// Requests per minute; null: no limit.
    #[schema(required)]
    requests_per_minute: Option<i64>,
    /// Requests at the same time; null: no limit.
    #[schema(required)]
    concurrent_requests: Option<i64>,
    /// From when on it is refused; null: never.
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
    /// Its first characters.
    prefix: String,
    /// Its last four characters.
    last_four: String,
    /// When it was last used; null: never.
    #[schema(required)]
    last_used_at: Option<DateTime<Utc>>,
    /// Since when it is refused; null: it lives.
    #[schema(required)]
    revoked_at: Option<DateTime<Utc>>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewApiKeyResponse {
    /// The key, as it is read later.
    #[serde(flatten)]
    api_key: ApiKeyResponse,
    /// The key itself. Keep it: it cannot be shown again.
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
            expires_at: row.expires_at,
            prefix: row.prefix,
            last_four: row.last_four,
            revoked_at: row.revoked_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// When this process saw each key last.
type LastUses = HashMap<ApiKeyId, DateTime<Utc>>;
