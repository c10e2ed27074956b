//! Console sessions. The cookie only contains the id of a row, so ending a session takes effect in all processes at
//! once.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{OrganizationId, SessionId, UserId};
use entity::{memberships, organizations, sessions, users};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, FromQueryResult, JoinType, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select, SqlErr,
};
use serde_json::json;

use crate::domain::actor::Actor;
use crate::domain::error::Error;
use crate::store::maintenance::system::System;
use crate::store::tenant::audit::AuditEntry;
use crate::store::transaction;

/// A session expires after this time without use.
pub const IDLE: TimeDelta = TimeDelta::hours(12);
/// A session expires this long after the sign-in, even if it is in use.
pub const ABSOLUTE: TimeDelta = TimeDelta::days(7);
/// The last use is updated when the stored one is older than this.
const TOUCH: TimeDelta = TimeDelta::minutes(1);
/// The longest user agent that is stored, in characters.
const USER_AGENT: usize = 300;

/// A session to be created.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The id of the user.
    pub user_id: UserId,
    /// The id of the organization.
    pub organization_id: OrganizationId,
    /// The `User-Agent` of the browser.
    pub user_agent: Option<String>,
    /// The IP address of the client.
    pub address: Option<String>,
    /// How the user signed in: `password`, `sign-up`, `invitation`, `link` or `switch`.
    pub by: &'static str,
    /// The actor, for the audit log.
    pub actor: Actor,
}

/// A valid session with the user's current role.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct LiveSession {
    /// The id of the session.
    pub id: SessionId,
    /// The stored time of the last use.
    pub last_seen_at: DateTime<Utc>,
    /// The id of the user.
    pub user_id: UserId,
    /// The email address of the user.
    pub email: String,
    /// The display name of the user.
    pub name: Option<String>,
    /// The id of the organization.
    pub organization_id: OrganizationId,
    /// The role: `owner`, `admin` or `member`.
    pub role: String,
}

/// A session as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct SessionRow {
    /// The id of the session.
    pub id: SessionId,
    /// The name of the organization.
    pub organization: String,
    /// When the user signed in.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub last_seen_at: DateTime<Utc>,
    /// When it expires, even if it is in use.
    pub expires_at: DateTime<Utc>,
    /// The `User-Agent` of the browser.
    pub user_agent: Option<String>,
    /// The IP address of the client.
    pub address: Option<String>,
}

impl System<'_> {
    /// Creates a session, with an entry in the audit log of its organization, and deletes expired sessions of the user.
    /// Returns its id and its expiry.
    ///
    /// # Errors
    /// [`Error::Absent`]: the user is not a member of the organization.
    pub async fn session_create(&self, new: NewSession) -> Result<(SessionId, DateTime<Utc>), Error> {
        let clock = &self.store().inner.clock;
        let (now, id) = (clock.now(), SessionId(clock.new_id()));
        let transaction = self.store().begin().await?;
        sessions::Entity::delete_many()
            .filter(sessions::Column::UserId.eq(new.user_id))
            .filter(sessions::Column::ExpiresAt.lte(now))
            .exec(&transaction)
            .await?;
        let (expires_at, address) = (now + ABSOLUTE, new.address);
        let cut = |text: String| text.chars().filter(|letter| *letter != '\0').take(USER_AGENT).collect();
        sessions::Entity::insert(sessions::ActiveModel {
            id: Set(id),
            user_id: Set(new.user_id),
            organization_id: Set(new.organization_id),
            created_at: Set(now),
            last_seen_at: Set(now),
            expires_at: Set(expires_at),
            revoked_at: Set(None),
            user_agent: Set(new.user_agent.map(cut)),
            address: Set(address.clone()),
        })
        .exec_without_returning(&transaction)
        .await
        .map_err(|error| match error.sql_err() {
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => {
                Error::absent("organization", new.organization_id)
            }
            Some(_) | None => error.into(),
        })?;
        let state = json!({ "by": new.by, "address": address });
        let (user_id, label) = (new.user_id.0, new.actor.label());
        let entry = AuditEntry::new("user.login", "user", user_id, label, None, Some(&state))?;
        transaction::audit(&transaction, clock, new.organization_id, &new.actor, entry).await?;
        transaction.commit().await?;
        Ok((id, expires_at))
    }

    /// The session of that id, if it is valid and its user is not disabled. Updates the last use from time to time.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn session_find(&self, id: SessionId) -> Result<Option<LiveSession>, Error> {
        let inner = &self.store().inner;
        let now = inner.clock.now();
        let found = living(now)
            .select_only()
            .columns([sessions::Column::Id, sessions::Column::LastSeenAt, sessions::Column::UserId])
            .column(sessions::Column::OrganizationId)
            .columns([users::Column::Email, users::Column::Name])
            .column(memberships::Column::Role)
            .join(
                JoinType::InnerJoin,
                sessions::Entity::belongs_to(users::Entity)
                    .from(sessions::Column::UserId)
                    .to(users::Column::Id)
                    .into(),
            )
            .join(
                JoinType::InnerJoin,
                sessions::Entity::belongs_to(memberships::Entity)
                    .from((sessions::Column::OrganizationId, sessions::Column::UserId))
                    .to((memberships::Column::OrganizationId, memberships::Column::UserId))
                    .into(),
            )
            .filter(sessions::Column::Id.eq(id))
            .filter(users::Column::DisabledAt.is_null())
            .into_model::<LiveSession>()
            .one(&inner.reader)
            .await?;
        if let Some(session) = found.as_ref().filter(|session| now - session.last_seen_at >= TOUCH) {
            sessions::Entity::update_many()
                .col_expr(sessions::Column::LastSeenAt, Expr::value(now))
                .filter(sessions::Column::Id.eq(session.id))
                .exec(&inner.writer)
                .await?;
        }
        Ok(found)
    }

    /// The valid sessions of a user, most recently used first; at most 100.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn session_list(&self, user_id: UserId) -> Result<Vec<SessionRow>, Error> {
        let inner = &self.store().inner;
        let rows = living(inner.clock.now())
            .select_only()
            .columns([
                sessions::Column::Id,
                sessions::Column::CreatedAt,
                sessions::Column::LastSeenAt,
                sessions::Column::ExpiresAt,
                sessions::Column::UserAgent,
                sessions::Column::Address,
            ])
            .column_as(organizations::Column::Name, "organization")
            .join(
                JoinType::InnerJoin,
                sessions::Entity::belongs_to(organizations::Entity)
                    .from(sessions::Column::OrganizationId)
                    .to(organizations::Column::Id)
                    .into(),
            )
            .filter(sessions::Column::UserId.eq(user_id))
            .order_by_desc(sessions::Column::LastSeenAt)
            .order_by_desc(sessions::Column::Id)
            .limit(100);
        Ok(rows.into_model::<SessionRow>().all(&inner.reader).await?)
    }

    /// The organization of the user's latest session, even if that has ended.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn session_last_organization(&self, user_id: UserId) -> Result<Option<OrganizationId>, Error> {
        let last = sessions::Entity::find()
            .filter(sessions::Column::UserId.eq(user_id))
            .order_by_desc(sessions::Column::CreatedAt)
            .order_by_desc(sessions::Column::Id);
        Ok(last.one(&self.store().inner.reader).await?.map(|session| session.organization_id))
    }

    /// Ends a session of this user. Returns false if no valid session has that id.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn session_end(&self, user_id: UserId, id: SessionId, actor: &Actor) -> Result<bool, Error> {
        let ended = self.end(user_id, sessions::Column::Id.eq(id), actor).await?;
        Ok(ended > 0)
    }

    /// Ends every session of this user except one. Returns the number of ended sessions.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn session_end_others(
        &self,
        user_id: UserId,
        keep: SessionId,
        actor: &Actor,
    ) -> Result<u64, Error> {
        self.end(user_id, sessions::Column::Id.ne(keep), actor).await
    }

    /// Ends sessions. The audit log of each organization gets an entry with the number of its sessions.
    async fn end(&self, user_id: UserId, which: Expr, actor: &Actor) -> Result<u64, Error> {
        let clock = &self.store().inner.clock;
        let transaction = self.store().begin().await?;
        let own = living(clock.now()).filter(sessions::Column::UserId.eq(user_id)).filter(which.clone());
        let mut ended: BTreeMap<OrganizationId, u64> = BTreeMap::new();
        for session in own.all(&transaction).await? {
            *ended.entry(session.organization_id).or_default() += 1;
        }
        sessions::Entity::update_many()
            .col_expr(sessions::Column::RevokedAt, Expr::value(clock.now()))
            .filter(sessions::Column::UserId.eq(user_id))
            .filter(sessions::Column::RevokedAt.is_null())
            .filter(which)
            .exec(&transaction)
            .await?;
        for (organization_id, count) in &ended {
            let state = json!({ "sessions": count });
            let entry = AuditEntry::new("user.logout", "user", user_id.0, actor.label(), Some(&state), None)?;
            transaction::audit(&transaction, clock, *organization_id, actor, entry).await?;
        }
        transaction.commit().await?;
        Ok(ended.values().sum())
    }
}

fn living(now: DateTime<Utc>) -> Select<sessions::Entity> {
    sessions::Entity::find()
        .filter(sessions::Column::RevokedAt.is_null())
        .filter(sessions::Column::ExpiresAt.gt(now))
        .filter(sessions::Column::LastSeenAt.gt(now - IDLE))
}
