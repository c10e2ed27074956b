//! Table `users`: people who can log in. A person may belong to several organizations (`memberships`).

use sea_orm::entity::prelude::*;

use crate::ids::UserId;

/// One person.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// The address, in lower case. Nothing proves it, so several accounts may have one address: an account is its
    /// address and its password.
    pub email: String,
    /// How the person wants to be called.
    pub name: Option<String>,
    /// The argon2id hash as a PHC string. None: cannot log in by password.
    pub password_hash: Option<String>,
    /// When the person signed up or was invited in.
    pub created_at: DateTimeUtc,
    /// When the row last changed.
    pub updated_at: DateTimeUtc,
    /// Since when the person may not log in any more.
    pub disabled_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
