//! Table `api_keys`: the keys by which apps call. The key itself is never stored, only a keyed hash of it.

use sea_orm::entity::prelude::*;

use crate::ids::{ApiKeyId, OrganizationId, UserId};

/// One API key.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApiKeyId,
    /// Whose key it is.
    pub organization_id: OrganizationId,
    /// What people call it. Not unique: keys are rotated under one name.
    pub name: String,
    /// Keyed hash of the whole key, 32 bytes; how a caller's key is found.
    #[sea_orm(unique)]
    pub key_hash: Vec<u8>,
    /// The key's first characters, to recognize it by.
    pub prefix: String,
    /// The key's last four characters, to recognize it by.
    pub last_four: String,
    /// What it may do: a JSON array of scope names.
    pub scopes: Json,
    /// The models it may use: a JSON array of names. None: all of the organization's.
    pub models: Option<Json>,
    /// Requests per minute. None: no limit.
    pub requests_per_minute: Option<i64>,
    /// Requests at the same time. None: no limit.
    pub concurrent_requests: Option<i64>,
    /// From when on it is refused. None: never.
    pub expires_at: Option<DateTimeUtc>,
    /// Who made it. None: the command line or another key did.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When its name, limits or scopes last changed.
    pub updated_at: DateTimeUtc,
    /// When it was last used, at the coarse steps in which that is noted.
    pub last_used_at: Option<DateTimeUtc>,
    /// Since when it is refused. The row stays, because requests name it.
    pub revoked_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
