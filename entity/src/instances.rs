//! Table `instances`: the running server processes and their last heartbeats.
//!
//! A row of `requests` that is still `running`, and whose process has no recent heartbeat, belongs to a process that
//! died.

use sea_orm::entity::prelude::*;

/// One process.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "instances")]
pub struct Model {
    /// Primary key; each start of a process creates a new one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The time of the last heartbeat, by the clock of the database.
    pub seen_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
