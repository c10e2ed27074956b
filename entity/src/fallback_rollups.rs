//! Table `fallback_rollups`: counts of fallback events in buckets of time, so that pages do not aggregate raw rows.

use sea_orm::entity::prelude::*;

use crate::ids::OrganizationId;

/// The fallback events of one bucket that have the same key.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "fallback_rollups")]
pub struct Model {
    /// The organization of the events.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Length of the bucket in seconds: 300, 3,600 or 43,200. A row is counted in a bucket of each length.
    #[sea_orm(primary_key, auto_increment = false)]
    pub width: i64,
    /// Start of the bucket, in Unix seconds, a multiple of its length.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket_at: i64,
    /// The same as in `fallback_events`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub failed_model: String,
    /// As in `fallback_events`; `''` at the end of the chain, because a NULL equals no other value in a key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub next_model: String,
    /// The same as in `fallback_events`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub error_class: String,
    /// The same as in `fallback_events`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: String,
    /// Number of events with this key.
    pub events: i64,
}

impl ActiveModelBehavior for ActiveModel {}
