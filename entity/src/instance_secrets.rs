//! Table `instance_secrets`: secrets of the installation, encrypted with the master key: the pepper for API keys, the
//! session-signing key, and a value that verifies the master key.

use sea_orm::entity::prelude::*;

/// One sealed secret of the installation.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "instance_secrets")]
pub struct Model {
    /// The name of the secret. Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The encrypted bytes of the secret.
    pub sealed: Vec<u8>,
    /// When the secret was created.
    pub created_at: DateTimeUtc,
    /// When it was last sealed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
