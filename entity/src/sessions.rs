//! Table `sessions`: who is logged in. A session is for one organization; ending the membership ends it.

use sea_orm::entity::prelude::*;

use crate::ids::{OrganizationId, SessionId, UserId};

/// One log-in.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// Primary key; the cookie's token names it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// Who is logged in.
    pub user_id: UserId,
    /// For which organization. Together with `user_id` it must be a membership.
    pub organization_id: OrganizationId,
    /// When the log-in happened.
    pub created_at: DateTimeUtc,
    /// When it was last used, for the idle limit.
    pub last_seen_at: DateTimeUtc,
    /// When it ends whatever happens.
    pub expires_at: DateTimeUtc,
    /// When it was ended early (log-out, password change, removal).
    pub revoked_at: Option<DateTimeUtc>,
    /// The browser's own words, shown in the list of sessions.
    pub user_agent: Option<String>,
    /// The client address at log-in, shown in the list of sessions.
    pub address: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
