//! Table `limit_counters`: what processes have taken of each limit that they share. Used on PostgreSQL only.
//!
//! A row is written with every slice that a process takes. Rows that no process has looked at for long are deleted.

use sea_orm::entity::prelude::*;

use crate::ids::OrganizationId;

/// The counter of one limit.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "limit_counters")]
pub struct Model {
    /// The organization of the limit.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// What is counted, and of which key, model or provider.
    #[sea_orm(primary_key, auto_increment = false)]
    pub counter: String,
    /// What a process asked for last: a JSON object.
    pub asked: Json,
    /// Units by the time at which they stop counting, in Unix milliseconds, and by the process that holds them, if they are
    /// not spent: a JSON object such as `{"1728000060000": 3, "1728000061000/0192": 5}`.
    pub entries: Json,
    /// The units that the process holds that asked last; -1 in a new row.
    pub held: i64,
    /// When a process last asked, in Unix milliseconds; 0 in a new row.
    pub looked_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
