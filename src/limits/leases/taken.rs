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
    /// Whether the limits of this process have fallen by its units.
    lingers: bool,
}

#[derive(Debug)]
struct Part {
    slice: Arc<Slice>,
    units: i64,
    at: Duration,
    headroom: Headroom,
}

impl Part {
    /// Sets the units that were used in place of those that were taken for them.
    fn adjust(&mut self, leases: &Leases, used: i64) {
        let less = self.units.saturating_sub(used);
        if less > 0 {
            leases.give_back(&self.slice, self.at, less);
        } else if less < 0 {
            leases.charge_slice(&self.slice, -less);
        }
        self.units = used;
    }
}

impl Taken {
    pub(super) fn new(leases: Leases, parts: usize) -> Self {
        Self { leases, parts: Vec::with_capacity(parts), lingers: false }
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
            part.adjust(&self.leases, used);
        }
    }

    /// Splits off the money.
    #[must_use]
    pub fn split_money(&mut self) -> Option<Self> {
        let money: Vec<Part> =
            self.parts.extract_if(.., |part| part.slice.counter().measure.counts_money()).collect();
        (!money.is_empty()).then(|| Self { leases: self.leases.clone(), parts: money, lingers: false })
    }

    /// Takes more of what it has, although there may be no room for it: it may be spent already.
    pub fn grow(&mut self, wants: &[Want]) {
        for part in &mut self.parts {
            let want = wants.iter().find(|want| want.counter == part.slice.counter());
            if let Some(want) = want.filter(|want| want.units > part.units) {
                part.adjust(&self.leases, want.units);
            }
        }
    }

    /// Sets the money that was spent in place of what was taken for it. It stays in use until this is dropped, for the
    /// processes that do not know yet that it is spent; the limits of this process are from now on without it.
    pub fn spend_money(&mut self, spent: i64) {
        for part in &mut self.parts {
            part.adjust(&self.leases, spent);
            part.slice.linger(spent);
        }
        self.lingers = true;
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
            if self.lingers {
                self.leases.end_lingering(&part.slice, part.units);
            } else if part.slice.counter().measure.span() == Span::Held {
                self.leases.give_back(&part.slice, part.at, part.units);
            }
        }
    }
}
