//! Memberships: the users of an organization and their roles. An organization always has an owner.

use chrono::{DateTime, Utc};
use entity::ids::{OrganizationId, UserId};
use entity::{memberships, users};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, FromQueryResult, JoinType,
    PaginatorTrait as _, QueryFilter as _, QuerySelect as _, Select, SqlErr,
};
use serde::Serialize;

use crate::domain::error::Error;
use crate::store::OrgStore;
use crate::store::accounts::outstanding_links::OutstandingLinks;
use crate::store::database::connections::Transaction;
use crate::store::pagination::{Page, PageRequest, Position, newest_first};
use crate::store::tenant::audit::AuditEntry;
use crate::store::transaction::Change;

/// The role of which an organization needs at least one member.
pub(in crate::store) const OWNER: &str = "owner";

/// The roles that may invite people and create links, as in `domain::permission`.
pub const MANAGES_MEMBERS: &[&str] = &[OWNER];

/// A member of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromQueryResult)]
pub struct MemberRow {
    /// The id of the user.
    pub user_id: UserId,
    /// The email address of the user.
    pub email: String,
    /// The display name of the user.
    pub name: Option<String>,
    /// The role: `owner`, `admin` or `member`.
    pub role: String,
    /// When the user joined.
    pub created_at: DateTime<Utc>,
}

impl OrgStore {
    /// A page of members, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn member_list(&self, page: &PageRequest) -> Result<Page<MemberRow>, Error> {
        let keyset = (memberships::Column::CreatedAt, memberships::Column::UserId);
        let rows = newest_first(self.members(), keyset, page.cursor, page.limit.saturating_add(1));
        let rows = rows.into_model::<MemberRow>().all(self.reader()).await?;
        Ok(Page::cut(rows, page.limit, |row| Position { created_at: row.created_at, id: row.user_id.0 }))
    }

    /// The member of that id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn member_find(&self, user_id: UserId) -> Result<Option<MemberRow>, Error> {
        self.member(self.reader(), user_id).await
    }

    /// Whether a member has that email address, in lower case.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn member_has_email(&self, email: &str) -> Result<bool, Error> {
        self.has_email(self.reader(), email).await
    }

    pub(in crate::store) async fn has_email(
        &self,
        on: &impl ConnectionTrait,
        email: &str,
    ) -> Result<bool, Error> {
        let found = self
            .members()
            .filter(crate::store::pagination::equals((users::Entity, users::Column::Email), email));
        Ok(found.into_model::<MemberRow>().one(on).await?.is_some())
    }

    /// Changes the role of a member, which applies from the next request on. `None` if there is no such member. A role
    /// without the permission to invite revokes the member's invitations and links.
    ///
    /// # Errors
    /// [`Error::Conflict`]: the member is the only owner.
    pub async fn member_role_set(
        &self,
        user_id: UserId,
        role: &str,
    ) -> Result<Option<(MemberRow, OutstandingLinks)>, Error> {
        let change = self.change().await?;
        let Some(before) = self.member(change.on(), user_id).await? else { return Ok(None) };
        if before.role == role {
            return Ok(Some((before, OutstandingLinks::default())));
        }
        if before.role == OWNER {
            self.keep_an_owner(&change, user_id).await?;
        }
        let loses = MANAGES_MEMBERS.contains(&before.role.as_str()) && !MANAGES_MEMBERS.contains(&role);
        let given =
            if loses { self.void_given(&change, user_id).await? } else { OutstandingLinks::default() };
        memberships::Entity::update_many()
            .col_expr(memberships::Column::Role, Expr::value(role))
            .col_expr(memberships::Column::UpdatedAt, Expr::value(self.clock().now()))
            .filter(memberships::Column::OrganizationId.eq(self.organization_id))
            .filter(memberships::Column::UserId.eq(user_id))
            .exec(change.on())
            .await?;
        let after = MemberRow { role: role.to_owned(), ..before.clone() };
        change.audit(entry("member.role", Some(&before), Some(&after), &after)?).await?;
        change.commit().await?;
        Ok(Some((after, given)))
    }

    /// Removes a member. `None` if there is no such member. It ends the member's sessions for this organization, revokes the
    /// invitations and links that the member created, and the links that were created for the member.
    ///
    /// # Errors
    /// [`Error::Conflict`]: the member is the only owner.
    pub async fn member_remove(
        &self,
        user_id: UserId,
    ) -> Result<Option<(MemberRow, OutstandingLinks)>, Error> {
        let change = self.change().await?;
        let Some(before) = self.member(change.on(), user_id).await? else { return Ok(None) };
        if before.role == OWNER {
            self.keep_an_owner(&change, user_id).await?;
        }
        let given = self.void_given(&change, user_id).await?;
        self.void_links_for(&change, user_id).await?;
        // The database deletes the sessions by cascade.
        memberships::Entity::delete_many()
            .filter(memberships::Column::OrganizationId.eq(self.organization_id))
            .filter(memberships::Column::UserId.eq(user_id))
            .exec(change.on())
            .await?;
        change.audit(entry("member.remove", Some(&before), None, &before)?).await?;
        change.commit().await?;
        Ok(Some((before, given)))
    }

    /// Changes of one organization are serialized, so two owners cannot leave at the same time.
    async fn keep_an_owner(&self, change: &Change, but: UserId) -> Result<(), Error> {
        let others = memberships::Entity::find()
            .filter(memberships::Column::OrganizationId.eq(self.organization_id))
            .filter(memberships::Column::Role.eq(OWNER))
            .filter(memberships::Column::UserId.ne(but));
        if others.count(change.on()).await? > 0 {
            return Ok(());
        }
        let message =
            "this is the only owner, and an organization needs one: make somebody else an owner first";
        Err(Error::Conflict { message: message.to_owned() })
    }

    pub(in crate::store) async fn member(
        &self,
        on: &impl ConnectionTrait,
        user_id: UserId,
    ) -> Result<Option<MemberRow>, Error> {
        let found = self.members().filter(memberships::Column::UserId.eq(user_id));
        Ok(found.into_model::<MemberRow>().one(on).await?)
    }

    fn members(&self) -> Select<memberships::Entity> {
        memberships::Entity::find()
            .select_only()
            .columns([memberships::Column::UserId, memberships::Column::Role, memberships::Column::CreatedAt])
            .columns([users::Column::Email, users::Column::Name])
            .join(
                JoinType::InnerJoin,
                memberships::Entity::belongs_to(users::Entity)
                    .from(memberships::Column::UserId)
                    .to(users::Column::Id)
                    .into(),
            )
            .filter(memberships::Column::OrganizationId.eq(self.organization_id))
    }
}

/// Adds a member in the caller's transaction.
///
/// # Errors
/// [`Error::Conflict`]: the user is a member already.
pub(in crate::store) async fn insert(
    transaction: &Transaction,
    organization_id: OrganizationId,
    user_id: UserId,
    role: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    memberships::Entity::insert(memberships::ActiveModel {
        organization_id: Set(organization_id),
        user_id: Set(user_id),
        role: Set(role.to_owned()),
        created_at: Set(now),
        updated_at: Set(now),
    })
    .exec_without_returning(transaction)
    .await
    .map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::Conflict { message: "this person belongs to the organization already".to_owned() }
        }
        Some(_) | None => error.into(),
    })?;
    Ok(())
}

/// A membership in the audit log.
pub(in crate::store) fn entry(
    action: &'static str,
    before: Option<&MemberRow>,
    after: Option<&MemberRow>,
    named: &MemberRow,
) -> Result<AuditEntry, Error> {
    AuditEntry::new(action, "member", named.user_id.0, &named.email, before, after)
}
