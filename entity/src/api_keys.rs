//! Table `api_keys`: the API keys of applications. Only a keyed hash of the key is stored.

use sea_orm::entity::prelude::*;

use crate::ids::{ApiKeyId, OrganizationId, UserId};

/// One API key of an organization.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    /// The primary key of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApiKeyId,
    /// The organization that owns the key.
    pub organization_id: OrganizationId,
    /// The display name. Not unique, so that a key can be rotated under the same name.
    pub name: String,
    /// Keyed hash of the whole key, 32 bytes. A caller's key is looked up by it.
    #[sea_orm(unique)]
    pub key_hash: Vec<u8>,
    /// The first characters of the key, for display.
    pub prefix: String,
    /// The last four characters of the key, for display.
    pub last_four: String,
    /// The scopes: a JSON array of scope names.
    pub scopes: Json,
    /// The models that the key may use: a JSON array of names. `None`: every model of the organization.
    pub models: Option<Json>,
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
    /// Limits of single models: a JSON object by their names. `None` for none.
    pub model_limits: Option<Json>,
    /// When the key expires; `None` if it does not.
    pub expires_at: Option<DateTimeUtc>,
    /// The user who created it; `None` if the command line or another key did.
    pub created_by: Option<UserId>,
    /// When it was created.
    pub created_at: DateTimeUtc,
    /// When its name, limits or scopes were last changed.
    pub updated_at: DateTimeUtc,
    /// When it was last used. Updated from time to time, not with every request.
    pub last_used_at: Option<DateTimeUtc>,
    /// When it was revoked; `None` while it is valid. The row is kept, because requests refer to it.
    pub revoked_at: Option<DateTimeUtc>,
    /// The version of the organization with the last change of the key. `None` if it was written by a process of the
    /// release before.
    pub version: Option<i64>,
    /// The number of the change that revoked it, from the change counter. `None` as well if a process of the release
    /// before revoked it.
    pub revocation_seq: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
