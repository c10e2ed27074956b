//! The only door to the database.
//!
//! [`Store`] keeps the connection to itself. What belongs to an organization is reached through [`OrgStore`],
//! which is opened with a [`Tenant`], the proof that a caller was authenticated; what belongs to no caller goes
//! through [`system::System`], whose callers are a listed few. Imports `entity`, `migration`, `providers` (facts
//! about models) and [`Tenant`]; neither the HTTP server nor the HTTP client.

pub mod amount;
mod api_key;
mod audit;
mod budget;
mod change;
mod claim;
mod connect;
mod error_mapping;
mod event;
mod fallback;
mod files;
mod given;
mod grant;
mod invitation;
mod membership;
mod model;
mod one_time_link;
pub mod page;
mod pooler;
mod presence;
mod provider;
pub mod queries;
pub mod recorder;
mod request;
mod retention;
mod rollup;
mod rows;
pub mod schema;
mod session;
mod settings;
mod sheet;
pub mod snapshot;
mod sweep;
pub mod system;
#[cfg(test)]
mod tests;
mod usage;
mod user;
pub mod vault;

use std::sync::Arc;

use entity::ids::OrganizationId;
use sea_orm::{
    ConnAcquireErr, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait as _, sqlx,
};

pub use api_key::{ApiKeyChange, ApiKeyRow, NewApiKey};
pub use audit::{Actor, AuditFilter, AuditRow};
pub use budget::{BudgetChange, BudgetRow, NewBudget, Period, Spent};
pub use claim::{Claim, ClaimError};
pub use connect::ConnectError;
pub use error_mapping::{ErrorMappingRow, MOST_MAPPINGS, NewErrorMapping};
pub use event::{EventFilter, EventRow};
pub use fallback::{
    FallbackFilter, FallbackOutcome, FallbackRevision, FallbackRow, FallbackType, NOTHING_IN_FORCE,
    NewFallback,
};
pub use given::Given;
pub use grant::{BoundKey, KeyGrant, KeyGrantCheck};
pub use invitation::{InvitationRow, Joining, NewInvitation};
pub use membership::{MANAGES_MEMBERS, MemberRow};
pub use model::{FilledModel, ModelChange, ModelFields, ModelFilter, ModelRow, PriceFields};
pub use one_time_link::{LinkKind, LinkOutcome, LinkRow};
pub use provider::{NewProvider, ProviderChange, ProviderHealth, ProviderRow};
pub use request::{RequestFilter, RequestRow};
pub use rollup::scale::Scale;
pub use rollup::{BUCKET, EventRollupFilter, RecentUse, RequestCounts, RequestTimes, RollupSpan};
pub use session::{ABSOLUTE, IDLE, LiveSession, NewSession, SessionRow};
pub use settings::{OrganizationSettings, TypedFallbacks};
pub use sweep::KEPT;
pub use usage::{UsageBy, UsageFilter, UsagePlace, UsageRow, known_cost};
pub use user::{OwnOrganization, UserRow};

use crate::auth::tenant::Tenant;
use crate::clock::Clock;
use crate::config::Settings;
use crate::config::database::Database as Section;
use crate::error::Error;
use crate::shares::Place;
use presence::Presence;
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
        let (writer, reader) = connect::connect(&settings.database, settings.recording.durability).await?;
        let watcher = connect::watcher(&settings.database).await?;
        connect::migrate(&writer).await?;
        let vault = vault::open(&writer, settings, &clock).await?;
        let reader = queries::watch(reader);
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
        OrgStore { grant_check: tenant.grant_check(), _place: tenant.place(), ..scoped }
    }

    fn scoped(&self, organization_id: OrganizationId, actor: Actor) -> OrgStore {
        OrgStore { store: self.clone(), organization_id, actor, grant_check: None, _place: None }
    }

    /// The snapshots from which requests are served.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.inner.directory
    }

    /// The work that belongs to no caller. `tests/tidy.rs` lists who may.
    #[must_use]
    pub fn system(&self) -> system::System<'_> {
        system::System::new(self)
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
    _place: Option<Arc<Place>>,
    /// For a key that acts: what it may give.
    grant_check: Option<KeyGrantCheck>,
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
    async fn change(&self) -> Result<change::Change, Error> {
        change::Change::begin(&self.store, self.organization_id, self.actor.clone()).await
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
