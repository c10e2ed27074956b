//! Table `invitations`: links by which people join an organization. Only a hash of the link's secret is kept.

use sea_orm::entity::prelude::*;

use crate::ids::{InvitationId, OrganizationId, UserId};

/// One invitation.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invitations")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InvitationId,
    /// The organization that the link leads into.
    pub organization_id: OrganizationId,
    /// Whom it is for, in lower case.
    pub email: String,
    /// The role that accepting gives: `owner`, `admin` or `member`.
    pub role: String,
    /// Hash of the secret in the link.
    #[sea_orm(unique)]
    pub token_hash: Vec<u8>,
    /// Who invited. None: the command line did.
    pub invited_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// From when on it is refused.
    pub expires_at: DateTimeUtc,
    /// When it was used. It works once.
    pub accepted_at: Option<DateTimeUtc>,
    /// When it was withdrawn.
    pub revoked_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
