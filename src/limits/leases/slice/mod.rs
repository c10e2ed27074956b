//! The slice of one counter that this process holds, and what it knows of the rest.
//!
//! Requests spend it in memory. What they have spent is reported with the next order, which also takes the next slice.
//! While an order is under way, the slice can still be spent: the order has said that it is kept.

mod state;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::counter::{Counter, DAY, Span};
use super::order::{Grant, Order, Spend};
use super::share::Share;
pub(super) use state::Done;
use state::{ASK_AGAIN, State, Unreported, bucket};
pub use state::{Full, Headroom};

/// What this process holds of one counter.
#[derive(Debug)]
pub(super) struct Slice {
    counter: Counter,
    state: Mutex<State>,
    /// Locked while an order is made and granted in memory. Orders to a shared place are made by one task.
    turn: Mutex<()>,
    /// Units in use that the limits of this process have fallen by already.
    lingering: AtomicI64,
}

/// What became of an attempt to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spent {
    /// The units are spent now.
    Done(Done),
    /// The slice has too little left, and the place may have more.
    Lacking,
    /// The counter has too little left.
    Full(Full),
}

/// Why a process counts alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alone {
    /// The place does not answer, so nothing is reported to it.
    Away,
    /// Another process counts at another place.
    Divided,
}

/// An order that is under way, and what it reports.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) order: Order,
    at: Duration,
    reported: Vec<Unreported>,
}

impl Slice {
    pub(super) fn new(counter: Counter) -> Self {
        Self { counter, state: Mutex::default(), turn: Mutex::default(), lingering: AtomicI64::new(0) }
    }

    pub(super) fn counter(&self) -> Counter {
        self.counter
    }

    fn span(&self) -> Span {
        self.counter.measure.span()
    }

    /// The limit of the counter, if this process knows of one that has fallen by what lingers.
    pub(super) fn limit(&self, known: i64) -> i64 {
        known.saturating_add(self.lingering.load(Ordering::Acquire))
    }

    /// Units in use begin to linger: the limits that this process knows have fallen by them.
    pub(super) fn linger(&self, units: i64) {
        self.lingering.fetch_add(units, Ordering::AcqRel);
    }

    /// Units that lingered are in use no longer. They are not free: the limit has fallen by them. Returns whether the taker
    /// does not look at the slice yet.
    pub(super) fn end_lingering(&self, units: i64) -> bool {
        self.lingering.fetch_sub(units, Ordering::AcqRel);
        let mut state = self.state();
        state.in_use -= units;
        !std::mem::replace(&mut state.watched, true)
    }

    fn adopt(&self, state: &mut State, limit: i64) {
        state.adopt(limit, self.counter.measure.counts_money());
    }

    /// One order at a time.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Spends units of the slice.
    pub(super) fn spend(&self, now: Duration, limit: i64, units: i64) -> Spent {
        let mut state = self.state();
        self.adopt(&mut state, limit);
        if now < state.lease_end && state.free >= units {
            state.free -= units;
            return Spent::Done(state.spent(self.span(), now, units));
        }
        match state.full {
            Some((until, needed)) if now < until && units >= needed => {
                Spent::Full(state.refusal(self.span(), now, units))
            }
            _ => Spent::Lacking,
        }
    }

    /// Spends units alone. While the place is away: of the slice, or of this process's share of what was left. While some
    /// processes count elsewhere: of its share of the limit, from which all goes that its place knows of.
    pub(super) fn spend_alone(
        &self,
        now: Duration,
        (limit, units): (i64, i64),
        (why, share): (Alone, Share),
    ) -> Spent {
        let mut state = self.state();
        self.adopt(&mut state, limit);
        let span = self.span();
        if why == Alone::Away && now < state.lease_end && state.free >= units {
            state.free -= units;
            return Spent::Done(state.spent(span, now, units));
        }
        let (used, most) = match (span, why) {
            (Span::Held, _) => (state.in_use, limit),
            (_, Alone::Away) => (state.recent(span, now), limit - state.known_units(now)),
            (_, Alone::Divided) => (state.recent(span, now) + state.known_units(now), limit),
        };
        let most = share.of(most);
        if used.saturating_add(units) > most {
            let headroom = Headroom { limit, remaining: (most - used).max(0), ..state.headroom(span, now) };
            let retry_after = state.refusal(span, now, units).retry_after;
            return Spent::Full(Full { headroom, retry_after });
        }
        if span == Span::Held {
            state.free -= units;
        } else {
            state.alone = state.alone.saturating_add(units);
        }
        let done = state.spent(span, now, units);
        let remaining = (most - used - units).max(0);
        Spent::Done(Done { headroom: Headroom { remaining, ..done.headroom }, ..done })
    }

    /// How full the counter is, for a request that needs so many units.
    pub(super) fn refusal(&self, now: Duration, units: i64) -> Full {
        self.state().refusal(self.span(), now, units)
    }

    /// Whether units would fit, as far as that is known. Spends nothing.
    pub(super) fn hindrance(&self, now: Duration, limit: i64, units: i64) -> Option<Full> {
        let mut state = self.state();
        self.adopt(&mut state, limit);
        if now < state.lease_end && state.free >= units {
            return None;
        }
        let full = state.full.is_some_and(|(until, needed)| now < until && units >= needed);
        let used = state.known_units(now) + state.recent(self.span(), now) + state.in_use;
        (full || units > limit.saturating_sub(used)).then(|| state.refusal(self.span(), now, units))
    }

    /// Spends units although there may be no room for them: they are used already.
    pub(super) fn charge(&self, now: Duration, units: i64) -> Done {
        let mut state = self.state();
        if self.span() != Span::Held && now < state.lease_end {
            state.free = (state.free - units).max(0);
        }
        state.spent(self.span(), now, units)
    }

    /// Gives back units that were taken at that time. Returns whether the taker does not look at the slice yet.
    pub(super) fn give_back(&self, taken_at: Duration, units: i64) -> bool {
        let mut state = self.state();
        let unwatched = !std::mem::replace(&mut state.watched, true);
        // There may be room now.
        state.full = None;
        if self.span() == Span::Held {
            state.in_use -= units;
            state.free += units;
            return unwatched;
        }
        let covered = (units - state.alone).max(0);
        state.alone -= units - covered;
        let bucket = bucket(self.span(), taken_at);
        let known = state.unreported.iter().any(|spend| spend.bucket == bucket && spend.units >= units);
        state.note(self.span(), taken_at, -units);
        // Of what the place has not heard of, the slice is as it was before. What it has heard of comes back with an order.
        if known && !state.ordered {
            state.free = state.free.saturating_add(covered);
        }
        unwatched
    }

    /// Whether there is something to settle, or to hold for longer. If there never will be, the taker need not look again.
    pub(super) fn is_due(&self, now: Duration) -> Option<bool> {
        let mut state = self.state();
        let ended = now >= state.lease_end;
        if !state.unreported.is_empty() || state.in_use > 0 || state.free > 0 {
            return Some(ended && !state.ordered);
        }
        if ended {
            state.watched = false;
            return None;
        }
        Some(false)
    }

    /// Makes an order. The slice is kept while its time lasts; `last`: it is not, because the process ends.
    pub(super) fn order(&self, now: Duration, (smallest, need): (i64, i64), last: bool) -> Sent {
        let mut state = self.state();
        let span = self.span();
        let wanted = need > 0 || now < state.lease_end;
        if last || !wanted || (now >= state.lease_end && span != Span::Held) {
            // What was not spent in time goes back.
            state.free = state.free.min(0);
        }
        if span == Span::Held {
            // What is in use is held, if there is room for it.
            state.free = state.free.max(0);
        }
        let keep = if span == Span::Held { state.in_use + state.free } else { state.free };
        // What is free already need not be taken.
        let free = state.free.max(0);
        let (smallest, need) = ((smallest - free).max(i64::from(need > free)), (need - free).max(0));
        let ahead = if last || (need == 0 && state.demand == 0) { 0 } else { state.ahead(now) };
        let reported = state.unreported.clone();
        let ago = |last: Duration| i64::try_from(now.saturating_sub(last).as_millis()).unwrap_or(i64::MAX);
        let spends = reported.iter().map(|spend| Spend { units: spend.units, ago: ago(spend.last) });
        let order = Order {
            counter: self.counter,
            most: state.limit,
            keep: keep.max(0),
            smallest,
            need,
            ahead,
            spends: spends.collect(),
            now: None,
        };
        state.ordered = true;
        Sent { order, at: now, reported }
    }

    /// Adopts what the place has granted.
    pub(super) fn granted(&self, sent: &Sent, grant: &Grant) {
        let mut state = self.state();
        let span = self.span();
        let local = |ends: i64| {
            let left = u64::try_from(ends.saturating_sub(grant.now)).unwrap_or(0);
            sent.at + Duration::from_millis(left)
        };
        state.forget(&sent.reported);
        state.free = state.free.saturating_add(grant.held).saturating_sub(sent.order.keep);
        if span != Span::Held {
            state.free = state.free.max(0);
        }
        state.day_end = local(grant.now.div_euclid(DAY).saturating_add(1).saturating_mul(DAY));
        let lease_end = sent.at + span.lease();
        state.lease_end = if span == Span::Day { lease_end.min(state.day_end) } else { lease_end };
        state.known = grant.entries.iter().map(|entry| (local(entry.ends), entry.units)).collect();
        state.known.sort_unstable();
        state.granted_at = sent.at;
        state.demand = 0;
        state.alone = 0;
        let more = grant.held.saturating_sub(sent.order.keep);
        let refused = sent.order.need > 0 && more < sent.order.need;
        // Fewer may still fit than requests waited for.
        let needed = state.free.max(0) + if more > 0 { 1 } else { sent.order.smallest };
        state.full = refused.then_some((sent.at + ASK_AGAIN, needed));
        state.ordered = false;
    }

    /// The place has not answered. The slice stays as it was, and what was to be reported is reported again.
    pub(super) fn not_granted(&self) {
        self.state().ordered = false;
    }
}
