//! Table `instance_state`: numbers that all processes of an installation share. The first migration inserts the row
//! `change_counter`, which is incremented with every change that other processes must see.

use sea_orm::entity::prelude::*;

/// One number of the installation.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "instance_state")]
pub struct Model {
    /// The name of the number. Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The value of the number.
    pub value: i64,
    /// How many of the changes that `change_counter` counts have their number in `organizations.change_seq`. Processes of
    /// the release before do not count here. 0 in other rows.
    pub numbered: i64,
}

impl ActiveModelBehavior for ActiveModel {}
