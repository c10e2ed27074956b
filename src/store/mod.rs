//! The only door to the database.
//!
//! [`Store`] keeps the connection to itself. What belongs to an organization is reached through [`OrgStore`], which is
//! opened with a [`Tenant`], the proof that a caller was authenticated; what belongs to no caller goes through
//! [`System`](maintenance::system::System), whose callers are a listed few.

pub mod accounts;
pub(crate) mod bulk_insert;
pub mod database;
pub mod maintenance;
pub mod pagination;
pub mod recorder;
pub mod records;
pub(crate) mod rollups;
pub mod snapshot;
pub mod tenant;
#[cfg(test)]
mod tests;
pub(crate) mod transaction;
pub mod vault;

use crate::domain::actor::Actor;
use std::sync::Arc;

use entity::ids::OrganizationId;
use sea_orm::{
    ConnAcquireErr, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait as _, sqlx,
};

pub use accounts::invitations::{InvitationRow, Joining, NewInvitation};
pub use accounts::memberships::{MANAGES_MEMBERS, MemberRow};
pub use accounts::one_time_links::{LinkKind, LinkOutcome, LinkRow};
pub use accounts::outstanding_links::Given;
pub use accounts::sessions::{ABSOLUTE, IDLE, LiveSession, NewSession, SessionRow};
pub use accounts::users::{OwnOrganization, UserRow};
pub use database::connect::ConnectError;
pub use database::single_server::{Claim, ClaimError};
pub use maintenance::expiry::KEPT;
pub use records::fallback_event::FallbackEventRow;
pub use records::request::RequestRow;
pub use rollups::histogram::Scale;
pub use rollups::{BUCKET, EventRollupFilter, RecentUse, RequestCounts, RequestTimes, RollupSpan};
pub use tenant::api_keys::{ApiKeyChange, ApiKeyRow, NewApiKey};
pub use tenant::audit::{AuditFilter, AuditRow};
pub use tenant::budgets::{BudgetChange, BudgetRow, NewBudget, Spent};
pub use tenant::error_mappings::{ErrorMappingRow, MOST_MAPPINGS, NewErrorMapping};
pub use tenant::events::EventFilter;
pub use tenant::fallbacks::{
    FallbackFilter, FallbackOutcome, FallbackRevision, FallbackRow, NOTHING_IN_FORCE, NewFallback,
};
pub use tenant::key_grants::{BoundKey, KeyGrant};
pub use tenant::models::{FilledModel, ModelChange, ModelFields, ModelFilter, ModelRow, PriceFields};
pub use tenant::providers::{NewProvider, ProviderChange, ProviderHealth, ProviderRow};
pub use tenant::requests::RequestFilter;
pub use tenant::settings::{OrganizationSettings, TypedFallbacks};
pub use tenant::usage::{UsageBy, UsageFilter, UsagePlace, UsageRow, known_cost};

use crate::config::Settings;
use crate::config::database::Database as Section;
use crate::domain::clock::Clock;
use crate::domain::error::Error;
use crate::domain::tenant::{Guard, Tenant};
use database::health::Presence;
use snapshot::Directory;
use vault::Vault;

/// The database, the sealed secrets and the snapshots made of them. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// The one writing connection of SQLite, or a small pool of PostgreSQL.
    writer: DatabaseConnection,
    /// The connections for reading.
    reader: DatabaseConnection,
    /// The one connection that looks whether the database answers and what others changed.
    watcher: DatabaseConnection,
    vault: Vault,
    directory: Directory,
    clock: Clock,
    /// Where the database is.
    section: Section,
    presence: Presence,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Store({:?})", self.inner.writer.get_database_backend())
    }
}

impl Store {
    /// Opens the database, brings its schema up to date, opens the sealed secrets and loads every
    /// organization's snapshot.
    ///
    /// # Errors
    /// The database cannot be reached or migrated, or the master key is missing or not the one in use.
    pub async fn open(settings: &Settings, clock: Clock) -> Result<Self, ConnectError> {
        let store = Self::open_unloaded(settings, clock).await?;
        store.inner.directory.load_all(&store).await.map_err(ConnectError::Load)?;
        Ok(store)
    }

    /// As [`Store::open`], without the snapshots: for commands that need none.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_unloaded(settings: &Settings, clock: Clock) -> Result<Self, ConnectError> {
        let (writer, reader) =
            crate::store::database::connect::connect(&settings.database, settings.recording.durability)
                .await?;
        let watcher = crate::store::database::connect::watcher(&settings.database).await?;
        crate::store::database::connect::migrate(&writer).await?;
        let vault = vault::open(&writer, settings, &clock).await?;
        let reader = crate::store::database::query_counter::watch(reader);
        let section = settings.database.clone();
        let inner = Inner {
            writer,
            reader,
            watcher,
            vault,
            directory: Directory::default(),
            clock,
            section,
            presence: Presence::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Opens an organization's data for a caller who belongs to it.
    #[must_use]
    pub fn organization(&self, tenant: &Tenant) -> OrgStore {
        let scoped = self.scoped(tenant.organization_id(), tenant.actor().clone());
        OrgStore { _guard: tenant.guard(), ..scoped }
    }

    fn scoped(&self, organization_id: OrganizationId, actor: Actor) -> OrgStore {
        OrgStore { store: self.clone(), organization_id, actor, _guard: None }
    }

    /// The snapshots from which requests are served.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.inner.directory
    }

    /// The work that belongs to no caller. `tests/tidy.rs` lists who may.
    #[must_use]
    pub fn system(&self) -> crate::store::maintenance::system::System<'_> {
        crate::store::maintenance::system::System::new(self)
    }

    /// The secrets of this installation.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    /// A transaction that writes. SQLite takes its lock at once: one that begins by reading and then writes would fail
    /// where another process wrote in between.
    async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.begin_on(&self.inner.writer).await
    }

    async fn begin_on(&self, connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        connection.begin_with_options(options).await
    }

    fn is_sqlite(&self) -> bool {
        self.inner.section.is_sqlite()
    }

    /// Has the database been found not to answer?
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.inner.presence.is_away()
    }

    /// Closes the connections after everything that was queued.
    pub async fn close(&self) {
        for connection in [&self.inner.writer, &self.inner.reader, &self.inner.watcher] {
            if let Err(error) = connection.clone().close().await {
                tracing::warn!(%error, "a database connection did not close cleanly");
            }
        }
    }
}

/// One organization's data. Every query that it makes carries the organization; every insert is stamped with it.
#[derive(Debug, Clone)]
pub struct OrgStore {
    store: Store,
    organization_id: OrganizationId,
    actor: Actor,
    /// The caller's place among its organization's calls: kept as long as its data is read, to the end of an export.
    _guard: Option<Arc<dyn Guard>>,
}

impl OrgStore {
    /// The organization.
    #[must_use]
    pub fn organization_id(&self) -> OrganizationId {
        self.organization_id
    }

    fn reader(&self) -> &DatabaseConnection {
        &self.store.inner.reader
    }

    fn clock(&self) -> &Clock {
        &self.store.inner.clock
    }

    /// Starts a change of this organization's configuration.
    async fn change(&self) -> Result<transaction::Change, Error> {
        transaction::Change::begin(&self.store, self.organization_id, self.actor.clone()).await
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if is_crowded(&error) {
            return Self::Busy;
        }
        if is_unreachable(&error) { Self::DatabaseAway } else { Self::internal(error) }
    }
}

/// Was every connection in use for so long that the statement gave up? That is no word about the database.
fn is_crowded(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(error) => matches!(error, ConnAcquireErr::Timeout),
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => matches!(**error, sqlx::Error::PoolTimedOut),
        _ => false,
    }
}

/// Did the statement fail for want of a database, rather than for what it said?
fn is_unreachable(error: &DbErr) -> bool {
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            let code = error.as_database_error().and_then(|error| error.code());
            // PostgreSQL's codes: the connection broke, and the server is going down or coming up.
            matches!(**error, sqlx::Error::Io(_) | sqlx::Error::PoolClosed)
                || code.is_some_and(|code| {
                    code.len() == 5 && (code.starts_with("08") || code.starts_with("57P"))
                })
        }
        _ => false,
    }
}
