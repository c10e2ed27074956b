//! One account: what was spent today and this month, and what running requests have reserved.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::domain::period::Period;

/// The spending of an organization or of an API key.
#[derive(Debug, Default)]
pub(super) struct Account {
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    day: Span,
    month: Span,
    /// Reserved by running requests, in nano-dollars.
    pub(super) reserved: i64,
    /// The start of today, and the roll-ups of this month's earlier days.
    earlier: (i64, Read),
    /// The roll-ups of the reading in progress, by the start of the day.
    found: Vec<(i64, Read)>,
}

/// Totals of the roll-ups.
#[derive(Debug, Clone, Copy, Default)]
struct Read {
    /// The cost in nano-dollars.
    cost: i64,
    /// The number of requests with an unknown cost.
    unpriced: i64,
}

impl Read {
    fn and(self, other: Self) -> Self {
        Self {
            cost: self.cost.saturating_add(other.cost),
            unpriced: self.unpriced.saturating_add(other.unpriced),
        }
    }
}

/// The spending of one period, in nano-dollars.
///
/// Whether a reading includes a row of this process is known for some rows only. It includes those that were in the
/// database before it began (`older`). Those that arrived meanwhile (`newer`), or that the writer still has (`left`), it may
/// include or not. They were counted before, so the total stays as it was, as far as the reading permits.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    /// The start of the period in Unix seconds.
    start: i64,
    /// The last reading, without what is counted below.
    read: Read,
    /// Rows of this process that were in the database when the reading in progress began.
    older: i64,
    /// Rows of this process that became durable since then, or that are durable in the spool only.
    newer: i64,
    /// Rows that were handed to the writer and are not known to be durable.
    left: i64,
}

impl Span {
    fn total(&self) -> i64 {
        self.read.cost.saturating_add(self.older).saturating_add(self.uncertain())
    }

    /// The rows of this process that a reading may include or not.
    fn uncertain(&self) -> i64 {
        self.newer.saturating_add(self.left)
    }

    /// Replaces the last reading, so that no row counts twice and none is forgotten. `folded`: it includes what was in the
    /// database when it began.
    fn replace(&mut self, found: Read, folded: bool) {
        let total = self.total();
        if folded {
            self.older = 0;
        }
        let uncertain = self.older.saturating_add(self.uncertain());
        let total = total.clamp(found.cost, found.cost.saturating_add(uncertain.max(0)));
        self.read = Read { cost: total.saturating_sub(uncertain), ..found };
    }

    fn roll(&mut self, start: i64) {
        if self.start != start {
            *self = Self { start, ..Self::default() };
        }
    }
}

impl Book {
    /// The spending in the period of `now`, in nano-dollars.
    pub(super) fn spent(&mut self, period: Period, now: DateTime<Utc>) -> i64 {
        self.roll(now);
        match period {
            Period::Day => self.day.total(),
            Period::Month => self.month.total(),
        }
    }

    /// The number of requests with an unknown cost in the period of `now`.
    fn unpriced(&mut self, period: Period, now: DateTime<Utc>) -> i64 {
        self.roll(now);
        match period {
            Period::Day => self.day.read.unpriced,
            Period::Month => self.month.read.unpriced,
        }
    }

    /// Adds the cost of a request with a row that is handed to the writer.
    pub(super) fn leave(&mut self, cost: i64, now: DateTime<Utc>) {
        self.roll(now);
        for span in [&mut self.day, &mut self.month] {
            span.left = span.left.saturating_add(cost);
        }
    }

    /// The row of a request that was handed to the writer at `left` is durable or lost.
    pub(super) fn arrive(&mut self, cost: i64, left: DateTime<Utc>, now: DateTime<Utc>) {
        self.roll(now);
        for (span, period) in [(&mut self.day, Period::Day), (&mut self.month, Period::Month)] {
            // In a new period, it is in no sum of this process.
            if span.start == period.start(left).timestamp() {
                span.left = span.left.saturating_sub(cost);
                span.newer = span.newer.saturating_add(cost);
            }
        }
    }

    /// Starts a new period, if one has begun.
    fn roll(&mut self, now: DateTime<Utc>) {
        self.day.roll(Period::Day.start(now).timestamp());
        self.month.roll(Period::Month.start(now).timestamp());
    }
}

impl Account {
    pub(super) fn open(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn spent(&self, period: Period, now: DateTime<Utc>) -> i64 {
        self.open().spent(period, now)
    }

    pub(super) fn unpriced(&self, period: Period, now: DateTime<Utc>) -> i64 {
        self.open().unpriced(period, now)
    }

    /// `spooled`: durable rows may be missing from the database.
    pub(super) fn begin_reading(&self, spooled: bool) {
        let mut book = self.open();
        book.found.clear();
        if spooled {
            return;
        }
        let Book { day, month, .. } = &mut *book;
        for span in [day, month] {
            span.older = span.older.saturating_add(std::mem::take(&mut span.newer));
        }
    }

    pub(super) fn found(&self, day: i64, cost: i64, unpriced: i64) {
        self.open().found.push((day, Read { cost, unpriced }));
    }

    /// Replaces the totals of an earlier reading, for the whole month or for today. Returns whether the days before
    /// today are known. `folded`: the reading includes what was in the database when it began.
    pub(super) fn end_reading(&self, period: Period, folded: bool, now: DateTime<Utc>) -> bool {
        let mut book = self.open();
        book.roll(now);
        let found = std::mem::take(&mut book.found);
        let (today, month) = (book.day.start, book.month.start);
        let sum = |from: i64, until: i64| {
            let days = found.iter().filter(|(day, _)| (from..until).contains(day));
            days.fold(Read::default(), |sum, (_, read)| sum.and(*read))
        };
        if period == Period::Month {
            book.earlier = (today, sum(month, today));
        }
        let known = book.earlier.0 == today;
        if !known {
            // Keep the last totals of earlier days until the whole month is read. Of today, both spans have the same rows.
            let durable = book.month.older.saturating_sub(book.day.older);
            let cost = book.month.read.cost.saturating_add(durable);
            book.earlier = (today, Read { cost, ..book.month.read });
        }
        let day = sum(today, i64::MAX);
        let month = book.earlier.1.and(day);
        book.day.replace(day, folded);
        book.month.replace(month, folded);
        known
    }
}
