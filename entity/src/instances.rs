//! Table `instances`: the processes that serve, and when each was last alive.
//!
//! A row of `requests` that is still `running` and whose process is not here, or has been silent, belongs to a process
//! that died.

use sea_orm::entity::prelude::*;

/// One process.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "instances")]
pub struct Model {
    /// Primary key; made anew at each start.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When it last said so, by the database's clock.
    pub seen_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
