//! The recorder's connections to the database, which can be replaced.
//!
//! A broken connection can look alive for minutes. After a timeout, the recorder replaces all of its connections, so
//! that it reaches the database as soon as it is back. On SQLite, the recorder uses the writing connection of the store.

use std::sync::Arc;

use arc_swap::ArcSwap;
use sea_orm::sqlx::postgres::PgPool;
use sea_orm::sqlx::sqlite::SqlitePool;
use sea_orm::{ConnectionTrait as _, Database, DbErr, RuntimeErr};

use crate::config::recording::Durability;
use crate::store::Store;
use crate::store::database::connections::{Connections, Transaction};
use crate::store::database::{connect, statements};

/// Run in each transaction. Poolers reject it as a start-up parameter, and sessions are shared with other clients.
const WAIT_FOR_THE_DISK: &str = "SET LOCAL synchronous_commit = on";

/// The connections of the recorder. Cheap to clone.
#[derive(Clone)]
pub(super) struct RecorderPool {
    store: Store,
    current: Option<Arc<ArcSwap<Connections>>>,
    durability: Durability,
}

/// The connections of a driver.
pub(super) enum Driver {
    Sqlite(SqlitePool),
    Postgres {
        pool: PgPool,
        /// The statement that every transaction starts with, if any.
        before: Option<&'static str>,
        /// Whether statements are prepared.
        prepared: bool,
    },
}

impl RecorderPool {
    pub(super) async fn new(store: &Store, durability: Durability) -> Result<Self, DbErr> {
        let current = if store.is_sqlite() {
            None
        } else {
            let connections = connect(store, false).await?;
            Some(Arc::new(ArcSwap::from_pointee(connections)))
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
            Some(current) => {
                let current = current.load();
                let prepared = current.is_prepared();
                Driver::Postgres { pool: current.postgres().clone(), before, prepared }
            }
            None => Driver::Sqlite(self.store.inner.writer.sqlite().clone()),
        }
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<Transaction, DbErr> {
        match &self.current {
            Some(current) => {
                let transaction = current.load_full().begin().await?;
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
        match connect(&self.store, true).await {
            Ok(connections) => current.store(Arc::new(connections)),
            Err(error) => tracing::error!(%error, "the recorder cannot open new connections"),
        }
    }
}

/// Opens connections. `lazily`: each of them when it is needed.
async fn connect(store: &Store, lazily: bool) -> Result<Connections, DbErr> {
    let section = &store.inner.section;
    let options = connect::recorder_options(section);
    let mut options = options.map_err(|error| DbErr::Conn(RuntimeErr::Internal(error.to_string())))?;
    options.connect_lazy(lazily);
    let connections = Connections::new(Database::connect(options).await?, section.prepares());
    Ok(statements::watch(connections))
}
