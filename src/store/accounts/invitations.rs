//! Invitations: links for joining an organization. Only a keyed hash of the secret in the link is stored.

use chrono::{DateTime, Utc};
use entity::ids::{InvitationId, OrganizationId, UserId};
use entity::{invitations, organizations};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};
use serde::Serialize;
use uuid::Uuid;

use crate::domain::actor::Actor;
use crate::domain::error::Error;
use crate::store::OrgStore;
use crate::store::accounts::memberships;
use crate::store::accounts::memberships::MemberRow;
use crate::store::accounts::outstanding_links;
use crate::store::accounts::users;
use crate::store::accounts::users::NewUser;
use crate::store::maintenance::system::System;
use crate::store::pagination::equals;
use crate::store::tenant::audit::AuditEntry;
use crate::store::transaction::Change;

/// An open invitation: neither accepted nor revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvitationRow {
    /// The id of the invitation.
    pub id: InvitationId,
    /// The organization that it is for.
    pub organization_id: OrganizationId,
    /// The email address of the invited person, in lower case.
    pub email: String,
    /// The role of the new member.
    pub role: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// The time when it expires.
    pub expires_at: DateTime<Utc>,
    /// The user who invited and must still have the permission when it is accepted; `None` for the operator.
    #[serde(skip)]
    pub invited_by: Option<UserId>,
}

/// An invitation to be created.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// The email address of the invited person, in lower case.
    pub email: String,
    /// The role: `owner`, `admin` or `member`.
    pub role: String,
    /// The keyed hash of the secret in the link.
    pub token_hash: [u8; 32],
    /// The time when it expires.
    pub expires_at: DateTime<Utc>,
    /// The user who invites.
    pub invited_by: Option<UserId>,
}

/// The person who accepts.
#[derive(Debug, Clone)]
pub enum Joining {
    /// A user who has signed in to an existing account.
    Known(UserId),
    /// A person without an account.
    New {
        /// The display name of the user.
        name: Option<String>,
        /// The argon2id hash of the password.
        password_hash: String,
    },
}

impl OrgStore {
    /// Creates an invitation. It replaces an open invitation for the same email address.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn invitation_create(&self, new: NewInvitation) -> Result<InvitationRow, Error> {
        let change = self.change().await?;
        let now = self.clock().now();
        let open = self.open_invitations().filter(equals(invitations::Column::Email, &new.email));
        for row in open.all(change.on()).await? {
            self.withdraw(&change, row).await?;
        }
        let row = invitations::ActiveModel {
            id: Set(InvitationId(self.clock().new_id())),
            organization_id: Set(self.organization_id),
            email: Set(new.email),
            role: Set(new.role),
            token_hash: Set(new.token_hash.to_vec()),
            invited_by: Set(new.invited_by),
            created_at: Set(now),
            expires_at: Set(new.expires_at),
            accepted_at: Set(None),
            revoked_at: Set(None),
        };
        let row = InvitationRow::from(row.insert(change.on()).await?);
        change.audit(entry("invitation.create", None, Some(&row), &row)?).await?;
        change.commit().await?;
        Ok(row)
    }

    /// The open invitations, newest first; at most 200.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn invitation_list(&self) -> Result<Vec<InvitationRow>, Error> {
        let open = self
            .open_invitations()
            .filter(invitations::Column::ExpiresAt.gt(self.clock().now()))
            .order_by_desc(invitations::Column::CreatedAt)
            .order_by_desc(invitations::Column::Id)
            .limit(200);
        Ok(open.all(self.reader()).await?.into_iter().map(InvitationRow::from).collect())
    }

    /// Revokes an open invitation. `None` if there is no such invitation.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn invitation_revoke(&self, id: InvitationId) -> Result<Option<InvitationRow>, Error> {
        let change = self.change().await?;
        let open = self.open_invitations().filter(invitations::Column::Id.eq(id));
        let Some(row) = open.one(change.on()).await? else { return Ok(None) };
        let withdrawn = self.withdraw(&change, row).await?;
        change.commit().await?;
        Ok(Some(withdrawn))
    }

    pub(in crate::store) async fn withdraw(
        &self,
        change: &Change,
        row: invitations::Model,
    ) -> Result<InvitationRow, Error> {
        invitations::Entity::update_many()
            .col_expr(invitations::Column::RevokedAt, Expr::value(self.clock().now()))
            .filter(invitations::Column::OrganizationId.eq(self.organization_id))
            .filter(invitations::Column::Id.eq(row.id))
            .exec(change.on())
            .await?;
        let row = InvitationRow::from(row);
        change.audit(entry("invitation.revoke", Some(&row), None, &row)?).await?;
        Ok(row)
    }

    pub(in crate::store) fn open_invitations(&self) -> Select<invitations::Entity> {
        open().filter(invitations::Column::OrganizationId.eq(self.organization_id))
    }
}

impl System<'_> {
    /// The invitation of a link and the name of its organization, if the link can be used.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn invitation_find(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<(InvitationRow, String)>, Error> {
        let inner = &self.store().inner;
        let found = open()
            .filter(invitations::Column::TokenHash.eq(token_hash.to_vec()))
            .filter(invitations::Column::ExpiresAt.gt(inner.clock.now()));
        let Some(row) = found.one(&inner.reader).await? else { return Ok(None) };
        if !may_still_invite(&inner.reader, row.organization_id, row.invited_by).await? {
            return Ok(None);
        }
        let organization = organizations::Entity::find_by_id(row.organization_id).one(&inner.reader).await?;
        Ok(organization.map(|organization| (row.into(), organization.name)))
    }

    /// Accepts an invitation and adds the member. `None` if it was accepted or revoked in the meantime, or if the user who
    /// invited has lost the permission.
    ///
    /// # Errors
    /// [`Error::Conflict`]: the same account was created in the meantime, or a member has the same email address.
    pub async fn invitation_accept(
        &self,
        invitation: &InvitationRow,
        joining: Joining,
        request_id: Option<Uuid>,
    ) -> Result<Option<UserId>, Error> {
        let store = self.store();
        let now = store.inner.clock.now();
        let (id, new) = match joining {
            Joining::Known(id) => (id, None),
            Joining::New { name, password_hash } => {
                let id = UserId(store.inner.clock.new_id());
                let (email, password_hash) = (invitation.email.clone(), Some(password_hash));
                (id, Some(NewUser { id, email, name, password_hash }))
            }
        };
        let actor = Actor::user(id.0, &invitation.email, request_id);
        let change = Change::begin(store, invitation.organization_id, actor).await?;
        let giver = invitation.invited_by;
        if !may_still_invite(change.on(), invitation.organization_id, giver).await? {
            return Ok(None);
        }
        let used = invitations::Entity::update_many()
            .col_expr(invitations::Column::AcceptedAt, Expr::value(now))
            .filter(invitations::Column::Id.eq(invitation.id))
            .filter(invitations::Column::AcceptedAt.is_null())
            .filter(invitations::Column::RevokedAt.is_null())
            .filter(invitations::Column::ExpiresAt.gt(now))
            .exec(change.on())
            .await?;
        if used.rows_affected != 1 {
            return Ok(None);
        }
        self.keep_addresses_apart(&change, invitation).await?;
        let name = new.as_ref().and_then(|new| new.name.clone());
        if let Some(new) = new {
            users::insert(store, change.on(), new).await?;
        }
        memberships::insert(change.on(), invitation.organization_id, id, &invitation.role, now).await?;
        // A link that an owner of another organization created must not grant access to this one.
        users::void_links(store, change.on(), id).await?;
        let (email, role) = (invitation.email.clone(), invitation.role.clone());
        let member = MemberRow { user_id: id, email, name, role, created_at: now };
        change.audit(memberships::entry("member.join", None, Some(&member), &member)?).await?;
        change.commit().await?;
        Ok(Some(id))
    }

    /// Checks that no member has the email address, because a second account could be mistaken for the member.
    async fn keep_addresses_apart(&self, change: &Change, invitation: &InvitationRow) -> Result<(), Error> {
        let data = self.store().scoped(invitation.organization_id, change.actor().clone());
        if !data.has_email(change.on(), &invitation.email).await? {
            return Ok(());
        }
        Err(Error::Conflict { message: "this person belongs to the organization already".to_owned() })
    }
}

/// Whether the user who invited still has the permission. Invitations of the operator need none.
async fn may_still_invite(
    on: &impl ConnectionTrait,
    organization_id: OrganizationId,
    invited_by: Option<UserId>,
) -> Result<bool, Error> {
    match invited_by {
        Some(giver) => outstanding_links::may_give(on, organization_id, giver).await,
        None => Ok(true),
    }
}

fn open() -> Select<invitations::Entity> {
    invitations::Entity::find()
        .filter(invitations::Column::AcceptedAt.is_null())
        .filter(invitations::Column::RevokedAt.is_null())
}

fn entry(
    action: &'static str,
    before: Option<&InvitationRow>,
    after: Option<&InvitationRow>,
    named: &InvitationRow,
) -> Result<AuditEntry, Error> {
    AuditEntry::new(action, "invitation", named.id.0, &named.email, before, after)
}

impl From<invitations::Model> for InvitationRow {
    fn from(row: invitations::Model) -> Self {
        Self {
            id: row.id,
            organization_id: row.organization_id,
            email: row.email,
            role: row.role,
            created_at: row.created_at,
            expires_at: row.expires_at,
            invited_by: row.invited_by,
        }
    }
}
