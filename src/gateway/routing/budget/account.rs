//! One account: what was spent today and this month, and what is reserved.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::domain::period::Period;

/// The spending of an organization or of a key.
#[derive(Debug, Default)]
pub(super) struct Account {
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    day: Span,
    month: Span,
    /// By requests under way, in nano-dollars.
    pub(super) reserved: i64,
    /// Today's start, and what the roll-ups said of this month's days before it.
    earlier: (i64, Read),
    /// What a reading has found so far, by the start of a day.
    found: Vec<(i64, Read)>,
}

/// What the roll-ups say.
#[derive(Debug, Clone, Copy, Default)]
struct Read {
    /// In nano-dollars.
    cost: i64,
    /// Requests with an unknown cost.
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

/// One period's spending, in nano-dollars.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    /// Unix seconds at which the period began.
    start: i64,
    /// What the roll-ups said.
    read: Read,
    /// Recorded here before a reading that is under way.
    older: i64,
    /// Recorded here since.
    newer: i64,
    /// Handed to the writer here since, and not acknowledged: it may not be in what is read next.
    left: i64,
}

impl Span {
    fn total(&self) -> i64 {
        self.read.cost.saturating_add(self.older).saturating_add(self.newer).saturating_add(self.left)
    }

    fn roll(&mut self, start: i64) {
        if self.start != start {
            *self = Self { start, ..Self::default() };
        }
    }
}

impl Book {
    /// What was spent in the period of `now`.
    pub(super) fn spent(&mut self, period: Period, now: DateTime<Utc>) -> i64 {
        self.roll(now);
        match period {
            Period::Day => self.day.total(),
            Period::Month => self.month.total(),
        }
    }

    /// How many requests of the period of `now` have a cost that is unknown.
    fn unpriced(&mut self, period: Period, now: DateTime<Utc>) -> i64 {
        self.roll(now);
        match period {
            Period::Day => self.day.read.unpriced,
            Period::Month => self.month.read.unpriced,
        }
    }

    /// A request was recorded, or will be: nobody waited for it.
    pub(super) fn pay(&mut self, cost: i64, recorded: bool, now: DateTime<Utc>) {
        self.roll(now);
        for span in [&mut self.day, &mut self.month] {
            let sum = if recorded { &mut span.newer } else { &mut span.left };
            *sum = sum.saturating_add(cost);
        }
    }

    /// A new period begins with nothing spent.
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

    pub(super) fn begin_reading(&self) {
        let mut book = self.open();
        book.found.clear();
        let Book { day, month, .. } = &mut *book;
        for span in [day, month] {
            let newer = std::mem::replace(&mut span.newer, std::mem::take(&mut span.left));
            span.older = span.older.saturating_add(newer);
        }
    }

    pub(super) fn found(&self, day: i64, cost: i64, unpriced: i64) {
        self.open().found.push((day, Read { cost, unpriced }));
    }

    /// What was found replaces what an earlier reading said: of the whole month, or of today alone. Returns whether the
    /// days before today are known.
    pub(super) fn end_reading(&self, period: Period, now: DateTime<Utc>) -> bool {
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
            // What is known of them is as old as the last reading, until the whole month is read.
            book.earlier = (today, book.month.read);
        }
        book.day.read = sum(today, i64::MAX);
        book.month.read = book.earlier.1.and(book.day.read);
        book.day.older = 0;
        book.month.older = 0;
        known
    }
}
