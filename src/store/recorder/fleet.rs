//! The processes that live on this database, as their heartbeats say. What they share is divided by it while the place
//! that they share it at is away.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The processes that live on this database.
#[derive(Debug)]
pub struct Fleet {
    live: AtomicU32,
    rank: AtomicU32,
    divided: AtomicBool,
    place: OnceLock<String>,
}

/// A process that is alone.
impl Default for Fleet {
    fn default() -> Self {
        Self {
            live: AtomicU32::new(1),
            rank: AtomicU32::new(0),
            divided: AtomicBool::new(false),
            place: OnceLock::new(),
        }
    }
}

impl Fleet {
    /// A process among others, for tests of what they share.
    #[cfg(test)]
    pub(crate) fn of(live: u32, rank: u32) -> Self {
        let fleet = Self::default();
        fleet.saw(live, rank, false);
        fleet
    }

    /// The number of processes that live, this one included. While the database is away, the last number that was known.
    #[must_use]
    pub fn live(&self) -> u32 {
        self.live.load(Ordering::Relaxed)
    }

    /// The number of processes with a lower id than this one.
    #[must_use]
    pub fn rank(&self) -> u32 {
        self.rank.load(Ordering::Relaxed)
    }

    /// Whether a process counts what its limits allow at another place than this one.
    #[must_use]
    pub fn is_divided(&self) -> bool {
        self.divided.load(Ordering::Relaxed)
    }

    /// Sets the place at which this process counts, which its heartbeats tell the others. Only the first call has an
    /// effect.
    pub fn counts_at(&self, place: &str) {
        // It is set once, before the first heartbeat.
        let _ = self.place.set(place.to_owned());
    }

    pub(in crate::store) fn place(&self) -> Option<&str> {
        self.place.get().map(String::as_str)
    }

    /// Notes how many processes live, how many of them come before this one, and whether one counts elsewhere.
    pub(in crate::store) fn saw(&self, live: u32, rank: u32, divided: bool) {
        self.live.store(live.max(1), Ordering::Relaxed);
        self.rank.store(rank, Ordering::Relaxed);
        if divided && !self.divided.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                live,
                "another process counts limits at another place: each process has its share of them. Give all of them the \
                 same FAILSOFT_VALKEY_URL, or none"
            );
        }
        if !divided && self.divided.swap(false, Ordering::Relaxed) {
            tracing::info!("all processes count limits at the same place again");
        }
    }
}
