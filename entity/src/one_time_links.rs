//! Table `one_time_links`: links that let one person in once. Only a hash of the link's secret is kept.

use sea_orm::entity::prelude::*;

use crate::ids::{OneTimeLinkId, OrganizationId, UserId};

/// One link.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "one_time_links")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OneTimeLinkId,
    /// Whom it lets in.
    pub user_id: UserId,
    /// `reset`: to set a new password. `console`: to log in without one.
    pub kind: String,
    /// Hash of the secret in the link.
    #[sea_orm(unique)]
    pub token_hash: Vec<u8>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// From when on it is refused.
    pub expires_at: DateTimeUtc,
    /// When it was used, or another link made it void. It works once.
    pub used_at: Option<DateTimeUtc>,
    /// The organization that it was made for. None: the operator made it.
    pub organization_id: Option<OrganizationId>,
    /// Who made it, and must still be allowed to when it is used. None: the operator.
    pub issued_by: Option<UserId>,
}

impl ActiveModelBehavior for ActiveModel {}
