//! Table `request_rollups`: requests counted in buckets of five minutes, so that pages never add up raw rows.
//!
//! Part of the key, absent values are `''` or the nil UUID: a NULL in a key would never meet itself again.

use sea_orm::entity::prelude::*;

use crate::ids::OrganizationId;

/// The requests of one bucket that share all the key's columns.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "request_rollups")]
pub struct Model {
    /// Whose requests.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Start of the bucket, in Unix seconds, a multiple of 300.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket_at: i64,
    /// As in `requests`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub requested_model: String,
    /// As in `requests`; `''`: nobody answered.
    #[sea_orm(primary_key, auto_increment = false)]
    pub served_model: String,
    /// As in `requests`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub outcome: String,
    /// Whether another model than the requested one answered.
    #[sea_orm(primary_key, auto_increment = false)]
    pub by_fallback: bool,
    /// As in `requests`; the nil UUID: no key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub api_key_id: Uuid,
    /// As in `requests`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: String,
    /// How many.
    pub requests: i64,
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
}

impl ActiveModelBehavior for ActiveModel {}
