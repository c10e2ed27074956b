//! Table `latency_rollups`: histograms of request durations in buckets of time, on a fixed logarithmic scale.
//!
//! There is one row per step of the scale that has requests. Counts can be added over buckets; percentiles cannot.

use sea_orm::entity::prelude::*;

use crate::ids::OrganizationId;

/// The requests of one bucket with a duration in one step of the scale.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "latency_rollups")]
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
    pub origin: String,
    /// What was timed: `first_frame` or `total`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub measure: String,
    /// The step of the scale, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub step: i32,
    /// Number of requests in this group.
    pub requests: i64,
}

impl ActiveModelBehavior for ActiveModel {}
