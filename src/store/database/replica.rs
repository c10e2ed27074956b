//! A replica of the database, from which lists, exports and figures of records are read.
//!
//! Whatever must see what was written before, or decides anything, reads the database itself. A statement that the replica
//! does not answer goes to the database, and so do the later ones, until a check finds that the replica answers and is not
//! far behind. The check compares heartbeats, so that it works with any kind of replication, and a database that is no
//! replica of this one is never read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use entity::instances;
use sea_orm::prelude::async_trait;
use sea_orm::{
    ConnectionTrait, Database, DbBackend, DbErr, EntityTrait as _, ExecResult, QueryOrder as _, QueryResult,
    Statement,
};
use tokio::time::timeout;

use super::connect::{self, ConnectError};
use super::connections::Connections;
use super::query_counter;
use crate::config::database::{Database as Section, DatabaseUrl};
use crate::store::{OrgStore, Store};

/// The longest time for a statement on the replica, after which the database is asked.
const PATIENCE: Duration = Duration::from_secs(5);
/// The timeout of a check, in which a connection may have to be opened.
const SILENCE: Duration = Duration::from_secs(3);
/// How far behind a replica may be. Heartbeats are a second apart.
const MOST_LAG: TimeDelta = TimeDelta::seconds(5);

/// The connections to a replica, and whether it is used.
pub(in crate::store) struct Replica {
    connections: Connections,
    url: DatabaseUrl,
    is_used: AtomicBool,
}

/// Opens the replica of the settings, if there is one. Its connections are opened when they are needed, so that a server
/// starts without it.
///
/// # Errors
/// The URL is invalid.
pub(in crate::store) async fn open(section: &Section) -> Result<Option<Replica>, ConnectError> {
    let Some(url) = section.read_url.clone().filter(|_| !section.is_sqlite()) else { return Ok(None) };
    let options = connect::replica_options(section, &url)?;
    let opened = Database::connect(options).await;
    let opened = opened.map_err(|error| ConnectError::Unreachable(url.hide_in(&error.to_string())))?;
    let connections = query_counter::watch(Connections::new(opened, section.prepares()));
    Ok(Some(Replica { connections, url, is_used: AtomicBool::new(false) }))
}

impl Replica {
    pub(in crate::store) async fn close(&self) {
        self.connections.close().await;
    }

    fn use_it(&self) {
        if !self.is_used.swap(true, Ordering::AcqRel) {
            tracing::info!("records are read from the replica");
        }
    }

    fn leave(&self, reason: &str) {
        let reason = self.url.hide_in(reason);
        if !self.is_used.swap(false, Ordering::AcqRel) {
            tracing::debug!(%reason, "the replica is not read");
        } else {
            tracing::warn!(%reason, "records are read from the database instead of its replica");
        }
    }

    /// What the replica answers; nothing if it does not.
    async fn ask<T>(&self, asked: impl Future<Output = Result<T, DbErr>>) -> Option<T> {
        if !self.is_used.load(Ordering::Acquire) {
            return None;
        }
        match timeout(PATIENCE, asked).await {
            Ok(Ok(found)) => return Some(found),
            Ok(Err(error)) => self.leave(&error.to_string()),
            Err(_) => self.leave("it does not answer in time"),
        }
        None
    }

    /// Why the replica cannot be used, if so.
    async fn fault(&self, database: &Connections) -> Result<Option<String>, DbErr> {
        let newest = instances::Entity::find().order_by_desc(instances::Column::SeenAt).one(database).await?;
        let Some(newest) = newest else {
            return Ok(Some("no process of this database is running".to_owned()));
        };
        let copy = instances::Entity::find_by_id(newest.id).one(&self.connections).await?;
        let Some(copy) = copy else {
            return Ok(Some(
                "it has not received what the database wrote last, or follows another one".to_owned(),
            ));
        };
        let lag = newest.seen_at - copy.seen_at;
        Ok((lag > MOST_LAG).then(|| format!("it is {} s behind", lag.num_seconds())))
    }
}

impl Store {
    /// Whether a replica is set.
    #[must_use]
    pub fn has_replica(&self) -> bool {
        self.inner.replica.is_some()
    }

    /// Why the replica does not answer, if one is set and it does not.
    ///
    /// # Errors
    /// One line, without the password of its address.
    pub async fn reach_replica(&self) -> Result<(), String> {
        let Some(replica) = &self.inner.replica else { return Ok(()) };
        match timeout(PATIENCE, instances::Entity::find().one(&replica.connections)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(replica.url.hide_in(&error.to_string())),
            Err(_) => Err("it does not answer in time".to_owned()),
        }
    }

    /// Checks whether the replica answers and is not far behind. Until the next check it is used, or it is not.
    pub async fn check_replica(&self) {
        let Some(replica) = &self.inner.replica else { return };
        match timeout(SILENCE, replica.fault(&self.inner.watcher)).await {
            Ok(Ok(None)) => replica.use_it(),
            Ok(Ok(Some(reason))) => replica.leave(&reason),
            Ok(Err(error)) => replica.leave(&error.to_string()),
            Err(_) => replica.leave("it does not answer in time"),
        }
    }
}

impl OrgStore {
    /// The connections for records: to the replica, or to the database.
    pub(in crate::store) fn records(&self) -> Records<'_> {
        let inner = &self.store.inner;
        Records { database: &inner.reader, replica: inner.replica.as_ref() }
    }

    /// Like [`OrgStore::records`], after what was committed is in the roll-ups of the database.
    pub(in crate::store) async fn folded_records(&self) -> Records<'_> {
        self.folded_reader().await;
        self.records()
    }
}

/// Reads records from the replica, or from the database.
pub(in crate::store) struct Records<'a> {
    database: &'a Connections,
    replica: Option<&'a Replica>,
}

#[async_trait::async_trait]
impl ConnectionTrait for Records<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.database.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.database.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.database.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        if let Some(replica) = self.replica
            && let Some(row) = replica.ask(replica.connections.query_one_raw(statement.clone())).await
        {
            return Ok(row);
        }
        self.database.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        if let Some(replica) = self.replica
            && let Some(rows) = replica.ask(replica.connections.query_all_raw(statement.clone())).await
        {
            return Ok(rows);
        }
        self.database.query_all_raw(statement).await
    }
}
