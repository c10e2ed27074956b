//! Links that grant one user access once: to set a new password, or to open the console of a demo. Only a keyed hash of
//! the secret in the link is stored.

use chrono::{DateTime, Utc};
use entity::ids::{OneTimeLinkId, OrganizationId, UserId};
use entity::{memberships, one_time_links};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, Select,
};
use serde_json::json;

use crate::domain::actor::Actor;
use crate::domain::error::Error;
use crate::store::accounts::{outstanding_links, users};
use crate::store::maintenance::system::System;
use crate::store::tenant::audit::AuditEntry;
use crate::store::{OrgStore, Store};

/// The purpose of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// Set a new password.
    Reset,
    /// Sign in without a password.
    Console,
}

impl LinkKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Console => "console",
        }
    }

    /// The action in the audit log when it is created.
    fn action(self) -> &'static str {
        match self {
            Self::Reset => "user.reset_link",
            Self::Console => "user.console_link",
        }
    }
}

/// A link that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// The id of the link.
    pub id: OneTimeLinkId,
    /// The user that it is for.
    pub user_id: UserId,
    /// The organization and the member that created it; `None` if the operator created it.
    giver: Option<(OrganizationId, UserId)>,
}

/// The result of creating a link for a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkOutcome {
    /// The link is created.
    Made,
    /// There is no such member.
    Absent,
    /// The user also belongs to other organizations. An owner of this one must not get access to their data.
    ElsewhereToo,
}

impl System<'_> {
    /// Creates a link for a user. Earlier links stay valid until they are used or expire.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn link_create(
        &self,
        kind: LinkKind,
        user_id: UserId,
        token_hash: [u8; 32],
        expires_at: DateTime<Utc>,
        actor: &Actor,
    ) -> Result<(), Error> {
        let transaction = self.store().begin().await?;
        insert(self.store(), &transaction, (kind, user_id), token_hash, expires_at, None).await?;
        let state = json!({ "expires_at": expires_at });
        users::audit(self.store(), &transaction, user_id, actor, (kind.action(), None, state)).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The link of that hash, if it is not used or expired and its creator still has the permission.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn link_find(&self, kind: LinkKind, token_hash: &[u8; 32]) -> Result<Option<LinkRow>, Error> {
        let now = self.store().inner.clock.now();
        let found = usable(now)
            .filter(one_time_links::Column::Kind.eq(kind.as_str()))
            .filter(one_time_links::Column::TokenHash.eq(token_hash.to_vec()));
        let reader = &self.store().inner.reader;
        let Some(link) = found.one(reader).await?.map(LinkRow::from) else { return Ok(None) };
        Ok(still_holds(reader, &link).await?.then_some(link))
    }

    /// Marks a link as used. Returns false if it was used already.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn link_use(&self, id: OneTimeLinkId) -> Result<bool, Error> {
        use_up(self.store(), &self.store().inner.writer, id).await
    }

    /// Uses a link to set a new password, which ends every session of the user. Returns false if it was used in the
    /// meantime, or if its creator has lost the permission.
    ///
    /// # Errors
    /// [`Error::Conflict`]: another account has the same email address and password.
    pub async fn link_use_for_password(
        &self,
        link: &LinkRow,
        password_hash: String,
        actor: &Actor,
    ) -> Result<bool, Error> {
        let transaction = self.store().begin().await?;
        if !still_holds(&transaction, link).await? || !use_up(self.store(), &transaction, link.id).await? {
            return Ok(false);
        }
        users::replace_password(self.store(), &transaction, link.user_id, password_hash, None, actor).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

impl OrgStore {
    /// Creates a password-reset link for a member.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn reset_link_create(
        &self,
        user_id: UserId,
        token_hash: [u8; 32],
        expires_at: DateTime<Utc>,
    ) -> Result<LinkOutcome, Error> {
        let change = self.change().await?;
        let Some(member) = self.member(change.on(), user_id).await? else { return Ok(LinkOutcome::Absent) };
        if belongs_elsewhere(change.on(), self.organization_id, user_id).await? {
            return Ok(LinkOutcome::ElsewhereToo);
        }
        let giver = change.actor().user_id().map(|giver| (self.organization_id, giver));
        insert(&self.store, change.on(), (LinkKind::Reset, user_id), token_hash, expires_at, giver).await?;
        let state = json!({ "expires_at": expires_at });
        let entry =
            AuditEntry::new(LinkKind::Reset.action(), "user", user_id.0, &member.email, None, Some(&state))?;
        change.audit(entry).await?;
        change.commit().await?;
        Ok(LinkOutcome::Made)
    }
}

async fn insert(
    store: &Store,
    on: &impl ConnectionTrait,
    (kind, user_id): (LinkKind, UserId),
    token_hash: [u8; 32],
    expires_at: DateTime<Utc>,
    giver: Option<(OrganizationId, UserId)>,
) -> Result<(), Error> {
    let clock = &store.inner.clock;
    one_time_links::Entity::insert(one_time_links::ActiveModel {
        id: Set(OneTimeLinkId(clock.new_id())),
        user_id: Set(user_id),
        kind: Set(kind.as_str().to_owned()),
        token_hash: Set(token_hash.to_vec()),
        created_at: Set(clock.now()),
        expires_at: Set(expires_at),
        used_at: Set(None),
        organization_id: Set(giver.map(|(organization_id, _)| organization_id)),
        issued_by: Set(giver.map(|(_, issued_by)| issued_by)),
    })
    .exec_without_returning(on)
    .await?;
    Ok(())
}

/// Whether the creator still has the permission, and the user is a member of that organization only.
async fn still_holds(on: &impl ConnectionTrait, link: &LinkRow) -> Result<bool, Error> {
    let Some((organization_id, giver)) = link.giver else { return Ok(true) };
    let own = memberships::Entity::find()
        .filter(memberships::Column::OrganizationId.eq(organization_id))
        .filter(memberships::Column::UserId.eq(link.user_id));
    Ok(outstanding_links::may_give(on, organization_id, giver).await?
        && own.count(on).await? > 0
        && !belongs_elsewhere(on, organization_id, link.user_id).await?)
}

async fn belongs_elsewhere(
    on: &impl ConnectionTrait,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<bool, Error> {
    let elsewhere = memberships::Entity::find()
        .filter(memberships::Column::UserId.eq(user_id))
        .filter(memberships::Column::OrganizationId.ne(organization_id));
    Ok(elsewhere.count(on).await? > 0)
}

impl From<one_time_links::Model> for LinkRow {
    fn from(link: one_time_links::Model) -> Self {
        Self { id: link.id, user_id: link.user_id, giver: link.organization_id.zip(link.issued_by) }
    }
}

async fn use_up(store: &Store, on: &impl ConnectionTrait, id: OneTimeLinkId) -> Result<bool, Error> {
    let now = store.inner.clock.now();
    let used = one_time_links::Entity::update_many()
        .col_expr(one_time_links::Column::UsedAt, Expr::value(now))
        .filter(one_time_links::Column::Id.eq(id))
        .filter(one_time_links::Column::UsedAt.is_null())
        .filter(one_time_links::Column::ExpiresAt.gt(now))
        .exec(on)
        .await?;
    Ok(used.rows_affected == 1)
}

fn usable(now: DateTime<Utc>) -> Select<one_time_links::Entity> {
    one_time_links::Entity::find()
        .filter(one_time_links::Column::UsedAt.is_null())
        .filter(one_time_links::Column::ExpiresAt.gt(now))
}
