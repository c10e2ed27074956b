//! What a process asks of the place of the counters, and what it gets.
//!
//! An order says what the process has spent of what it held, what it keeps, and how much more it needs. All of it is in
//! one order, so a round trip settles the last slice and takes the next one. What is held is said as a total and not as a
//! difference: an order that arrives twice, or the answer to which was lost, makes the sum too large and never too small.

use super::counter::{Counter, Timing};

/// Units that were spent at about the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spend {
    /// How many; below 0 if they are given back.
    pub units: i64,
    /// How long ago that was, in milliseconds.
    pub ago: i64,
}

/// What a process asks for of one counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The counter, of which there is one order at a time.
    pub counter: Counter,
    /// The limit of the counter.
    pub most: i64,
    /// The units that the process holds and keeps.
    pub keep: i64,
    /// The fewest further units that help; 0 if requests wait for none.
    pub smallest: i64,
    /// The further units that requests wait for.
    pub need: i64,
    /// The further units that requests are likely to need soon. At most a quarter of what is left is given for them.
    pub ahead: i64,
    /// What was spent since the last order that arrived.
    pub spends: Vec<Spend>,
    /// The time in Unix milliseconds; `None` for that of the place.
    pub now: Option<i64>,
}

/// Units that count until a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// When they stop counting, in Unix milliseconds of the place.
    pub ends: i64,
    /// How many; below 0 if they were given back.
    pub units: i64,
}

/// What a process gets of one counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The units that the process now holds.
    pub held: i64,
    /// The time at which the place answered, in Unix milliseconds.
    pub now: i64,
    /// What else counts: what was spent by all, and what others hold.
    pub entries: Vec<Entry>,
}

impl Order {
    /// The times of the counter.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.counter.measure.span().timing()
    }

    /// When the units of a spend stop counting.
    #[must_use]
    pub(super) fn end_of(&self, spend: Spend, now: i64) -> i64 {
        let timing = self.timing();
        let end = timing.end_of(now.saturating_sub(spend.ago));
        if spend.units < 0 { end - timing.slack } else { end }
    }

    /// The units that the process holds from now on, if all others together use `used`. Every place computes the same.
    #[must_use]
    pub(super) fn held(&self, used: i64) -> i64 {
        let room = self.most.saturating_sub(used).saturating_sub(self.keep);
        if room < 0 {
            return (self.keep + room).max(0);
        }
        if room < self.smallest {
            return self.keep;
        }
        let extra = self.ahead.min((room - self.need) / 4).max(0);
        self.keep + self.need.min(room) + extra
    }
}
