//! Table `instances`: the running server processes and their last heartbeats.
//!
//! A row of `requests` that is still `running`, and that belongs to a process without a recent heartbeat, was left by a
//! process that died.

use sea_orm::entity::prelude::*;

/// One running server process.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "instances")]
pub struct Model {
    /// Primary key; each start of a process creates a new one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The time of the last heartbeat, by the clock of the database.
    pub seen_at: DateTimeUtc,
    /// Where the process counts what its limits allow. `None` if it is of the release before.
    pub limit_place: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
