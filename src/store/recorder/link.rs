//! The recorder's own way to the database, which can be laid anew.
//!
//! A connection over which nothing comes back any more may look alive for minutes. Whoever gives up on one lays the
//! whole way anew, so that a database that has returned is found at once. SQLite has its one writing connection and
//! needs nothing else. Imports the store's way of connecting.

use std::sync::Arc;

use arc_swap::ArcSwap;
use sea_orm::{Database, DatabaseConnection, DatabaseTransaction, DbErr};

use crate::config::recording::Durability;
use crate::store::{Store, connect};

/// Connections: one for the writer, one for what waits in the spool, one for the sign of life.
const CONNECTIONS: u32 = 3;

/// The way. Cheap to clone.
#[derive(Clone)]
pub(super) struct Link {
    store: Store,
    current: Option<Arc<ArcSwap<DatabaseConnection>>>,
    durability: Durability,
}

impl Link {
    pub(super) async fn new(store: &Store, durability: Durability) -> Result<Self, DbErr> {
        let current = if store.is_sqlite() {
            None
        } else {
            let options = connect::recorder_options(&store.inner.section, CONNECTIONS, durability);
            Some(Arc::new(ArcSwap::from_pointee(Database::connect(options).await?)))
        };
        Ok(Self { store: store.clone(), current, durability })
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// A transaction that writes.
    pub(super) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        match &self.current {
            Some(current) => self.store.begin_on(&current.load_full()).await,
            None => self.store.begin().await,
        }
    }

    /// Leaves the connections behind; the next transaction makes new ones.
    pub(super) async fn renew(&self) {
        let Some(current) = &self.current else { return };
        let mut options = connect::recorder_options(&self.store.inner.section, CONNECTIONS, self.durability);
        options.connect_lazy(true);
        match Database::connect(options).await {
            Ok(connection) => current.store(Arc::new(connection)),
            Err(error) => tracing::error!(%error, "no new connections for the recorder"),
        }
    }
}
