//! The invitations and password-reset links of a member that can still be used. They are revoked when the member loses
//! the permission to create them, and their use checks the permission again.

use chrono::{DateTime, Utc};
use entity::ids::{OrganizationId, UserId};
use entity::{api_keys, invitations, memberships, one_time_links, users};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    Select,
};
use serde_json::json;

use crate::domain::error::Error;
use crate::store::OrgStore;
use crate::store::accounts::memberships::MANAGES_MEMBERS;
use crate::store::tenant::audit::AuditEntry;
use crate::store::transaction::Change;

/// The numbers of a member's outstanding invitations, links and keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutstandingLinks {
    /// Number of open invitations.
    pub invitations: u64,
    /// Number of open password-reset links.
    pub links: u64,
    /// API keys that are not revoked. They belong to the organization and stay valid.
    pub keys: u64,
}

impl OrgStore {
    /// Counts a member's outstanding invitations, links and keys.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn given_by(&self, user_id: UserId) -> Result<OutstandingLinks, Error> {
        let reader = self.reader();
        Ok(OutstandingLinks {
            invitations: self.invited_by(user_id).count(reader).await?,
            links: self.links_of(issued_by(user_id)).count(reader).await?,
            keys: self.keys_of(user_id, reader).await?,
        })
    }

    /// Revokes a member's invitations and links in the transaction of the change. Returns their numbers.
    pub(in crate::store) async fn void_given(
        &self,
        change: &Change,
        user_id: UserId,
    ) -> Result<OutstandingLinks, Error> {
        let invited = self.invited_by(user_id).all(change.on()).await?;
        let invitations = invited.len() as u64;
        for invitation in invited {
            self.withdraw(change, invitation).await?;
        }
        let links = self.void_links(change, issued_by(user_id)).await?;
        Ok(OutstandingLinks { invitations, links, keys: self.keys_of(user_id, change.on()).await? })
    }

    /// Revokes the links that were created for a removed member.
    pub(in crate::store) async fn void_links_for(
        &self,
        change: &Change,
        user_id: UserId,
    ) -> Result<(), Error> {
        self.void_links(change, one_time_links::Column::UserId.eq(user_id)).await?;
        one_time_links::Entity::update_many()
            .col_expr(one_time_links::Column::UsedAt, Expr::value(self.clock().now()))
            .filter(one_time_links::Column::UserId.eq(user_id))
            .filter(one_time_links::Column::Kind.eq("console"))
            .filter(one_time_links::Column::UsedAt.is_null())
            .exec(change.on())
            .await?;
        Ok(())
    }

    async fn void_links(&self, change: &Change, which: Expr) -> Result<u64, Error> {
        let found = self.links_of(which).all(change.on()).await?;
        for link in &found {
            let person = users::Entity::find_by_id(link.user_id).one(change.on()).await?;
            one_time_links::Entity::update_many()
                .col_expr(one_time_links::Column::UsedAt, Expr::value(self.clock().now()))
                .filter(one_time_links::Column::Id.eq(link.id))
                .exec(change.on())
                .await?;
            let email = person.map(|person| person.email).unwrap_or_default();
            let before = json!({ "expires_at": link.expires_at });
            let action = "user.reset_link_void";
            let entry = AuditEntry::new(action, "user", link.user_id.0, &email, Some(&before), None)?;
            change.audit(entry).await?;
        }
        Ok(found.len() as u64)
    }

    fn invited_by(&self, user_id: UserId) -> Select<invitations::Entity> {
        self.open_invitations()
            .filter(invitations::Column::InvitedBy.eq(user_id))
            .filter(invitations::Column::ExpiresAt.gt(self.clock().now()))
    }

    fn links_of(&self, which: Expr) -> Select<one_time_links::Entity> {
        one_time_links::Entity::find()
            .filter(one_time_links::Column::OrganizationId.eq(self.organization_id))
            .filter(one_time_links::Column::UsedAt.is_null())
            .filter(one_time_links::Column::ExpiresAt.gt(self.clock().now()))
            .filter(which)
    }

    async fn keys_of(&self, user_id: UserId, on: &impl ConnectionTrait) -> Result<u64, Error> {
        let now: DateTime<Utc> = self.clock().now();
        let lasts = Condition::any()
            .add(api_keys::Column::ExpiresAt.is_null())
            .add(api_keys::Column::ExpiresAt.gt(now));
        let living = api_keys::Entity::find()
            .filter(api_keys::Column::OrganizationId.eq(self.organization_id))
            .filter(api_keys::Column::CreatedBy.eq(user_id))
            .filter(api_keys::Column::RevokedAt.is_null())
            .filter(lasts);
        Ok(living.count(on).await?)
    }
}

fn issued_by(user_id: UserId) -> Expr {
    one_time_links::Column::IssuedBy.eq(user_id)
}

/// Whether a user may invite people and create links in this organization.
pub(in crate::store) async fn may_give(
    on: &impl ConnectionTrait,
    organization_id: OrganizationId,
    giver: UserId,
) -> Result<bool, Error> {
    let found = memberships::Entity::find()
        .filter(memberships::Column::OrganizationId.eq(organization_id))
        .filter(memberships::Column::UserId.eq(giver))
        .filter(memberships::Column::Role.is_in(MANAGES_MEMBERS.iter().copied()))
        .one(on)
        .await?;
    if found.is_none() {
        return Ok(false);
    }
    let person = users::Entity::find_by_id(giver).one(on).await?;
    Ok(person.is_some_and(|person| person.disabled_at.is_none()))
}
