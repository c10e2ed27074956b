//! The state of one model: failures in a row, the recent failure rate, and the cooldown window.
//!
//! Pure: times are durations since a fixed point.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Failure, LONGEST, OpenCooldown};
use crate::domain::failure::evidence::{Evidence, Source};

/// The counted failures in a row that open a window.
pub(super) const IN_A_ROW: usize = 5;
/// The least number of attempts within [`SECONDS`] of which half must fail to open a window.
pub(super) const AT_LEAST: u32 = 20;
/// How many seconds attempts are remembered.
const SECONDS: usize = 10;
/// The first window that counted failures open. Each failed probe doubles it.
pub(super) const FIRST: Duration = Duration::from_secs(30);

/// The number of different requests in a row with an unclear limit or refusal after which the model is blamed. One request
/// alone is not enough, however long it fails: it fails fast, but the window may last for an hour.
pub(super) const SUSPECTED_BY: usize = 5;

/// The number of failures that are remembered: more than can count without a window.
const REMEMBERED: usize = 64;

/// When the model and its provider were last changed, and when its cooldown was last ended in the console.
pub(super) type Version = (DateTime<Utc>, DateTime<Utc>, Option<DateTime<Utc>>);

/// The length of a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// The time until the limit resets, if the provider says so.
    pub(super) reset: Option<Duration>,
    /// Otherwise the length of the first window.
    pub(super) first: Duration,
    /// The longest window after failed probes.
    pub(super) longest: Duration,
}

/// The state of one model.
#[derive(Debug)]
pub(super) struct State {
    /// The version of the model that the state is about.
    pub(super) version: Version,
    /// The failures in a row that no request causes.
    in_a_row: usize,
    /// The failures in a row that their requests may have caused.
    failures: Evidence<REMEMBERED>,
    /// The unclear limits and refusals in a row.
    refusals: Evidence<REMEMBERED>,
    recent: Recent,
    window: Option<Window>,
    /// The length of the last window of counted failures.
    last_counted: Option<Duration>,
    /// The length of the last window of a limit without a known end.
    last_limit: Option<Duration>,
}

/// Of which callers the requests were that say that a model fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Witness {
    /// Of one of several, or of the only one, with requests that bring what may have failed.
    OneCaller,
    /// Of at least two, or of the only one.
    AllCallers,
}

/// A counted failure, and what may have caused it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Its request and caller, if the request may have caused it.
    pub(super) source: Option<Source>,
    /// Whether an earlier call of the same request was counted.
    pub(super) repeated: bool,
}

#[derive(Debug)]
struct Window {
    since: Duration,
    until: Duration,
    failure: Arc<Failure>,
    /// Whether counted failures opened it.
    counted: bool,
    /// Whether the provider said when the window ends.
    by_provider: bool,
    probe: Probe,
}

/// The probe of a window: the one request that may call the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    /// No probe was sent.
    Free,
    /// A last-resort probe before the end of the window, or the failed call that opened the window. If it fails
    /// (again), the window stays as it is.
    Spent,
    /// The probe after the end of the window. It began a new window of the same length.
    Due,
}

impl State {
    pub(super) fn new(version: Version) -> Self {
        Self {
            version,
            in_a_row: 0,
            failures: Evidence::default(),
            refusals: Evidence::default(),
            recent: Recent::default(),
            window: None,
            last_counted: None,
            last_limit: None,
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

    /// A probe that never reports delays the next one by one window.
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

    /// Answers to calls from before the window do not end it.
    pub(super) fn works(&mut self, called_at: Duration) {
        self.window.take_if(|window| window.since <= called_at);
        self.refusals.refute();
    }

    pub(super) fn answered(&mut self, now: Duration, called_at: Duration) {
        self.recent.count(now, false);
        self.works(called_at);
        self.forgive();
    }

    pub(super) fn refused(&mut self, now: Duration, called_at: Duration) {
        self.recent.count(now, false);
        self.give_back_probe(now, called_at);
        self.refusals.refute();
        self.forgive();
    }

    fn forgive(&mut self) {
        if self.window.is_none() {
            self.in_a_row = 0;
            self.failures.refute();
            self.last_counted = None;
            self.last_limit = None;
        }
    }

    /// Adds an unclear limit or refusal. Returns which callers say that it is the model's, if there are enough requests. `alone`
    /// says whether there is no other caller than this one, `answers` whether the model answered others lately.
    pub(super) fn suspected(
        &mut self,
        now: Duration,
        source: Source,
        alone: bool,
        answers: impl Fn(u64) -> bool,
    ) -> Option<Witness> {
        self.refusals.add(source, now);
        let enough = self.refusals.requests() >= SUSPECTED_BY;
        match self.refusals.only_caller().filter(|_| enough) {
            Some(caller) if answers(caller) => None,
            Some(_) if self.refusals.may_be_shared_faults(now) => None,
            Some(_) if !alone || !self.refusals.has_plain() => Some(Witness::OneCaller),
            Some(_) | None => enough.then_some(Witness::AllCallers),
        }
    }

    /// Frees a probe that found out nothing. No other call starts during a window, so a call that started after the
    /// window opened is the probe.
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

    /// Opens a window at once.
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
            // Of concurrent calls the longest wait holds. A later call with a time from the provider replaces it.
            let newer = by_provider && open.by_provider && called_at > open.since;
            if !newer && open.until >= until {
                (until, by_provider) = (open.until, open.by_provider);
            }
        }
        let failure = Arc::new(failure.clone());
        self.window = Some(Window { since: now, until, failure, counted: false, by_provider, probe });
    }

    /// Counts a failure, and opens a window if there are enough. A single request must not close the model for others
    /// because it is sent many times, nor a single caller while the model answers others. `answers` says whether it
    /// answered others than this caller lately.
    pub(super) fn counted(
        &mut self,
        now: Duration,
        called_at: Duration,
        failure: &Failure,
        seen: Seen,
        answers: impl Fn(u64) -> bool,
    ) {
        let counts = !seen.repeated && self.add(now, seen.source, &answers);
        if counts {
            self.recent.count(now, true);
        }
        let enough = self.in_a_row + self.blamed(now, answers) >= IN_A_ROW || self.recent.half_failed(now);
        let probe = match &self.window {
            // Calls that started before the window opened change nothing, nor does an early probe.
            Some(open) if open.since > called_at || open.probe != Probe::Due => return,
            // Retries of the probe are part of it.
            Some(open) if open.counted => Probe::Spent,
            // The limit that opened the window has passed.
            Some(_) if !enough => {
                self.window = None;
                return;
            }
            None if !counts || !enough => return,
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

    /// Adds a failure. Returns whether it counts now; one that does not may count later.
    fn add(&mut self, now: Duration, source: Option<Source>, answers: impl Fn(u64) -> bool) -> bool {
        let Some(source) = source else {
            self.in_a_row = self.in_a_row.saturating_add(1);
            return true;
        };
        self.failures.add(source, now) && self.blamed(now, answers) > 0
    }

    /// The number of failures in a row that their requests may have caused and the model is blamed for.
    fn blamed(&self, now: Duration, answers: impl Fn(u64) -> bool) -> usize {
        let of_one = self.failures.only_caller().is_some_and(answers);
        let excused = of_one || self.failures.may_be_shared_faults(now);
        if excused { 0 } else { self.failures.failures() }
    }
}

/// The attempts of the last seconds, counted for each second.
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
