//! The archive: records are written as Parquet to a folder or a bucket before their retention deletes them.
//!
//! The rows of a table, an organization and a UTC day are archived together. They are read in batches, written as objects
//! of bounded size, read back and compared by number and checksum, listed in a manifest, and only then deleted. On
//! PostgreSQL, partitions beyond every retention are detached first, which no writer waits for, and dropped as a whole once
//! they are archived. Whatever interrupts it, no row is lost and none is archived twice: rows that an object of the
//! archive has are deleted without being archived again, and rows that came late get an object of their own.

mod closed_partitions;
mod columns;
mod error;
mod lease;
mod object;
mod rows;
mod table;
#[cfg(test)]
pub(in crate::store) mod testing;
mod unit;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use object_store::ObjectStore;

pub use error::ArchiveError;
use lease::Lease;
use unit::Manifest;

use crate::store::database::expired_partitions::{self, Fate};
use crate::store::maintenance::system::System;
use crate::store::recorder::Watcher;

/// The pause while records wait to be written.
const BEHIND: Duration = Duration::from_secs(1);
/// The number of organizations in a row that cannot be archived, after which the others wait as well.
const MOST_FAILURES: usize = 3;

/// The archive of this process: its storage, and what was done.
#[derive(Debug)]
pub struct Archive {
    storage: Arc<dyn ObjectStore>,
    lease: Lease,
    /// Partitions that are archived and could not be dropped yet.
    archived: Mutex<BTreeSet<String>>,
    /// What this process has archived since its start.
    pub figures: Figures,
}

/// What this process has archived since its start.
#[derive(Debug, Default)]
pub struct Figures {
    /// Objects that became part of the archive.
    pub objects: AtomicU64,
    /// Rows in these objects.
    pub rows: AtomicU64,
    /// The bytes of these objects.
    pub bytes: AtomicU64,
    /// The number of attempts that failed.
    pub failures: AtomicU64,
    /// Since when every attempt has failed, in Unix seconds; 0 if the last one did not.
    failing_since: AtomicI64,
}

impl Archive {
    /// An archive in a storage.
    #[must_use]
    pub fn new(storage: Arc<dyn ObjectStore>) -> Self {
        Self { storage, lease: Lease::default(), archived: Mutex::default(), figures: Figures::default() }
    }

    /// Checks that the storage can be written, read and listed.
    ///
    /// # Errors
    /// It cannot.
    pub async fn check(&self) -> Result<(), ArchiveError> {
        unit::check(self.storage.as_ref()).await
    }

    /// Notes an object of the archive.
    fn note(&self, manifest: &Manifest) {
        self.figures.objects.fetch_add(1, Ordering::Relaxed);
        self.figures.rows.fetch_add(manifest.rows, Ordering::Relaxed);
        self.figures.bytes.fetch_add(manifest.bytes, Ordering::Relaxed);
        manifest.log();
    }
}

impl Figures {
    /// For how many seconds the archive has failed while records wait for it.
    #[must_use]
    pub fn failing_seconds(&self, now: DateTime<Utc>) -> i64 {
        match self.failing_since.load(Ordering::Relaxed) {
            0 => 0,
            since => (now.timestamp() - since).max(0),
        }
    }

    fn ended<T>(&self, result: &Result<T, ArchiveError>, now: DateTime<Utc>) {
        if result.is_ok() {
            self.failing_since.store(0, Ordering::Relaxed);
            return;
        }
        self.failures.fetch_add(1, Ordering::Relaxed);
        let since = now.timestamp().max(1);
        let _ = self.failing_since.compare_exchange(0, since, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl System<'_> {
    /// Archives and deletes the records that are beyond their retention, unless another process does. It takes as long as
    /// there are such records, and may be stopped at any time.
    ///
    /// # Errors
    /// The storage or the database failed. The records that are not archived stay.
    pub async fn archive(&self, archive: &Archive, watcher: &Watcher) -> Result<(), ArchiveError> {
        let result = self.archive_under_lease(archive, watcher).await;
        if !matches!(result, Ok(false)) {
            archive.figures.ended(&result, self.store().inner.clock.now());
        }
        result.map(drop)
    }

    /// Lets another process archive.
    pub async fn archive_release(&self, archive: &Archive) {
        archive.lease.release(self.store()).await;
    }

    /// Whether this process has the lease.
    async fn archive_under_lease(&self, archive: &Archive, watcher: &Watcher) -> Result<bool, ArchiveError> {
        if !archive.lease.acquire(self.store()).await? {
            return Ok(false);
        }
        let inner = &self.store().inner;
        let closing = expired_partitions::end_expired(&inner.writer, inner.clock.now(), Fate::Close).await;
        if let Err(error) = closing {
            tracing::warn!(%error, "partitions cannot be closed now; the next attempt follows in a minute");
        }
        let closed = self.archive_closed_partitions(archive, watcher).await;
        self.archive_organizations(archive, watcher).await?;
        closed.map(|()| true)
    }
}

/// Waits while so many records wait to be written that nothing else should use the database.
async fn let_records_pass(watcher: &Watcher) {
    while watcher.is_behind() {
        tokio::time::sleep(BEHIND).await;
    }
}
