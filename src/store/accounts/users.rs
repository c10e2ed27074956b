//! User accounts, identified by email address and password. A user can belong to several organizations, so all of this
//! is accessed through [`System`].
//!
//! Email addresses are not verified, so several accounts can have the same one. An account must not block the address of
//! another person.

use entity::ids::{OrganizationId, SessionId, UserId};
use entity::{memberships, one_time_links, organizations, sessions, users};
use sea_orm::prelude::Json;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, SqlErr,
};
use serde_json::json;

use crate::domain::actor::Actor;
use crate::domain::error::Error;
use crate::store::database::connections::Transaction;
use crate::store::maintenance::system::System;
use crate::store::pagination::equals;
use crate::store::tenant::audit::AuditEntry;
use crate::store::{Store, transaction};

/// A failed sign-in is logged for at most this many accounts of its email address.
const NOTED_ACCOUNTS: u64 = 8;

/// An account of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The id of the user.
    pub id: UserId,
    /// The email address, in lower case.
    pub email: String,
    /// The display name of the user.
    pub name: Option<String>,
    /// The argon2id hash; `None` if the user cannot sign in with a password.
    pub password_hash: Option<String>,
    /// Whether the account is disabled.
    pub disabled: bool,
}

/// An organization that a user belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnOrganization {
    /// The id of the organization.
    pub id: OrganizationId,
    /// The name of the resource.
    pub name: String,
    /// The role of the user: `owner`, `admin` or `member`.
    pub role: String,
}

/// A new user account.
pub(in crate::store) struct NewUser {
    pub(in crate::store) id: UserId,
    pub(in crate::store) email: String,
    pub(in crate::store) name: Option<String>,
    pub(in crate::store) password_hash: Option<String>,
}

impl System<'_> {
    /// The oldest account with that email address, ignoring case. There may be more.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>, Error> {
        Ok(self.users_by_email(email, 1).await?.pop())
    }

    /// The oldest accounts with that email address, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn users_by_email(&self, email: &str, limit: u64) -> Result<Vec<UserRow>, Error> {
        let found = users::Entity::find()
            .filter(equals(users::Column::Email, &email.to_lowercase()))
            .order_by_asc(users::Column::CreatedAt)
            .order_by_asc(users::Column::Id)
            .limit(limit);
        Ok(found.all(&self.store().inner.reader).await?.into_iter().map(UserRow::from).collect())
    }

    /// The account with that email address and one of these password hashes.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn user_by_password(&self, email: &str, hashes: &[String]) -> Result<Option<UserRow>, Error> {
        let found = users::Entity::find()
            .filter(equals(users::Column::Email, &email.to_lowercase()))
            .filter(users::Column::PasswordHash.is_in(hashes))
            .order_by_asc(users::Column::CreatedAt)
            .order_by_asc(users::Column::Id);
        Ok(found.one(&self.store().inner.reader).await?.map(UserRow::from))
    }

    /// Logs a failed sign-in in the audit logs of the organizations of the oldest accounts with that email address.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn log_in_failed(&self, email: &str, actor: &Actor, address: &str) -> Result<(), Error> {
        let accounts = self.users_by_email(email, NOTED_ACCOUNTS).await?;
        if accounts.is_empty() {
            return Ok(());
        }
        let transaction = self.store().begin().await?;
        for account in accounts {
            let state = json!({ "address": address });
            audit(self.store(), &transaction, account.id, actor, ("user.login_failed", None, state)).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The user of that id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn user_find(&self, id: UserId) -> Result<Option<UserRow>, Error> {
        Ok(users::Entity::find_by_id(id).one(&self.store().inner.reader).await?.map(UserRow::from))
    }

    /// The organizations of a user, by name; at most 200.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn user_organizations(&self, id: UserId) -> Result<Vec<OwnOrganization>, Error> {
        let reader = &self.store().inner.reader;
        let rows: Vec<(OrganizationId, String, String)> = memberships::Entity::find()
            .select_only()
            .column(memberships::Column::OrganizationId)
            .column(organizations::Column::Name)
            .column(memberships::Column::Role)
            .join(
                sea_orm::JoinType::InnerJoin,
                memberships::Entity::belongs_to(organizations::Entity)
                    .from(memberships::Column::OrganizationId)
                    .to(organizations::Column::Id)
                    .into(),
            )
            .filter(memberships::Column::UserId.eq(id))
            .order_by_asc(organizations::Column::Name)
            .order_by_asc(organizations::Column::Id)
            .limit(200)
            .into_tuple()
            .all(reader)
            .await?;
        Ok(rows.into_iter().map(|(id, name, role)| OwnOrganization { id, name, role }).collect())
    }

    /// Sets a new password. It ends every session except `keep` and invalidates every link of the user.
    ///
    /// # Errors
    /// [`Error::Conflict`]: another account has the same email address and password.
    pub async fn user_password_set(
        &self,
        id: UserId,
        password_hash: String,
        keep: Option<SessionId>,
        actor: &Actor,
    ) -> Result<(), Error> {
        let transaction = self.store().begin().await?;
        replace_password(self.store(), &transaction, id, password_hash, keep, actor).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Sets the display name; `None` to show the email address. Returns false if it is unchanged.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn user_rename(&self, id: UserId, name: Option<String>, actor: &Actor) -> Result<bool, Error> {
        let transaction = self.store().begin().await?;
        let Some(user) = users::Entity::find_by_id(id).one(&transaction).await? else { return Ok(false) };
        if user.name == name {
            return Ok(false);
        }
        users::Entity::update_many()
            .col_expr(users::Column::Name, Expr::value(name.clone()))
            .col_expr(users::Column::UpdatedAt, Expr::value(self.store().inner.clock.now()))
            .filter(users::Column::Id.eq(id))
            .exec(&transaction)
            .await?;
        let (before, after) = (json!({ "called": user.name }), json!({ "called": name }));
        audit(self.store(), &transaction, id, actor, ("user.name", Some(before), after)).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Sets a new password in the caller's transaction, ends sessions and links, and writes an entry to the audit log of
/// each organization of the user.
pub(in crate::store) async fn replace_password(
    store: &Store,
    transaction: &Transaction,
    id: UserId,
    password_hash: String,
    keep: Option<SessionId>,
    actor: &Actor,
) -> Result<(), Error> {
    let now = store.inner.clock.now();
    users::Entity::update_many()
        .col_expr(users::Column::PasswordHash, Expr::value(password_hash))
        .col_expr(users::Column::UpdatedAt, Expr::value(now))
        .filter(users::Column::Id.eq(id))
        .exec(transaction)
        .await
        .map_err(|error| {
            taken(error, "take another password: this one is in use with this address already")
        })?;
    let mut ended = sessions::Entity::update_many()
        .col_expr(sessions::Column::RevokedAt, Expr::value(now))
        .filter(sessions::Column::UserId.eq(id))
        .filter(sessions::Column::RevokedAt.is_null());
    if let Some(keep) = keep {
        ended = ended.filter(sessions::Column::Id.ne(keep));
    }
    ended.exec(transaction).await?;
    void_links(store, transaction, id).await?;
    audit(store, transaction, id, actor, ("user.password", None, json!({ "password": "changed" }))).await
}

/// Writes an entry about a user to the audit log of each organization of the user.
pub(in crate::store) async fn audit(
    store: &Store,
    transaction: &Transaction,
    id: UserId,
    actor: &Actor,
    (action, before, after): (&'static str, Option<Json>, Json),
) -> Result<(), Error> {
    let Some(user) = users::Entity::find_by_id(id).one(transaction).await? else { return Ok(()) };
    let belongs = memberships::Entity::find().filter(memberships::Column::UserId.eq(id));
    for membership in belongs.all(transaction).await? {
        let entry = AuditEntry::new(action, "user", id.0, &user.email, before.as_ref(), Some(&after))?;
        transaction::audit(transaction, &store.inner.clock, membership.organization_id, actor, entry).await?;
    }
    Ok(())
}

/// Invalidates every link of the user.
pub(in crate::store) async fn void_links(
    store: &Store,
    transaction: &Transaction,
    id: UserId,
) -> Result<(), Error> {
    one_time_links::Entity::update_many()
        .col_expr(one_time_links::Column::UsedAt, Expr::value(store.inner.clock.now()))
        .filter(one_time_links::Column::UserId.eq(id))
        .filter(one_time_links::Column::UsedAt.is_null())
        .exec(transaction)
        .await?;
    Ok(())
}

/// Creates a user account.
///
/// # Errors
/// [`Error::Conflict`]: another account has the same email address and password.
pub(in crate::store) async fn insert(
    store: &Store,
    transaction: &Transaction,
    new: NewUser,
) -> Result<(), Error> {
    let now = store.inner.clock.now();
    users::Entity::insert(users::ActiveModel {
        id: Set(new.id),
        email: Set(new.email),
        name: Set(new.name),
        password_hash: Set(new.password_hash),
        created_at: Set(now),
        updated_at: Set(now),
        disabled_at: Set(None),
    })
    .exec_without_returning(transaction)
    .await
    .map_err(|error| {
        taken(error, "there is an account with this address and password already: log in with it")
    })?;
    Ok(())
}

fn taken(error: DbErr, message: &str) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::Conflict { message: message.to_owned() },
        Some(_) | None => error.into(),
    }
}

impl From<users::Model> for UserRow {
    fn from(row: users::Model) -> Self {
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            password_hash: row.password_hash,
            disabled: row.disabled_at.is_some(),
        }
    }
}
