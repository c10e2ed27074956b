//! Table `usage_rollups`: requests by day, model and key, for usage and budgets.
//!
//! Absent values of key columns are `''` or the nil UUID, because a NULL equals no other value in a key.

use sea_orm::entity::prelude::*;

use crate::ids::OrganizationId;

/// The requests of one day that have the same key.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_rollups")]
pub struct Model {
    /// The organization of the requests.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Start of the UTC day, in Unix seconds, a multiple of 86,400.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i64,
    /// As in `requests`; `''` if no model answered.
    #[sea_orm(primary_key, auto_increment = false)]
    pub served_model: String,
    /// As in `requests`; the nil UUID: no key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub api_key_id: Uuid,
    /// The same as in `requests`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: String,
    /// Number of requests in this group.
    pub requests: i64,
    /// Number of requests that were answered completely.
    pub answered: i64,
    /// Number of those that a fallback answered.
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
    /// Number of requests with unknown cost. The actual total cost is at least the sum.
    pub unpriced: i64,
    /// Number of requests with estimated token counts.
    pub estimated: i64,
    /// What budgets count in addition to the cost, in nano-dollars: the known part of unknown costs, and calls that no
    /// request is billed for.
    pub budget_only_nano_dollars: i64,
}

impl ActiveModelBehavior for ActiveModel {}
