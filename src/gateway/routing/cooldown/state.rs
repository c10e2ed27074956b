//! What is held against one model: failures in a row, a share of failures, and the window in which it is left alone.
//!
//! Pure: every time comes in, as a duration since some fixed point.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Failure, LONGEST, OpenCooldown};

/// Counted failures in a row that open a window.
pub(super) const IN_A_ROW: u32 = 5;
/// Or half of at least so many attempts, within [`SECONDS`].
pub(super) const AT_LEAST: u32 = 20;
/// How long attempts are remembered for that.
const SECONDS: usize = 10;
/// The first window that counted failures open; each that follows a failed probe is twice as long.
pub(super) const FIRST: Duration = Duration::from_secs(30);

/// Different requests in a row with a failure that may be their own, after which it is the model's.
pub(super) const SUSPECTED_BY: usize = 5;

/// When a model and its provider were last changed, and when a person last ended its cooldown.
pub(super) type Version = (DateTime<Utc>, DateTime<Utc>, Option<DateTime<Utc>>);

/// How long a failure leaves the model alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// Until then, as the provider says.
    pub(super) reset: Option<Duration>,
    /// Else for so long at first,
    pub(super) first: Duration,
    /// and for so long at most, after probes that failed alike.
    pub(super) longest: Duration,
}

/// What is held against one model.
#[derive(Debug)]
pub(super) struct State {
    /// The model that it is held against.
    pub(super) version: Version,
    in_a_row: u32,
    recent: Recent,
    window: Option<Window>,
    /// How long the last window of counted failures was.
    last_counted: Option<Duration>,
    /// How long the last window of a limit was that named no end.
    last_limit: Option<Duration>,
    /// The requests in a row that met a failure which may be their own.
    suspected_by: Vec<u64>,
}

#[derive(Debug)]
struct Window {
    since: Duration,
    until: Duration,
    failure: Arc<Failure>,
    /// Whether counted failures opened it.
    counted: bool,
    /// Whether the provider has said when it ends.
    by_provider: bool,
    probe: Probe,
}

/// The one request of a window that may find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    /// Nobody yet.
    Free,
    /// One that could not wait for the window's end, or the one whose failure opened this window; if it fails (again,
    /// where its call is retried), the window stays as it is.
    Spent,
    /// The one after its end, with which a new window of the same length began.
    Due,
}

impl State {
    pub(super) fn new(version: Version) -> Self {
        Self {
            version,
            in_a_row: 0,
            recent: Recent::default(),
            window: None,
            last_counted: None,
            last_limit: None,
            suspected_by: Vec::new(),
        }
    }

    pub(super) fn open_cooldown(&self, now: Duration) -> Option<OpenCooldown> {
        self.window.as_ref().map(|window| OpenCooldown {
            remaining: window.until.saturating_sub(now),
            failure: window.failure.clone(),
            probe_free: window.probe == Probe::Free || window.until <= now,
            by_provider: window.by_provider,
        })
    }

    /// A probe that never comes back costs one window: the next one may send its own.
    pub(super) fn claim_probe(&mut self, now: Duration) -> bool {
        let Some(window) = &mut self.window else { return true };
        if window.until <= now {
            let length = window.until.saturating_sub(window.since);
            *window = Window {
                since: now,
                until: now + length,
                failure: window.failure.clone(),
                counted: window.counted,
                by_provider: false,
                probe: Probe::Due,
            };
            return true;
        }
        let free = window.probe == Probe::Free;
        if free {
            window.probe = Probe::Spent;
        }
        free
    }

    /// What was asked for before the window opened says nothing about now.
    pub(super) fn works(&mut self, called_at: Duration) {
        self.window.take_if(|window| window.since <= called_at);
        self.suspected_by.clear();
    }

    pub(super) fn answered(&mut self, now: Duration, called_at: Duration) {
        self.recent.count(now, false);
        self.works(called_at);
        self.forgive();
    }

    pub(super) fn refused(&mut self, now: Duration, called_at: Duration) {
        self.recent.count(now, false);
        self.give_back_probe(now, called_at);
        self.suspected_by.clear();
        self.forgive();
    }

    fn forgive(&mut self) {
        if self.window.is_none() {
            self.in_a_row = 0;
            self.last_counted = None;
            self.last_limit = None;
        }
    }

    /// Whether the request is the last of enough different ones.
    pub(super) fn suspected(&mut self, request: u64) -> bool {
        if self.suspected_by.len() < SUSPECTED_BY && !self.suspected_by.contains(&request) {
            self.suspected_by.push(request);
        }
        self.suspected_by.len() >= SUSPECTED_BY
    }

    /// A probe that found out nothing. While it was on its way no other call began, so the one that began after the
    /// window did is the probe.
    pub(super) fn give_back_probe(&mut self, now: Duration, called_at: Duration) {
        let Some(window) = self.window.as_mut().filter(|window| window.since <= called_at) else { return };
        match window.probe {
            Probe::Free => {}
            Probe::Spent => window.probe = Probe::Free,
            Probe::Due => {
                window.until = window.until.min(now);
                window.probe = Probe::Free;
            }
        }
    }

    /// A failure that leaves the model alone at once.
    pub(super) fn cool(&mut self, now: Duration, called_at: Duration, limit: Limit, failure: &Failure) {
        self.recent.count(now, true);
        let probed = self.window.as_ref().is_some_and(|open| open.probe == Probe::Due);
        let length = limit.reset.unwrap_or_else(|| {
            let doubled = self.last_limit.filter(|_| probed).map(|last| (last * 2).min(limit.longest));
            let length = doubled.unwrap_or(limit.first).max(limit.first);
            self.last_limit = Some(length);
            length
        });
        let (mut until, mut by_provider) = (now + length, limit.reset.is_some());
        let probe = self.window.as_ref().map_or(Probe::Free, |open| open.probe);
        if let Some(open) = self.window.as_ref().filter(|_| !probed) {
            // Of calls that were under way together the longest wait holds. One that began later knows better, if it
            // was given a time.
            let newer = by_provider && open.by_provider && called_at > open.since;
            if !newer && open.until >= until {
                (until, by_provider) = (open.until, open.by_provider);
            }
        }
        let failure = Arc::new(failure.clone());
        self.window = Some(Window { since: now, until, failure, counted: false, by_provider, probe });
    }

    /// A failure that counts.
    pub(super) fn counted(&mut self, now: Duration, called_at: Duration, failure: &Failure) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.recent.count(now, true);
        let probe = match &self.window {
            // Whoever was under way when it opened says nothing new; nor does a probe that came too early.
            Some(open) if open.since > called_at || open.probe != Probe::Due => return,
            // The probe may be retried: that is no second one.
            Some(open) if open.counted => Probe::Spent,
            // What it was left alone for is over.
            Some(_) if !self.enough(now) => {
                self.window = None;
                return;
            }
            None if !self.enough(now) => return,
            Some(_) | None => Probe::Free,
        };
        let length = self.last_counted.map_or(FIRST, |last| (last * 2).min(LONGEST));
        self.last_counted = Some(length);
        self.window = Some(Window {
            since: now,
            until: now + length,
            failure: Arc::new(failure.clone()),
            counted: true,
            by_provider: false,
            probe,
        });
    }

    fn enough(&self, now: Duration) -> bool {
        self.in_a_row >= IN_A_ROW || self.recent.half_failed(now)
    }
}

/// Attempts of the last seconds, counted by the second.
#[derive(Debug, Default)]
struct Recent([Second; SECONDS]);

#[derive(Debug, Clone, Copy, Default)]
struct Second {
    number: u64,
    attempts: u32,
    failures: u32,
}

impl Recent {
    fn count(&mut self, now: Duration, failed: bool) {
        let number = now.as_secs();
        let place = usize::try_from(number % SECONDS as u64).unwrap_or(0);
        if let Some(second) = self.0.get_mut(place) {
            if second.number != number {
                *second = Second { number, ..Second::default() };
            }
            second.attempts = second.attempts.saturating_add(1);
            second.failures = second.failures.saturating_add(u32::from(failed));
        }
    }

    fn half_failed(&self, now: Duration) -> bool {
        let number = now.as_secs();
        let recent = self.0.iter().filter(|second| second.number + SECONDS as u64 > number);
        let (attempts, failures) = recent.fold((0_u32, 0_u32), |(attempts, failures), second| {
            (attempts.saturating_add(second.attempts), failures.saturating_add(second.failures))
        });
        attempts >= AT_LEAST && failures >= attempts.div_ceil(2)
    }
}
