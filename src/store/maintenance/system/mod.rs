//! Work without a caller: the only access to the database that is not limited to one organization.
//!
//! The command line, the demo, the start of the server and background jobs use it; `tests/tidy` lists them. Handlers of
//! requests do not.

mod inspection;

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::DateTime;
use entity::ids::{OrganizationId, UserId};
use entity::{api_keys, fallback_events, organizations, requests};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _,
};
use serde_json::json;
use uuid::Uuid;

use crate::domain::actor::Actor;
use crate::domain::error::Error;
use crate::domain::period::Period;
use crate::store::accounts::users::NewUser;
use crate::store::accounts::{memberships, users};
use crate::store::records::fallback_event::FallbackEventRow;
use crate::store::records::request::RequestRow;
use crate::store::rollups::delta::Delta;
use crate::store::rollups::fold::Others;
use crate::store::tenant::audit::AuditEntry;
use crate::store::tenant::budgets;
use crate::store::{OrgStore, OrganizationSettings, SpentByDay, Store, bulk_insert, transaction};
pub use inspection::ProviderAddress;

/// The timeout of a check for revoked keys.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// The timeout of a health check. Pages report an outage after three timeouts, in less than four seconds.
const SILENCE: Duration = Duration::from_millis(700);

/// Access to the data of all organizations.
#[derive(Debug, Clone, Copy)]
pub struct System<'a> {
    store: &'a Store,
}

/// A new organization with its first owner.
#[derive(Debug, Clone, Default)]
pub struct NewOrganization {
    /// The name of the organization.
    pub name: String,
    /// The email address of the owner, in lower case.
    pub email: String,
    /// The password hash of the owner; `None` for the demo.
    pub password_hash: Option<String>,
    /// The actor for the audit log; `None` for the owner.
    pub actor: Option<Actor>,
    /// The id of the request in which the owner creates it.
    pub request_id: Option<Uuid>,
    /// The existing account of the owner; `None` to create one.
    pub owner: Option<UserId>,
}

/// The result of [`System::organization_create`].
#[derive(Debug, Clone, Copy)]
pub struct CreatedOrganization {
    /// The id of the organization.
    pub organization_id: OrganizationId,
    /// The id of its owner.
    pub user_id: UserId,
}

impl Store {
    /// Access to the data of all organizations. `tests/tidy` lists the callers.
    #[must_use]
    pub fn system(&self) -> System<'_> {
        System { store: self }
    }
}

impl<'a> System<'a> {
    pub(in crate::store) fn store(&self) -> &'a Store {
        self.store
    }

    /// Opens the data of an organization for the system. `label` is the actor in the audit log.
    #[must_use]
    pub fn organization(&self, id: OrganizationId, label: &str) -> OrgStore {
        self.store.scoped(id, Actor::system(label))
    }

    /// Creates an organization with its owner.
    ///
    /// # Errors
    /// [`Error::Conflict`]: an account with the same email address and password exists.
    pub async fn organization_create(&self, new: NewOrganization) -> Result<CreatedOrganization, Error> {
        let clock = &self.store.inner.clock;
        let now = clock.now();
        let organization_id = OrganizationId(clock.new_id());
        let user_id = new.owner.unwrap_or_else(|| UserId(clock.new_id()));
        let name = new.name;
        let settings = serde_json::to_value(OrganizationSettings::default()).map_err(Error::internal)?;
        let transaction = self.store.begin().await?;
        organizations::Entity::insert(organizations::ActiveModel {
            id: Set(organization_id),
            name: Set(name.clone()),
            settings: Set(settings),
            version: Set(1),
            change_seq: Set(None),
            catalog_version: Set(Some(1)),
            created_at: Set(now),
            updated_at: Set(now),
        })
        .exec_without_returning(&transaction)
        .await?;
        let email = new.email.to_lowercase();
        let actor = new.actor.unwrap_or_else(|| Actor::user(user_id.0, &email, new.request_id));
        let owner =
            NewUser { id: user_id, email: email.clone(), name: None, password_hash: new.password_hash };
        if new.owner.is_none() {
            users::insert(self.store, &transaction, owner).await?;
        }
        memberships::insert(&transaction, organization_id, user_id, memberships::OWNER, now).await?;
        let state = json!({ "name": name, "owner": email });
        let entry = AuditEntry::new(
            "organization.create",
            "organization",
            organization_id.0,
            &name,
            None,
            Some(&state),
        )?;
        transaction::audit(&transaction, clock, organization_id, &actor, entry).await?;
        transaction::tell_other_processes(&transaction, organization_id).await?;
        transaction.commit().await?;
        self.store.inner.snapshots.refresh(self.store, organization_id, 1).await?;
        Ok(CreatedOrganization { organization_id, user_id })
    }

    /// The number of organizations.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn organization_count(&self) -> Result<u64, Error> {
        Ok(organizations::Entity::find().count(&self.store.inner.reader).await?)
    }

    /// Checks whether the database answers and notes the result.
    pub async fn look(&self) {
        let health = &self.store.inner.health;
        let answer = self.store.inner.watcher.execute_unprepared("SELECT 1");
        match tokio::time::timeout(SILENCE, answer).await.map(|answer| answer.map_err(Error::from)) {
            Ok(Err(Error::DatabaseAway)) => health.refused(),
            Ok(_) => health.answered(),
            Err(_) => health.silent(),
        }
    }

    /// Reads the changes of other processes until there are no more. If it is canceled, the next call continues from
    /// there. A slow database is no outage.
    ///
    /// # Errors
    /// The database cannot be read, or is slow.
    pub async fn follow_changes(&self) -> Result<(), Error> {
        self.store.inner.snapshots.follow(self.store).await
    }

    /// Refuses keys that other processes have revoked, also while [`System::follow_changes`] is running.
    ///
    /// # Errors
    /// The database cannot be read, or is slow.
    pub async fn follow_revocations(&self) -> Result<(), Error> {
        let followed = self.store.inner.snapshots.follow_revocations(self.store);
        tokio::time::timeout(PATIENCE, followed).await.unwrap_or(Err(Error::Busy))
    }

    /// Reads an organization that another process may have created just now.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn organization_load(&self, id: OrganizationId) -> Result<(), Error> {
        self.store.inner.snapshots.refresh(self.store, id, 0).await
    }

    /// The spending of all organizations with budgets since the start of the period, by day and key.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn spent_since(&self, period: Period) -> Result<SpentByDay, Error> {
        let start = period.start(self.store.inner.clock.now());
        let folded = self.store.is_folded().await;
        Ok(SpentByDay { rows: budgets::spent(&self.store.inner.reader, None, start).await?, folded })
    }

    /// Adds what commits have counted to the roll-ups, except for what another process is adding.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn fold_rollups(&self) -> Result<(), Error> {
        self.store.fold(Others::Skip).await?;
        Ok(())
    }

    /// How often what commits have counted was added to the roll-ups for a read.
    #[must_use]
    pub fn folds(&self) -> u64 {
        self.store.inner.folds.load(Ordering::Relaxed)
    }

    /// Writes the last use of the keys that were used since `since`, in Unix seconds.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn api_key_touch(&self, since: i64) -> Result<(), Error> {
        for organization in self.store.inner.snapshots.organizations() {
            for key in organization.keys.values() {
                let last_used = key.last_used.load(Ordering::Relaxed);
                let Some(at) = DateTime::from_timestamp(last_used, 0).filter(|_| last_used >= since) else {
                    continue;
                };
                api_keys::Entity::update_many()
                    .col_expr(api_keys::Column::LastUsedAt, sea_orm::sea_query::Expr::value(at))
                    .filter(api_keys::Column::Id.eq(key.id))
                    .exec(&self.store.inner.writer)
                    .await?;
            }
        }
        Ok(())
    }

    /// Inserts and counts new requests and events, for the sample data of the demo.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn record(&self, events: &[FallbackEventRow], ended: &[RequestRow]) -> Result<(), Error> {
        let transaction = self.store.begin().await?;
        let rows: Vec<fallback_events::Model> = events.iter().map(Into::into).collect();
        bulk_insert::insert::<fallback_events::Entity>(&transaction, &rows, "").await?;
        let rows: Vec<requests::Model> = ended.iter().map(Into::into).collect();
        bulk_insert::insert::<requests::Entity>(&transaction, &rows, "").await?;
        let mut delta = Delta::default();
        events.iter().for_each(|event| delta.event(event));
        ended.iter().for_each(|request| delta.request(request, 1));
        delta.append(&transaction, &self.store.inner.clock).await?;
        transaction.commit().await?;
        Ok(())
    }
}
