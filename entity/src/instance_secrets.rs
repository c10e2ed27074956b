//! Table `instance_secrets`: secrets of the installation itself, sealed under the master key (the API-key pepper, the
//! session-signing key, the value that shows whether the master key is the right one).

use sea_orm::entity::prelude::*;

/// One sealed secret.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "instance_secrets")]
pub struct Model {
    /// Which secret. Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
    /// When the secret was made.
    pub created_at: DateTimeUtc,
    /// When it was last sealed anew.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
