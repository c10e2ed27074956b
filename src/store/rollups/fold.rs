//! Folds deltas into the roll-ups.
//!
//! A transaction takes deltas, adds their counts to the buckets and deletes them, so each counts once. Every process
//! folds each second and skips what another one is folding. Before roll-ups are read, what is left is folded as well, so
//! a committed record is in all figures.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::sqlx::{self, AssertSqlSafe};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use uuid::Uuid;

use super::counters::Tally;
use super::delta::Delta;
use crate::store::database::connections::{Connections, Transaction};
use crate::store::pagination::time_range::lowest_id;
use crate::store::{OrgStore, Store};

/// The most deltas of one transaction, which bounds how long it holds buckets, and on SQLite the one writing connection.
const BATCH: usize = 200;
/// The timeout of folding before a read. After it, the figures are shown without what is not folded yet.
const PATIENCE: Duration = Duration::from_secs(2);

/// The age of the deltas that every fold looks for on PostgreSQL. Their ids are made of the time. While a backup holds a
/// snapshot, deltas that were deleted stay in the index, so reading from its start would take longer and longer.
const RECENT: TimeDelta = TimeDelta::minutes(10);
/// How often a fold looks for all deltas, for those of a process with a wrong clock.
const ALL_INTERVAL: TimeDelta = TimeDelta::minutes(1);

const ANY_SQLITE: &str = "SELECT 1 FROM rollup_deltas LIMIT 1";
const ANY_POSTGRES: &str = "SELECT 1 FROM rollup_deltas WHERE id >= $1 ORDER BY id LIMIT 1";
const OLDEST: &str =
    "SELECT CAST(rowid AS text), counted FROM rollup_deltas ORDER BY rollup_deltas.rowid LIMIT 200";
const AWAITED: &str = "SELECT CAST(id AS text), counted FROM rollup_deltas \
                       WHERE id >= $1 ORDER BY rollup_deltas.id LIMIT 200 FOR UPDATE";
const SKIPPED: &str = "SELECT CAST(id AS text), counted FROM rollup_deltas \
                       WHERE id >= $1 ORDER BY rollup_deltas.id LIMIT 200 FOR UPDATE SKIP LOCKED";
const DELETE_SQLITE: &str =
    "DELETE FROM rollup_deltas WHERE rowid IN (SELECT CAST(value AS integer) FROM json_each($1))";
const DELETE_POSTGRES: &str = "DELETE FROM rollup_deltas WHERE id = ANY (CAST(CAST($1 AS text) AS uuid[]))";

/// What happens to deltas that another process is folding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Others {
    /// They are left to it.
    Skip,
    /// They are awaited, because a read follows.
    Await,
}

impl Store {
    /// Folds all deltas. Returns their number.
    pub(in crate::store) async fn fold(&self, others: Others) -> Result<usize, DbErr> {
        let now = self.inner.clock.now();
        let last = self.inner.folded_all_at.load(Ordering::Relaxed);
        let all = now.timestamp_millis() - last >= ALL_INTERVAL.num_milliseconds();
        let first = if all { Uuid::nil() } else { lowest_id(now - RECENT) };
        let mut folded = 0;
        if self.has_deltas(first).await? {
            loop {
                let transaction = self.begin().await?;
                let batch = fold_batch(&transaction, first, others).await?;
                transaction.commit().await?;
                folded += batch;
                if batch < BATCH {
                    break;
                }
            }
        }
        if all {
            self.inner.folded_all_at.store(now.timestamp_millis(), Ordering::Relaxed);
        }
        if others == Others::Await {
            self.inner.folds.fetch_add(1, Ordering::Relaxed);
        }
        Ok(folded)
    }

    /// The reading connections, after what was committed is in the roll-ups. If it cannot be folded, for example because
    /// the disk is full, the figures are those of the last fold.
    pub(in crate::store) async fn folded_reader(&self) -> &Connections {
        self.is_folded().await;
        &self.inner.reader
    }

    /// Adds what was committed to the roll-ups; whether that was possible in time.
    pub(in crate::store) async fn is_folded(&self) -> bool {
        match tokio::time::timeout(PATIENCE, self.fold(Others::Await)).await {
            Ok(Ok(_)) => return true,
            Ok(Err(error)) => tracing::warn!(%error, "the newest records are not in the figures yet"),
            Err(_) => tracing::warn!("the newest records are not in the figures yet: the database is slow"),
        }
        false
    }

    /// Whether anything is to be folded. The drivers are asked directly, because this is no query of a page.
    async fn has_deltas(&self, first: Uuid) -> Result<bool, DbErr> {
        let reader = &self.inner.reader;
        let found = match reader.get_database_backend() {
            DbBackend::Postgres if reader.is_prepared() => sqlx::query(ANY_POSTGRES)
                .bind(first)
                .fetch_optional(reader.postgres())
                .await
                .map(|row| row.is_some()),
            // By the simple protocol, which needs no transaction.
            DbBackend::Postgres => {
                let text = ANY_POSTGRES.replace("$1", &format!("'{first}'"));
                sqlx::raw_sql(AssertSqlSafe(text))
                    .fetch_optional(reader.postgres())
                    .await
                    .map(|row| row.is_some())
            }
            _ => sqlx::query(ANY_SQLITE).fetch_optional(reader.sqlite()).await.map(|row| row.is_some()),
        };
        found.map_err(|error| DbErr::Custom(error.to_string()))
    }
}

impl OrgStore {
    /// Like [`OrgStore::reader`], after what was committed is in the roll-ups.
    pub(in crate::store) async fn folded_reader(&self) -> &Connections {
        self.store.folded_reader().await
    }
}

async fn fold_batch(transaction: &Transaction, first: Uuid, others: Others) -> Result<usize, DbErr> {
    let backend = transaction.get_database_backend();
    let statement = match (backend, others) {
        (DbBackend::Postgres, Others::Skip) => SKIPPED,
        (DbBackend::Postgres, Others::Await) => AWAITED,
        // The transaction has the write lock already.
        _ => OLDEST,
    };
    let oldest = match backend {
        DbBackend::Postgres => Statement::from_sql_and_values(backend, statement, [first.into()]),
        _ => Statement::from_string(backend, statement),
    };
    let mut deltas: Vec<(String, String)> = Vec::new();
    for row in transaction.query_all_raw(oldest).await? {
        deltas.push((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    }
    let mut tally = Tally::default();
    let mut taken = Vec::with_capacity(deltas.len());
    for (id, text) in &deltas {
        match Delta::read(text) {
            Ok(delta) => {
                tally.add(delta);
                taken.push(id.as_str());
            }
            // It stays, so that it can be inspected.
            Err(error) => tracing::error!(%id, %error, "a delta of the roll-ups cannot be read"),
        }
    }
    if taken.is_empty() {
        return Ok(0);
    }
    tally.write(transaction).await?;
    delete(transaction, backend, &taken).await?;
    Ok(taken.len())
}

/// All ids are one parameter, so that the statement is prepared once.
async fn delete(on: &impl ConnectionTrait, backend: DbBackend, ids: &[&str]) -> Result<(), DbErr> {
    let (statement, ids) = match backend {
        DbBackend::Postgres => (DELETE_POSTGRES, format!("{{{}}}", ids.join(","))),
        _ => (DELETE_SQLITE, format!("[{}]", ids.join(","))),
    };
    on.execute_raw(Statement::from_sql_and_values(backend, statement, [ids.into()])).await?;
    Ok(())
}
