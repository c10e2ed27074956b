//! Table `session_rollups`: requests of sessions, by day, model and key.
//!
//! Part of the key, absent values are `''` or the nil UUID: a NULL in a key would never meet itself again.

use sea_orm::entity::prelude::*;

use crate::ids::OrganizationId;

/// The requests of one day that share all the key's columns.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "session_rollups")]
pub struct Model {
    /// Whose requests.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// The caller's session.
    #[sea_orm(primary_key, auto_increment = false)]
    pub session_id: Uuid,
    /// Start of the UTC day, in Unix seconds, a multiple of 86,400.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i64,
    /// As in `requests`; `''`: nobody answered.
    #[sea_orm(primary_key, auto_increment = false)]
    pub served_model: String,
    /// As in `requests`; the nil UUID: no key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub api_key_id: Uuid,
    /// As in `requests`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: String,
    /// How many.
    pub requests: i64,
    /// How many of them were answered whole.
    pub answered: i64,
    /// How many of those by another model than the requested one.
    pub by_fallback: i64,
    /// Sum over the requests that know it.
    pub input_tokens: i64,
    /// Sum over the requests that know it.
    pub output_tokens: i64,
    /// Sum over the requests that know it.
    pub cached_tokens: i64,
    /// Sum over the requests that know it.
    pub reasoning_tokens: i64,
    /// Sum over the requests that know it, in nano-dollars.
    pub cost_nano_dollars: i64,
    /// How many of them have a cost that is unknown: the sum is at least what it says.
    pub unpriced: i64,
    /// How many requests' tokens were reckoned by us.
    pub estimated: i64,
}

impl ActiveModelBehavior for ActiveModel {}
