//! The recorder's connections to the database, which can be replaced.
//!
//! A broken connection can look alive for minutes. After a timeout, the recorder replaces all of its connections, so
//! that it reaches the database as soon as it is back. On SQLite, the recorder uses the writing connection of the store.

use std::sync::Arc;

use arc_swap::ArcSwap;
use sea_orm::sqlx::postgres::PgPool;
use sea_orm::sqlx::sqlite::SqlitePool;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr};

use crate::config::recording::Durability;
use crate::store::Store;
use crate::store::database::{connect, statements};

/// Run in each transaction. Poolers reject it as a start-up parameter, and sessions are shared with other clients.
const WAIT_FOR_THE_DISK: &str = "SET LOCAL synchronous_commit = on";

/// The number of connections: for the writer, the spool and the heartbeat.
const CONNECTIONS: u32 = 3;

/// The connections of the recorder. Cheap to clone.
#[derive(Clone)]
pub(super) struct RecorderPool {
    store: Store,
    current: Option<Arc<ArcSwap<DatabaseConnection>>>,
    durability: Durability,
}

/// The connections of a driver.
pub(super) enum Driver {
    Sqlite(SqlitePool),
    /// With the statement that every transaction starts with, if any.
    Postgres(PgPool, Option<&'static str>),
}

impl RecorderPool {
    pub(super) async fn new(store: &Store, durability: Durability) -> Result<Self, DbErr> {
        let current = if store.is_sqlite() {
            None
        } else {
            let connection = Database::connect(options(store)?).await?;
            Some(Arc::new(ArcSwap::from_pointee(statements::watch(connection))))
        };
        Ok(Self { store: store.clone(), current, durability })
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// The connections of the driver, for statements that are built by hand.
    pub(super) fn driver(&self) -> Driver {
        let before = (self.durability == Durability::Full).then_some(WAIT_FOR_THE_DISK);
        match &self.current {
            Some(current) => Driver::Postgres(current.load().get_postgres_connection_pool().clone(), before),
            None => Driver::Sqlite(self.store.inner.writer.get_sqlite_connection_pool().clone()),
        }
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        match &self.current {
            Some(current) => {
                let transaction = self.store.begin_on(&current.load_full()).await?;
                // Otherwise the setting of the server applies, which is `on` by default.
                if self.durability == Durability::Full {
                    transaction.execute_unprepared(WAIT_FOR_THE_DISK).await?;
                }
                Ok(transaction)
            }
            None => self.store.begin().await,
        }
    }

    /// Replaces the connections. The next transaction opens new ones.
    pub(super) async fn renew(&self) {
        let Some(current) = &self.current else { return };
        let connected = async {
            let mut options = options(&self.store)?;
            options.connect_lazy(true);
            Database::connect(options).await
        };
        match connected.await {
            Ok(connection) => current.store(Arc::new(statements::watch(connection))),
            Err(error) => tracing::error!(%error, "the recorder cannot open new connections"),
        }
    }
}

fn options(store: &Store) -> Result<sea_orm::ConnectOptions, DbErr> {
    let options = connect::recorder_options(&store.inner.section, CONNECTIONS);
    options.map_err(|error| DbErr::Conn(RuntimeErr::Internal(error.to_string())))
}
