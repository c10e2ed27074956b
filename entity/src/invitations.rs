//! Table `invitations`: links for joining an organization. Only a hash of the secret in the link is stored.

use sea_orm::entity::prelude::*;

use crate::ids::{InvitationId, OrganizationId, UserId};

/// One invitation to an organization.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invitations")]
pub struct Model {
    /// The primary key of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InvitationId,
    /// The organization that the link is for.
    pub organization_id: OrganizationId,
    /// The email address of the invited person, in lower case.
    pub email: String,
    /// The role of the new member: `owner`, `admin` or `member`.
    pub role: String,
    /// Hash of the secret in the link.
    #[sea_orm(unique)]
    pub token_hash: Vec<u8>,
    /// The user who invited; `None` for the command line.
    pub invited_by: Option<UserId>,
    /// When it was created.
    pub created_at: DateTimeUtc,
    /// The time when it expires.
    pub expires_at: DateTimeUtc,
    /// When it was accepted. It can be used once.
    pub accepted_at: Option<DateTimeUtc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
