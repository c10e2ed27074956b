//! The spool: a SQLite file of bounded size that stores records while PostgreSQL is unreachable or slow.
//!
//! A record is removed only after it is in the database. A record that the database rejects is moved to another table of
//! the same file, for manual inspection.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
};
use sea_orm::sqlx::{self, Connection as _, Row as _};
use tokio::sync::Notify;

use super::Record;
use crate::config::recording::Durability;
use crate::store::database::connect::synchronous;
use crate::store::database::hard_links::{self, HardLinked};
use crate::store::database::private_files;

const PAGE: u64 = 4_096;
const SCHEMA: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS refused (number INTEGER PRIMARY KEY, record TEXT NOT NULL, reason TEXT NOT NULL)",
];

/// Why the spool cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The file cannot be opened or created.
    #[error(
        "cannot open the spool {path}: {source}. Set FAILSOFT_SPOOL to a file in a folder that can be written, or to 'off'"
    )]
    Unusable {
        /// The path of the file.
        path: PathBuf,
        /// The cause of the failure.
        source: sqlx::Error,
    },
    /// The file has several names.
    #[error("cannot open the spool: {0}")]
    HardLinked(#[from] HardLinked),
}

/// The spool with its open file.
#[derive(Debug)]
pub(super) struct Spool {
    pool: SqlitePool,
    /// The approximate number of stored records. It is corrected each time the spool is drained.
    waiting: AtomicU64,
    arrived: Notify,
}

/// A stored record with its number.
pub(super) struct Waiting {
    pub(super) number: i64,
    pub(super) record: Record,
}

impl Spool {
    pub(super) async fn open(path: &Path, bytes: u64, durability: Durability) -> Result<Self, SpoolError> {
        let unusable = |source| SpoolError::Unusable { path: path.to_owned(), source };
        hard_links::check(path)?;
        private_files::make_private(path).map_err(|error| unusable(error.into()))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .auto_vacuum(SqliteAutoVacuum::Full)
            .page_size(u32::try_from(PAGE).unwrap_or(4_096))
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous(durability))
            .busy_timeout(Duration::from_secs(2))
            .pragma("max_page_count", (bytes / PAGE).max(16).to_string());
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            // As for the database: a connection is unusable after SQLite has ended a transaction by itself.
            .before_acquire(|connection, _| {
                let free = !connection.is_in_transaction();
                Box::pin(async move { Ok(free) })
            })
            .connect_with(options)
            .await
            .map_err(unusable)?;
        for statement in SCHEMA {
            sqlx::query(statement).execute(&pool).await.map_err(unusable)?;
        }
        let spool = Self { pool, waiting: AtomicU64::new(0), arrived: Notify::new() };
        spool.recount().await.map_err(unusable)?;
        Ok(spool)
    }

    /// The approximate number of stored records.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Acquire)
    }

    /// Waits until records are stored, at most for `patience`.
    pub(super) async fn arrived(&self, patience: Duration) {
        let _ = tokio::time::timeout(patience, self.arrived.notified()).await;
    }

    /// Stores records. After that, they survive a crash of the process.
    pub(super) async fn keep(&self, records: &[Record]) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        for record in records {
            let text = serde_json::to_string(record).map_err(|error| sqlx::Error::Encode(error.into()))?;
            sqlx::query("INSERT INTO records (record) VALUES (?)")
                .bind(text)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        self.waiting.fetch_add(records.len().try_into().unwrap_or(u64::MAX), Ordering::AcqRel);
        self.arrived.notify_one();
        Ok(())
    }

    /// The oldest records, at most `limit`.
    pub(super) async fn oldest(&self, limit: i64) -> Result<Vec<Waiting>, sqlx::Error> {
        let rows = sqlx::query("SELECT number, record FROM records ORDER BY number LIMIT ?")
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let mut oldest = Vec::with_capacity(rows.len());
        for row in rows {
            let (number, text): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
            match serde_json::from_str(&text) {
                Ok(record) => oldest.push(Waiting { number, record }),
                Err(error) => self.set_aside(number, &format!("not a record: {error}")).await?,
            }
        }
        if oldest.is_empty() {
            self.recount().await?;
        }
        Ok(oldest)
    }

    /// Removes records that are in the database.
    pub(super) async fn remove(&self, numbers: &[i64]) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        for number in numbers {
            sqlx::query("DELETE FROM records WHERE number = ?")
                .bind(number)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        self.left(numbers.len());
        Ok(())
    }

    /// Moves a record that the database rejects to the table `refused`.
    pub(super) async fn set_aside(&self, number: i64, reason: &str) -> Result<(), sqlx::Error> {
        tracing::error!(number, reason, "a record of the spool was moved to its table 'refused'");
        let mut transaction = self.pool.begin().await?;
        sqlx::query("INSERT INTO refused (number, record, reason) SELECT number, record, ? FROM records WHERE number = ?")
            .bind(reason)
            .bind(number)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM records WHERE number = ?").bind(number).execute(&mut *transaction).await?;
        transaction.commit().await?;
        self.left(1);
        Ok(())
    }

    fn left(&self, number: usize) {
        let number = number.try_into().unwrap_or(u64::MAX);
        let fewer = |waiting: u64| Some(waiting.saturating_sub(number));
        let _ = self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, fewer);
    }

    async fn recount(&self) -> Result<(), sqlx::Error> {
        let row = sqlx::query("SELECT count(*) FROM records").fetch_one(&self.pool).await?;
        let count: i64 = row.try_get(0)?;
        self.waiting.store(count.unsigned_abs(), Ordering::Release);
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}
