//! Table `request_rollups`: request counts in buckets of time, so that pages do not aggregate raw rows.
//!
//! Absent values of key columns are `''` or the nil UUID, because a NULL equals no other value in a key.

use sea_orm::entity::prelude::*;

use crate::ids::OrganizationId;

/// The requests of one bucket that have the same key.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "request_rollups")]
pub struct Model {
    /// The organization of the requests.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Length of the bucket in seconds: 300, 3,600 or 43,200. A row is counted in a bucket of each length.
    #[sea_orm(primary_key, auto_increment = false)]
    pub width: i64,
    /// Start of the bucket, in Unix seconds, a multiple of its length.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket_at: i64,
    /// The same as in `requests`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub requested_model: String,
    /// As in `requests`; `''` if no model answered.
    #[sea_orm(primary_key, auto_increment = false)]
    pub served_model: String,
    /// The same as in `requests`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub outcome: String,
    /// Whether another model than the requested one answered.
    #[sea_orm(primary_key, auto_increment = false)]
    pub by_fallback: bool,
    /// As in `requests`; the nil UUID: no key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub api_key_id: Uuid,
    /// The same as in `requests`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: String,
    /// Number of requests in this group.
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
    /// Number of requests with unknown cost. The actual total cost is at least the sum.
    pub unpriced: i64,
}

impl ActiveModelBehavior for ActiveModel {}
