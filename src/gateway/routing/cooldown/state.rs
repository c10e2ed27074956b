//! The state of one model: failures in a row, the recent failure rate, and the cooldown window.
//!
//! Pure: times are durations since a fixed point.

use std::sync::Arc;
use std::time::Duration;

use super::own_limits::OwnLimits;
use super::probes::Probes;
use super::recent::Recent;
use super::{Failure, LONGEST, OpenCooldown};
use crate::domain::failure::evidence::{Evidence, Source};
use crate::store::snapshot::ModelVersion;

/// The counted failures in a row that open a window.
pub(super) const IN_A_ROW: usize = 5;
/// The first window that counted failures open. Each failed probe doubles it.
pub(super) const FIRST: Duration = Duration::from_secs(30);

/// The number of different requests in a row with an unclear limit or refusal after which the model is blamed. One request
/// alone is not enough, however long it fails: it fails fast, but the window may last for an hour.
pub(super) const SUSPECTED_BY: usize = 5;

/// The number of failures that are remembered: more than can count without a window.
const REMEMBERED: usize = 64;

/// The length of a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// The time until the limit resets, if the provider says so.
    pub(super) reset: Option<Duration>,
    /// Otherwise the length of the first window.
    pub(super) first: Duration,
    /// The longest window after failed probes.
    pub(super) longest: Duration,
    /// Whether only the requests of one of several callers met it.
    pub(super) of_one_caller: bool,
}

/// The state of one model.
#[derive(Debug)]
pub(super) struct State {
    /// The version of the model that the state is about.
    pub(super) version: ModelVersion,
    /// The failures in a row that no request causes.
    in_a_row: usize,
    /// The failures in a row that their requests may have caused.
    failures: Evidence<REMEMBERED>,
    /// The unclear limits and refusals in a row.
    refusals: Evidence<REMEMBERED>,
    recent: Recent,
    window: Option<Window>,
    probes: Probes,
    /// The limits that the requests of one caller may have reached by themselves.
    own_limits: OwnLimits,
    /// The length of the last window of counted failures.
    last_counted: Option<Duration>,
    /// The length of the last window of the only caller with failed probes.
    last_own: Option<Duration>,
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
    /// Answers to calls from before do not end it. Earlier than `since` if another probe may still be running.
    answers_from: Duration,
    until: Duration,
    failure: Arc<Failure>,
    /// Whether counted failures opened it.
    counted: bool,
    /// Whether the provider said when the window ends.
    by_provider: bool,
    probe: Probe,
    /// The caller of the probe after the end of a window, as long as it is running.
    prober: Option<u64>,
    /// The only caller with failed probes. Other callers need not wait for its window.
    only: Option<u64>,
}

impl Window {
    fn begin_probe(&mut self, now: Duration, caller: u64) {
        let length = self.until.saturating_sub(self.since);
        let of_another = self.only.is_some_and(|only| only != caller);
        if self.prober.is_none() {
            self.answers_from = now;
        }
        self.since = now;
        self.until = now + if of_another { length.min(FIRST) } else { length };
        self.by_provider = false;
        self.probe = Probe::Due;
        self.prober = Some(caller);
        self.only = None;
    }
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
    pub(super) fn new(version: ModelVersion) -> Self {
        Self {
            version,
            in_a_row: 0,
            failures: Evidence::default(),
            refusals: Evidence::default(),
            recent: Recent::default(),
            window: None,
            probes: Probes::default(),
            own_limits: OwnLimits::default(),
            last_counted: None,
            last_own: None,
            last_limit: None,
        }
    }

    /// The cooldown, for this caller if there is one. Of that of all callers and its own, the later end counts.
    pub(super) fn open_cooldown(&self, now: Duration, caller: Option<u64>) -> Option<OpenCooldown> {
        let own = caller.and_then(|caller| self.own_limits.cooldown(now, caller));
        let shared = self.window_of(now, caller);
        shared.into_iter().chain(own).max_by_key(|cooldown| cooldown.remaining)
    }

    fn window_of(&self, now: Duration, caller: Option<u64>) -> Option<OpenCooldown> {
        self.window.as_ref().map(|window| {
            let admitted =
                caller.map_or(window.until <= now, |caller| self.admits_to_probe(window, caller, now));
            OpenCooldown {
                remaining: if admitted { Duration::ZERO } else { window.until.saturating_sub(now) },
                failure: window.failure.clone(),
                probe_free: admitted || window.probe == Probe::Free,
                by_provider: window.by_provider,
            }
        })
    }

    /// Whether a request of this caller may probe the model: after the window, or beside another caller that failed alone or
    /// has a probe that is still running when this one asks again.
    fn admits_to_probe(&self, window: &Window, caller: u64, now: Duration) -> bool {
        let beside = || match window.prober {
            Some(prober) => prober != caller && self.probes.is_waiting(caller),
            None => window.only.is_some_and(|only| only != caller),
        };
        window.until <= now || beside() && self.probes.has_one_left(caller, now)
    }

    /// A probe that never reports delays the next one of its caller by one window.
    pub(super) fn claim_probe(&mut self, now: Duration, caller: u64) -> bool {
        if !self.own_limits.claim(now, caller) {
            return false;
        }
        let Some(mut window) = self.window.take() else { return true };
        let admitted = self.admits_to_probe(&window, caller, now);
        let claimed = admitted || window.probe == Probe::Free;
        if admitted {
            window.begin_probe(now, caller);
            self.probes.take(caller, now);
        } else if claimed {
            window.probe = Probe::Spent;
        }
        self.window = Some(window);
        claimed
    }

    /// Notes that a request of this caller was not called.
    pub(super) fn passed_over(&mut self, caller: u64) {
        let prober = self.window.as_ref().and_then(|window| window.prober);
        if prober.is_some_and(|prober| prober != caller) {
            self.probes.wait(caller);
        }
    }

    /// Answers to calls from before the window do not end it.
    pub(super) fn works(&mut self, called_at: Duration, caller: u64) {
        self.window.take_if(|window| window.answers_from <= called_at);
        self.own_limits.answered(caller);
        self.refusals.refute();
    }

    pub(super) fn answered(&mut self, now: Duration, called_at: Duration, caller: u64) {
        self.recent.count(now, false);
        self.works(called_at, caller);
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
            self.probes = Probes::default();
            self.last_counted = None;
            self.last_own = None;
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

    /// Adds a limit that the request may have reached by itself. It keeps its caller away for `length`. Returns whether another
    /// caller met one: then it is of the model.
    pub(super) fn limited(
        &mut self,
        now: Duration,
        called_at: Duration,
        (caller, length): (u64, Duration),
        failure: &Failure,
    ) -> bool {
        if self.own_limits.are_met_by_others(now, caller) {
            return true;
        }
        self.own_limits.meet(now, caller, length, failure);
        // It says nothing about the failure that opened a window.
        self.give_back_probe(now, called_at);
        false
    }

    /// Frees a probe that found out nothing. No other call starts during a window, so a call that started after the
    /// window opened is the probe.
    pub(super) fn give_back_probe(&mut self, now: Duration, called_at: Duration) {
        let Some(window) = self.window.as_mut().filter(|window| window.since <= called_at) else { return };
        window.prober = None;
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
        let open = self.window.as_ref().filter(|_| probed && limit.of_one_caller);
        let (only, answers_from) =
            open.map_or((None, now), |open| (open.prober.or(open.only), open.answers_from));
        if only.is_none() {
            self.probes.start_over();
        }
        self.window = Some(Window {
            since: now,
            answers_from,
            until,
            failure: Arc::new(failure.clone()),
            counted: false,
            by_provider,
            probe,
            prober: None,
            only,
        });
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
        let (probe, answers_from) = match &self.window {
            // Calls that started before the window opened change nothing, nor does an early probe.
            Some(open) if open.since > called_at || open.probe != Probe::Due => return,
            // Retries of the probe are part of it.
            Some(open) if open.counted => (Probe::Spent, open.answers_from),
            // The limit that opened the window has passed.
            Some(_) if !enough => {
                self.window = None;
                return;
            }
            None if !counts || !enough => return,
            Some(_) | None => (Probe::Free, now),
        };
        let caller = seen.source.map(|source| source.caller).filter(|_| probe == Probe::Spent);
        let only = self.probes.fail(caller);
        self.window = Some(Window {
            since: now,
            answers_from: if only.is_some() { answers_from } else { now },
            until: now + self.lengthen(only.is_some()),
            failure: Arc::new(failure.clone()),
            counted: true,
            by_provider: false,
            probe,
            prober: None,
            only,
        });
    }

    /// The length of the next window of counted failures: of the only caller with failed probes, or of all callers.
    fn lengthen(&mut self, of_one: bool) -> Duration {
        let last = self.last_own.filter(|_| of_one).or(self.last_counted);
        let length = last.map_or(FIRST, |last| (last * 2).min(LONGEST));
        if of_one {
            self.last_own = Some(length);
        } else {
            self.last_own = None;
            self.last_counted = Some(length);
            self.probes.start_over();
        }
        length
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
