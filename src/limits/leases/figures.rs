//! What the leases count for the metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts since the start of the process.
#[derive(Debug, Default)]
pub struct LeaseFigures {
    round_trips: AtomicU64,
    orders: AtomicU64,
    failures: AtomicU64,
    alone: AtomicU64,
    refused: AtomicU64,
    away: AtomicBool,
}

impl LeaseFigures {
    /// Round trips to a place that processes share.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }

    /// Slices that were taken or settled in them.
    #[must_use]
    pub fn orders(&self) -> u64 {
        self.orders.load(Ordering::Relaxed)
    }

    /// Round trips without an answer.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Decisions that this process made by its own share, because the place was away.
    #[must_use]
    pub fn alone(&self) -> u64 {
        self.alone.load(Ordering::Relaxed)
    }

    /// Requests and candidates that a limit had no room for.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether the place did not answer last.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    pub(super) fn round_trip(&self, orders: usize) {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        self.orders.fetch_add(u64::try_from(orders).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn decided_alone(&self) {
        self.alone.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes a round trip without an answer. Returns whether the one before had one.
    pub(super) fn fail(&self) -> bool {
        self.failures.fetch_add(1, Ordering::Relaxed);
        !self.away.swap(true, Ordering::Relaxed)
    }

    /// Notes an answer. Returns whether there was none before.
    pub(super) fn answer(&self) -> bool {
        self.away.swap(false, Ordering::Relaxed)
    }
}
