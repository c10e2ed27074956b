//! Table `latency_rollups`: how long requests took, counted in buckets of five minutes on a fixed logarithmic scale.
//!
//! One row for each step of the scale that was met, so that counting is adding whole numbers. Counts add up over
//! buckets, percentiles do not.

use sea_orm::entity::prelude::*;

use crate::ids::OrganizationId;

/// The requests of one bucket whose time falls into one step of the scale.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "latency_rollups")]
pub struct Model {
    /// Whose requests.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Start of the bucket, in Unix seconds, a multiple of 300.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket_at: i64,
    /// As in `requests`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: String,
    /// What was timed: `first_frame` or `total`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub measure: String,
    /// The step of the scale, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub step: i32,
    /// How many.
    pub requests: i64,
}

impl ActiveModelBehavior for ActiveModel {}
