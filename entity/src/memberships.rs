//! Table `memberships`: the users of each organization and their roles.

use sea_orm::entity::prelude::*;

use crate::ids::{OrganizationId, UserId};

/// One user in one organization.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memberships")]
pub struct Model {
    /// The id of the organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// The id of the user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// `owner`, `admin` or `member`.
    pub role: String,
    /// When the user joined.
    pub created_at: DateTimeUtc,
    /// When the role was last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
