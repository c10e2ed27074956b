//! Table `rollup_deltas`: what commits add to the roll-ups, until it is folded into them.
//!
//! A row holds the counts of one commit, of all organizations in it. Rows are never changed, and deleted in the
//! transaction that adds their counts to the roll-ups.

use sea_orm::entity::prelude::*;

/// The counts of one commit.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rollup_deltas")]
pub struct Model {
    /// Primary key, a UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The counted requests and events, as JSON.
    pub counted: String,
}

impl ActiveModelBehavior for ActiveModel {}
