//! Table `sessions`: the console sessions of users. A session belongs to one organization and ends with the membership.

use sea_orm::entity::prelude::*;

use crate::ids::{OrganizationId, SessionId, UserId};

/// One console session of a user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// Primary key. The token in the cookie contains it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// The user who is signed in.
    pub user_id: UserId,
    /// The organization. Together with `user_id` it refers to a membership.
    pub organization_id: OrganizationId,
    /// When the user signed in.
    pub created_at: DateTimeUtc,
    /// When it was last used, for the idle timeout.
    pub last_seen_at: DateTimeUtc,
    /// When it expires, even if it is in use.
    pub expires_at: DateTimeUtc,
    /// When it was ended early, by signing out, changing the password, or removing the member.
    pub revoked_at: Option<DateTimeUtc>,
    /// The `User-Agent` of the browser, for the list of sessions.
    pub user_agent: Option<String>,
    /// The IP address at sign-in, for the list of sessions.
    pub address: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
