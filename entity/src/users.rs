//! Table `users`: people who can sign in. A user can belong to several organizations (`memberships`).

use sea_orm::entity::prelude::*;

use crate::ids::UserId;

/// One user with sign-in data.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// The primary key of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// The email address, in lower case. It is not verified, so several accounts can have the same one. An account is
    /// identified by its email address and password.
    pub email: String,
    /// The display name of the user.
    pub name: Option<String>,
    /// The argon2id hash as a PHC string; `None` if the user cannot sign in with a password.
    pub password_hash: Option<String>,
    /// When the user signed up or accepted the first invitation.
    pub created_at: DateTimeUtc,
    /// When the row was last changed.
    pub updated_at: DateTimeUtc,
    /// When the user was disabled; `None` while sign-in is allowed.
    pub disabled_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
