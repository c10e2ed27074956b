//! What one request has taken of counters.

use std::sync::Arc;
use std::time::Duration;

use super::Leases;
use super::counter::{Counter, Span};
use super::slice::{Full, Headroom, Slice};

/// What a request needs of one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// The counter that bounds it.
    pub counter: Counter,
    /// The limit of the counter.
    pub limit: i64,
    /// How many units it needs.
    pub units: i64,
}

/// The counter that had no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The counter without enough room.
    pub counter: Counter,
    /// How full it is, and until when.
    pub full: Full,
}

/// What became of an attempt to take units without waiting.
#[derive(Debug)]
pub enum Attempt {
    /// The units are taken, all of them.
    Taken(Taken),
    /// A counter has no room. Nothing is taken.
    Refused(Refused),
    /// This process has too little left of some counters, and must ask for more first. Nothing is taken.
    Lacking(Lacking),
}

/// The slices of which this process has too little left, and what is needed of each.
#[derive(Debug)]
pub struct Lacking {
    pub(super) first: (Arc<Slice>, i64),
    pub(super) others: Vec<(Arc<Slice>, i64)>,
}

impl Lacking {
    /// The refusal of a request that others are always faster than.
    pub(super) fn refused(&self, now: Duration) -> Refused {
        let (slice, units) = &self.first;
        Refused { counter: slice.counter(), full: slice.refusal(now, *units) }
    }
}

/// Units that a request has taken. Those that count as long as they are held are given back when it is dropped.
#[derive(Debug)]
pub struct Taken {
    leases: Leases,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    slice: Arc<Slice>,
    units: i64,
    at: Duration,
    headroom: Headroom,
}

impl Taken {
    pub(super) fn new(leases: Leases, parts: usize) -> Self {
        Self { leases, parts: Vec::with_capacity(parts) }
    }

    pub(super) fn push(&mut self, slice: Arc<Slice>, units: i64, at: Duration, headroom: Headroom) {
        self.parts.push(Part { slice, units, at, headroom });
    }

    /// Where each counter is.
    pub fn headrooms(&self) -> impl Iterator<Item = (Counter, Headroom)> {
        self.parts.iter().map(|part| (part.slice.counter(), part.headroom))
    }

    /// Sets the number of tokens that were used in place of those that were taken for them.
    pub fn settle(&mut self, used: i64) {
        for part in self.parts.iter_mut().filter(|part| part.slice.counter().measure.counts_tokens()) {
            let less = part.units.saturating_sub(used);
            if less > 0 {
                self.leases.give_back(&part.slice, part.at, less);
            } else if less < 0 {
                self.leases.charge_slice(&part.slice, -less);
            }
            part.units = used;
        }
    }

    /// Gives everything back, because the request does not use it.
    pub fn undo(mut self) {
        for part in self.parts.drain(..) {
            self.leases.give_back(&part.slice, part.at, part.units);
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        for part in self.parts.drain(..) {
            if part.slice.counter().measure.span() == Span::Held {
                self.leases.give_back(&part.slice, part.at, part.units);
            }
        }
    }
}
