//! What this process knows of one counter.

use std::time::Duration;

use crate::domain::routing_info::LimitStatus;
use crate::limits::leases::counter::Span;

/// How soon a process asks again for a counter that has nothing left.
pub(super) const ASK_AGAIN: Duration = Duration::from_millis(50);
/// The demand of how much time a slice is for, beside what requests wait for.
const AHEAD: u128 = 500;
/// The demand from which the next slice is ordered before the current one is used up.
const DEMAND: i64 = 8;
/// The shortest time from which the demand is estimated, in milliseconds.
const SHORTEST: u128 = 50;
/// The wait for running requests to end.
const RUNNING: Duration = Duration::from_secs(1);

/// What follows from units that were spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::limits::leases) struct Done {
    pub(in crate::limits::leases) headroom: Headroom,
    /// Whether the taker does not look at the slice yet.
    pub(in crate::limits::leases) unwatched: bool,
    /// Whether so little is left, compared with the demand, that the next slice is ordered before this one is used up.
    pub(in crate::limits::leases) low: bool,
}

/// Where a counter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headroom {
    /// The limit of the counter.
    pub limit: i64,
    /// What is left of it for all processes together.
    pub remaining: i64,
    /// Time until all of it is available again.
    pub reset: Duration,
}

impl From<Headroom> for LimitStatus {
    fn from(headroom: Headroom) -> Self {
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        Self { limit: number(headroom.limit), remaining: number(headroom.remaining), reset: headroom.reset }
    }
}

/// Why nothing was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// Where the counter is.
    pub headroom: Headroom,
    /// Time until there is room; `None` if there never is.
    pub retry_after: Option<Duration>,
}

/// What is held, spent and known of a counter.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) limit: i64,
    /// What is held and not spent. Below 0 if more is in use than is held.
    pub(super) free: i64,
    /// Until when it may be spent.
    pub(super) lease_end: Duration,
    /// What requests have now, of a counter that they give it back to.
    pub(super) in_use: i64,
    /// What was spent and not reported yet, by its time.
    pub(super) unreported: Vec<Unreported>,
    /// What counted at the last grant, by its end, the first one first, beside what this process held.
    pub(super) known: Vec<(Duration, i64)>,
    /// When the last order was sent that was granted.
    pub(super) granted_at: Duration,
    /// When the current UTC day ends.
    pub(super) day_end: Duration,
    pub(super) last_spend: Option<Duration>,
    /// Units that were spent since the last grant.
    pub(super) demand: i64,
    /// Those of them that no slice covers, because the place is away.
    pub(super) alone: i64,
    /// The time before which the place is not asked for so many units, because it had no room for them.
    pub(super) full: Option<(Duration, i64)>,
    /// Whether an order is under way.
    pub(super) ordered: bool,
    /// Whether the taker looks at the slice from time to time.
    pub(super) watched: bool,
}

/// Units that were spent at about the same time, and not reported yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreported {
    pub(super) bucket: u64,
    /// The time of the last spend in it.
    pub(super) last: Duration,
    pub(super) units: i64,
}

impl State {
    /// Another limit is asked for at once, and what was taken of a higher one goes back. `of_money`: the limit falls by what is
    /// spent, which has made room for it before.
    pub(super) fn adopt(&mut self, limit: i64, of_money: bool) {
        let falls = limit < self.limit;
        if falls && !of_money {
            self.free = self.free.min(0);
        }
        if self.limit != limit && !(falls && of_money) {
            self.full = None;
        }
        self.limit = limit;
    }

    /// Counts units that are spent now.
    pub(super) fn spent(&mut self, span: Span, now: Duration, units: i64) -> Done {
        self.last_spend = self.last_spend.max(Some(now));
        self.demand = self.demand.saturating_add(units);
        if span == Span::Held {
            self.in_use = self.in_use.saturating_add(units);
        } else {
            self.note(span, now, units);
        }
        let low =
            self.demand >= DEMAND && self.free < self.demand / 4 && !self.ordered && self.full.is_none();
        let unwatched = !std::mem::replace(&mut self.watched, true);
        Done { headroom: self.headroom(span, now), unwatched, low }
    }

    pub(super) fn note(&mut self, span: Span, at: Duration, units: i64) {
        let bucket = bucket(span, at);
        if let Some(same) = self.unreported.iter_mut().find(|spend| spend.bucket == bucket) {
            same.units = same.units.saturating_add(units);
            same.last = same.last.max(at);
        } else {
            // While the place is away, what counts no longer need not be reported.
            if let Some(length) = span.length() {
                let oldest = at.saturating_sub(length);
                self.unreported.retain(|spend| spend.last >= oldest);
            }
            self.unreported.push(Unreported { bucket, last: at, units });
        }
    }

    /// Removes what was reported. Requests may have spent more in the meantime.
    pub(super) fn forget(&mut self, reported: &[Unreported]) {
        for old in reported {
            if let Some(spend) = self.unreported.iter_mut().find(|spend| spend.bucket == old.bucket) {
                spend.units -= old.units;
            }
        }
        self.unreported.retain(|spend| spend.units != 0);
    }

    /// What this process has spent of the current window since the last grant.
    pub(super) fn recent(&self, span: Span, now: Duration) -> i64 {
        let counts = |spend: &&Unreported| match span {
            Span::Minute => span.length().is_some_and(|length| spend.last + length > now),
            Span::Day => now < self.day_end || spend.last >= self.day_end,
            Span::Held => false,
        };
        self.unreported.iter().filter(counts).map(|spend| spend.units).sum()
    }

    /// What counted at the last grant and still does, beside what this process held.
    pub(super) fn known_units(&self, now: Duration) -> i64 {
        self.known.iter().filter(|(ends, _)| *ends > now).map(|(_, units)| units).sum()
    }

    pub(super) fn headroom(&self, span: Span, now: Duration) -> Headroom {
        // What this process holds and has not spent is left, too.
        let own = if span == Span::Held { self.in_use } else { self.recent(span, now) };
        let used = self.known_units(now).saturating_add(own);
        Headroom {
            limit: self.limit,
            remaining: self.limit.saturating_sub(used).max(0),
            reset: self.reset(span, now),
        }
    }

    pub(super) fn reset(&self, span: Span, now: Duration) -> Duration {
        let known = self.known.last().map_or(Duration::ZERO, |(ends, _)| *ends);
        let (end, longest) = match span {
            Span::Minute => {
                let length = span.length().unwrap_or_default();
                let spent = self.last_spend.map_or(Duration::ZERO, |last| last + length);
                (known.max(spent), length)
            }
            Span::Day => (self.day_end, span.length().unwrap_or_default()),
            Span::Held => return RUNNING,
        };
        end.saturating_sub(now).min(longest)
    }

    pub(super) fn refusal(&self, span: Span, now: Duration, units: i64) -> Full {
        Full { headroom: self.headroom(span, now), retry_after: self.wait(span, now, units) }
    }

    /// Time until so many units fit, as far as that is known.
    pub(super) fn wait(&self, span: Span, now: Duration, units: i64) -> Option<Duration> {
        if units > self.limit {
            return None;
        }
        if span == Span::Held {
            return Some(RUNNING);
        }
        let mut used = self.known_units(now).saturating_add(self.recent(span, now));
        let mut ends: Vec<(Duration, i64)> = self.known.clone();
        if let (Span::Minute, Some(length)) = (span, span.length()) {
            ends.extend(self.unreported.iter().map(|spend| (spend.last + length, spend.units)));
            ends.sort_unstable();
        }
        for (end, ended) in ends.into_iter().filter(|(end, _)| *end > now) {
            used = used.saturating_sub(ended);
            if used.saturating_add(units) <= self.limit {
                return Some(end - now);
            }
        }
        let rest = if span == Span::Day { self.day_end.saturating_sub(now) } else { ASK_AGAIN };
        Some(rest.max(ASK_AGAIN))
    }

    /// The units that requests are likely to need soon, by what they needed since the last grant.
    pub(super) fn ahead(&self, now: Duration) -> i64 {
        let passed = now.saturating_sub(self.granted_at).as_millis().max(SHORTEST);
        let demand = u128::try_from(self.demand).unwrap_or(0);
        i64::try_from(demand.saturating_mul(AHEAD) / passed).unwrap_or(i64::MAX)
    }
}

/// Spends of the same bucket are reported together: those of a second, or for a day those of ten minutes.
pub(super) fn bucket(span: Span, at: Duration) -> u64 {
    match span {
        Span::Minute | Span::Held => at.as_secs(),
        Span::Day => at.as_secs() / 600,
    }
}
