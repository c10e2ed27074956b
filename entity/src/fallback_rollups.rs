//! Table `fallback_rollups`: fallback events counted in buckets of five minutes, so that pages never add up raw rows.

use sea_orm::entity::prelude::*;

use crate::ids::OrganizationId;

/// The fallback events of one bucket that share all the key's columns.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "fallback_rollups")]
pub struct Model {
    /// Whose events.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Start of the bucket, in Unix seconds, a multiple of 300.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket_at: i64,
    /// As in `fallback_events`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub failed_model: String,
    /// As in `fallback_events`; `''`: the chain ended. A NULL in a key would never meet itself again.
    #[sea_orm(primary_key, auto_increment = false)]
    pub next_model: String,
    /// As in `fallback_events`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub error_class: String,
    /// As in `fallback_events`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: String,
    /// How many.
    pub events: i64,
}

impl ActiveModelBehavior for ActiveModel {}
