//! The recorder's own way to the database, which can be laid anew.
//!
//! A connection over which nothing comes back any more may look alive for minutes. Whoever gives up on one lays the
//! whole way anew, so that a database that has returned is found at once. SQLite has its one writing connection and
//! needs nothing else.

use std::sync::Arc;

use arc_swap::ArcSwap;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr};

use crate::config::recording::Durability;
use crate::store::Store;
use crate::store::database::connect;

/// Said in each transaction: as a start-up parameter, poolers refuse it, and a session belongs to other clients, too.
const WAIT_FOR_THE_DISK: &str = "SET LOCAL synchronous_commit = on";

/// Connections: one for the writer, one for what waits in the spool, one for the sign of life.
const CONNECTIONS: u32 = 3;

/// The way. Cheap to clone.
#[derive(Clone)]
pub(super) struct RecorderPool {
    store: Store,
    current: Option<Arc<ArcSwap<DatabaseConnection>>>,
    durability: Durability,
}

impl RecorderPool {
    pub(super) async fn new(store: &Store, durability: Durability) -> Result<Self, DbErr> {
        let current = if store.is_sqlite() {
            None
        } else {
            Some(Arc::new(ArcSwap::from_pointee(Database::connect(options(store)?).await?)))
        };
        Ok(Self { store: store.clone(), current, durability })
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// A transaction that writes.
    pub(super) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        match &self.current {
            Some(current) => {
                let transaction = self.store.begin_on(&current.load_full()).await?;
                // Else as the server is set, which is `on` where the operator did not change it.
                if self.durability == Durability::Full {
                    transaction.execute_unprepared(WAIT_FOR_THE_DISK).await?;
                }
                Ok(transaction)
            }
            None => self.store.begin().await,
        }
    }

    /// Leaves the connections behind; the next transaction makes new ones.
    pub(super) async fn renew(&self) {
        let Some(current) = &self.current else { return };
        let connected = async {
            let mut options = options(&self.store)?;
            options.connect_lazy(true);
            Database::connect(options).await
        };
        match connected.await {
            Ok(connection) => current.store(Arc::new(connection)),
            Err(error) => tracing::error!(%error, "no new connections for the recorder"),
        }
    }
}

fn options(store: &Store) -> Result<sea_orm::ConnectOptions, DbErr> {
    let options = connect::recorder_options(&store.inner.section, CONNECTIONS);
    options.map_err(|error| DbErr::Conn(RuntimeErr::Internal(error.to_string())))
}
