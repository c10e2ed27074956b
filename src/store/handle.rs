//! Handles to the database: [`Store`] for a process, [`OrgStore`] for one organization.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use entity::ids::OrganizationId;
use sea_orm::{ConnectionTrait as _, DbErr};

use crate::config::Settings;
use crate::config::database::Database as Section;
use crate::domain::actor::Actor;
use crate::domain::clock::Clock;
use crate::domain::tenant::{Guard, Tenant};
use crate::store::database::connect::{self, ConnectError};
use crate::store::database::connections::{Connections, Transaction};
use crate::store::database::health::DbHealth;
use crate::store::database::partitions;
use crate::store::database::query_counter;
use crate::store::database::replica::{self, Replica};
use crate::store::database::schema;
use crate::store::database::statements;
use crate::store::maintenance::schedule::Schedule;
use crate::store::recorder::fleet::Fleet;
use crate::store::snapshot::SnapshotStore;
use crate::store::vault::{self, Vault};

/// The database, the decrypted secrets and the snapshots. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(in crate::store) inner: Arc<Inner>,
}

pub(in crate::store) struct Inner {
    /// The only writing connection to SQLite, or a small pool of connections to PostgreSQL.
    pub(in crate::store) writer: Connections,
    /// The connections for reading.
    pub(in crate::store) reader: Connections,
    /// The connection for health checks and for detecting changes of other processes.
    pub(in crate::store) watcher: Connections,
    /// The replica from which records are read.
    pub(in crate::store) replica: Option<Replica>,
    pub(in crate::store) vault: Vault,
    pub(in crate::store) snapshots: SnapshotStore,
    pub(in crate::store) clock: Clock,
    /// The settings of the database.
    pub(in crate::store) section: Section,
    pub(in crate::store) health: DbHealth,
    /// When the records of organizations are checked for those beyond their retention.
    pub(in crate::store) retention: Schedule,
    /// Whether records are archived before they are deleted.
    pub(in crate::store) archives: bool,
    /// When all deltas of the roll-ups were last looked for, in Unix milliseconds.
    pub(in crate::store) folded_all_at: AtomicI64,
    /// How often the roll-ups were folded for a read.
    pub(in crate::store) folds: AtomicU64,
    /// The processes that live on the database.
    pub(in crate::store) fleet: Arc<Fleet>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Store({:?})", self.inner.writer.get_database_backend())
    }
}

impl Store {
    /// Opens the database, applies pending migrations, decrypts the secrets and loads the snapshots of all
    /// organizations.
    ///
    /// # Errors
    /// The database cannot be reached or migrated, or the master key is missing or wrong.
    pub async fn open(settings: &Settings, clock: Clock) -> Result<Self, ConnectError> {
        let store = Self::open_unloaded(settings, clock).await?;
        store.inner.snapshots.load_all(&store).await.map_err(ConnectError::Load)?;
        Ok(store)
    }

    /// Like [`Store::open`], but without snapshots, for commands that need none.
    ///
    /// # Errors
    /// The same as for [`Store::open`].
    pub async fn open_unloaded(settings: &Settings, clock: Clock) -> Result<Self, ConnectError> {
        let (writer, reader) = connect::connect(&settings.database, settings.recording.durability).await?;
        let watcher = connect::watcher(&settings.database).await?;
        let replica = replica::open(&settings.database).await?;
        schema::apply(&writer).await?;
        partitions::make_at_start(&writer, clock.now()).await;
        let vault = vault::open(&writer, settings, &clock).await?;
        let (writer, reader) = (statements::watch(writer), query_counter::watch(reader));
        let section = settings.database.clone();
        let inner = Inner {
            writer,
            reader,
            watcher,
            replica,
            vault,
            snapshots: SnapshotStore::default(),
            clock,
            section,
            health: DbHealth::default(),
            retention: Schedule::default(),
            archives: settings.archive.url.is_some(),
            folded_all_at: AtomicI64::new(0),
            folds: AtomicU64::new(0),
            fleet: Arc::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Opens the data of a caller's organization.
    #[must_use]
    pub fn organization(&self, tenant: &Tenant) -> OrgStore {
        let scoped = self.scoped(tenant.organization_id(), tenant.actor().clone());
        OrgStore { _guard: tenant.guard(), ..scoped }
    }

    pub(in crate::store) fn scoped(&self, organization_id: OrganizationId, actor: Actor) -> OrgStore {
        OrgStore { store: self.clone(), organization_id, actor, _guard: None }
    }

    /// The snapshots from which requests are served.
    #[must_use]
    pub fn snapshots(&self) -> &SnapshotStore {
        &self.inner.snapshots
    }

    /// The secrets of this installation.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    /// Begins a transaction that writes.
    pub(in crate::store) async fn begin(&self) -> Result<Transaction, DbErr> {
        self.inner.writer.begin().await
    }

    /// The processes that live on the database.
    #[must_use]
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.inner.fleet
    }

    /// Whether the database is the embedded one, which one process uses.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.inner.section.is_sqlite()
    }

    /// Whether the last health checks found that the database cannot be reached.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.inner.health.is_away()
    }

    /// Closes the connections after the queued statements.
    pub async fn close(&self) {
        for connections in [&self.inner.writer, &self.inner.reader, &self.inner.watcher] {
            connections.close().await;
        }
        if let Some(replica) = &self.inner.replica {
            replica.close().await;
        }
    }
}

/// The data of one organization. Every query filters by the organization, and every insert sets it.
#[derive(Debug, Clone)]
pub struct OrgStore {
    pub(in crate::store) store: Store,
    pub(in crate::store) organization_id: OrganizationId,
    pub(in crate::store) actor: Actor,
    /// The caller's slot among the concurrent calls of the organization. It is held until the data is read, also for an
    /// export.
    _guard: Option<Arc<dyn Guard>>,
}

impl OrgStore {
    /// The id of the organization.
    #[must_use]
    pub fn organization_id(&self) -> OrganizationId {
        self.organization_id
    }

    pub(in crate::store) fn reader(&self) -> &Connections {
        &self.store.inner.reader
    }

    pub(in crate::store) fn clock(&self) -> &Clock {
        &self.store.inner.clock
    }
}
