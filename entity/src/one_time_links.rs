//! Table `one_time_links`: links that grant one user access once. Only a hash of the secret in the link is stored.

use sea_orm::entity::prelude::*;

use crate::ids::{OneTimeLinkId, OrganizationId, UserId};

/// One link for one user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "one_time_links")]
pub struct Model {
    /// The primary key of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OneTimeLinkId,
    /// The user that the link is for.
    pub user_id: UserId,
    /// `reset` (set a new password) or `console` (sign in without a password).
    pub kind: String,
    /// Hash of the secret in the link.
    #[sea_orm(unique)]
    pub token_hash: Vec<u8>,
    /// When it was created.
    pub created_at: DateTimeUtc,
    /// The time when it expires.
    pub expires_at: DateTimeUtc,
    /// When it was used or replaced by another link. It can be used once.
    pub used_at: Option<DateTimeUtc>,
    /// The organization that it was created for; `None` if the operator created it.
    pub organization_id: Option<OrganizationId>,
    /// The user who created it and must still have the permission when it is used; `None` for the operator.
    pub issued_by: Option<UserId>,
}

impl ActiveModelBehavior for ActiveModel {}
