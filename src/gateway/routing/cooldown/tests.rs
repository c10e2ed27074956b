//! When a model is left alone, for how long, and who may find out.

mod own_limits;
mod probes;
mod requests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;
use crate::domain::clock::ManualClock;
use crate::domain::failure::Blame;
use crate::domain::failure::class::ErrorClass;
use crate::domain::failure::scope::FailureScope;
use crate::store::snapshot::samples;
use ErrorClass::{InvalidRequest, QuotaExhausted, RateLimited, Unavailable};

struct Bench {
    cooldowns: Cooldowns,
    hand: ManualClock,
    model: ModelEntry,
    requests: AtomicU64,
    caller: AtomicU64,
    alone: AtomicBool,
    plain: AtomicBool,
}

fn bench() -> Bench {
    let (clock, hand) = Clock::manual(DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1));
    let model = samples::model("model", samples::provider("custom"));
    Bench {
        cooldowns: Cooldowns::new(clock, true),
        hand,
        model,
        requests: AtomicU64::new(0),
        caller: AtomicU64::new(1),
        alone: AtomicBool::new(false),
        plain: AtomicBool::new(true),
    }
}

impl Bench {
    fn fail(&self, class: ErrorClass) {
        self.fail_with(class, None);
    }

    fn fail_with(&self, class: ErrorClass, retry_after: Option<u64>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.report(class, retry_after, false);
    }

    /// A failure of this request, which is sent again and again.
    fn fail_of(&self, request: u64) {
        self.requests.store(request, Ordering::Relaxed);
        self.report(Unavailable, None, false);
    }

    /// The retry of a request that failed before.
    fn fail_again(&self, class: ErrorClass) {
        self.report(class, None, true);
    }

    fn report(&self, class: ErrorClass, retry_after: Option<u64>, repeated: bool) {
        let retry_after = retry_after.map(Duration::from_secs);
        let failure = Failure { retry_after, ..Failure::ours(class, "test", "failed") };
        let now = self.cooldowns.now();
        match failure.blame() {
            Blame::Request => self.cooldowns.refused(&self.model, now),
            Blame::Model(failure) => self.cooldowns.failed(&self.model, failure, now, repeated),
            Blame::Open(failure) => {
                let source = self.source(self.requests.load(Ordering::Relaxed));
                self.cooldowns.failed_openly(&self.model, failure, now, repeated, source);
            }
            Blame::UnclearLimit(failure) => {
                self.cooldowns.limited(&self.model, failure, now, self.caller.load(Ordering::Relaxed));
            }
        }
    }

    fn source(&self, request: u64) -> Source {
        let (caller, plain) = (self.caller.load(Ordering::Relaxed), self.plain.load(Ordering::Relaxed));
        Source { request, caller, plain }
    }

    /// A failure that may be the request's own.
    fn suspect(&self, request: u64) -> bool {
        self.suspect_until(request, None)
    }

    /// A limit that may be the request's own, with a reset time in seconds.
    fn suspect_until(&self, request: u64, reset: Option<u64>) -> bool {
        let failure = Failure {
            scope: FailureScope::Open,
            retry_after: reset.map(Duration::from_secs),
            ..Failure::ours(QuotaExhausted, "test", "no")
        };
        let Blame::Open(open) = failure.blame() else { panic!("it is open") };
        let source = self.source(request);
        match self.cooldowns.suspected(&self.model, open, source, self.alone.load(Ordering::Relaxed)) {
            Some(failure) => {
                self.cooldowns.failed(&self.model, failure, self.cooldowns.now(), false);
                true
            }
            None => false,
        }
    }

    fn answer(&self) {
        self.cooldowns.answered(&self.model, self.cooldowns.now(), self.caller.load(Ordering::Relaxed));
    }

    fn wait(&self, seconds: u64) {
        self.hand.advance(Duration::from_secs(seconds));
    }

    /// Seconds left and whether a probe is free; none if it is cool.
    fn cooldown(&self) -> Option<(u64, bool)> {
        let cooldown = self.cooldowns.state(&self.model).into_cooldown()?;
        Some((cooldown.remaining.as_secs(), cooldown.probe_free))
    }

    fn probe(&self) -> bool {
        self.cooldowns.claim_probe(&self.model, self.caller.load(Ordering::Relaxed))
    }
}

#[test]
fn five_counted_failures_in_a_row_open_it_and_an_answer_between_them_does_not_let_them() {
    let bench = bench();
    (0..4).for_each(|_| bench.fail(Unavailable));
    assert_eq!(bench.cooldown(), None);
    bench.answer();
    (0..4).for_each(|_| bench.fail(Unavailable));
    // The provider found fault with the request: it is there.
    bench.fail(InvalidRequest);
    (0..4).for_each(|_| bench.fail(Unavailable));
    assert_eq!(bench.cooldown(), None);
    bench.fail(Unavailable);
    assert_eq!(bench.cooldown(), Some((30, true)));
    assert_eq!(bench.cooldowns.open_count(), 1);
}

#[test]
fn the_retries_of_a_request_count_once() {
    let bench = bench();
    for _ in 0..4 {
        bench.fail(Unavailable);
        (0..5).for_each(|_| bench.fail_again(Unavailable));
        assert_eq!(bench.cooldown(), None);
    }
    bench.fail(Unavailable);
    assert_eq!(bench.cooldown(), Some((30, true)));
    // The retry of a probe that failed is no second probe.
    bench.wait(30);
    assert!(bench.probe());
    bench.fail(Unavailable);
    bench.fail_again(Unavailable);
    assert_eq!(bench.cooldown(), Some((60, false)));
}

#[test]
fn half_of_twenty_within_ten_seconds_open_it() {
    let mix = |wait: u64| {
        let bench = bench();
        for _ in 0..10 {
            bench.fail(Unavailable);
            bench.answer();
            bench.wait(wait);
        }
        bench.fail(Unavailable);
        bench.cooldown()
    };
    assert_eq!(mix(0), Some((30, true)));
    // Spread over more than ten seconds they are a nuisance only.
    assert_eq!(mix(1), None);
}

#[test]
fn a_failed_probe_doubles_the_time_up_to_five_minutes_and_an_answer_ends_it() {
    let bench = bench();
    (0..5).for_each(|_| bench.fail(Unavailable));
    for seconds in [30, 60, 120, 240, 300, 300] {
        assert_eq!(bench.cooldown().map(|(left, _)| left), Some(seconds));
        bench.wait(seconds);
        assert_eq!(bench.cooldown(), Some((0, true)));
        assert!(bench.probe());
        assert!(!bench.probe(), "one probe and no more");
        bench.fail(Unavailable);
        assert!(!bench.probe(), "the failed probe was this window's");
    }
    bench.wait(300);
    assert!(bench.probe());
    bench.answer();
    assert_eq!(bench.cooldown(), None);
    (0..5).for_each(|_| bench.fail(Unavailable));
    assert_eq!(bench.cooldown().map(|(left, _)| left), Some(30));
}

#[test]
fn the_retries_of_a_probe_double_the_time_no_more_than_once() {
    let bench = bench();
    (0..5).for_each(|_| bench.fail(Unavailable));
    bench.wait(30);
    assert!(bench.probe());
    bench.fail(Unavailable);
    bench.wait(1);
    bench.fail(Unavailable);
    assert_eq!(bench.cooldown(), Some((59, false)));
}

#[test]
fn an_early_probe_that_fails_leaves_the_time_as_it_is() {
    let bench = bench();
    (0..5).for_each(|_| bench.fail(Unavailable));
    bench.wait(10);
    assert!(bench.probe());
    bench.fail(Unavailable);
    assert_eq!(bench.cooldown(), Some((20, false)));
    bench.wait(10);
    assert!(!bench.probe());
    bench.wait(10);
    assert!(bench.probe());
}

#[test]
fn a_probe_that_never_comes_back_costs_one_window() {
    let bench = bench();
    (0..5).for_each(|_| bench.fail(Unavailable));
    bench.wait(30);
    assert!(bench.probe());
    bench.wait(29);
    assert!(!bench.probe());
    bench.wait(1);
    assert!(bench.probe());
}

#[test]
fn a_limit_is_believed_until_it_starts_over_however_far_that_is() {
    for (retry_after, seconds) in [(None, 5), (Some(2), 2), (Some(90), 90), (Some(6 * 3_600), 6 * 3_600)] {
        let bench = bench();
        bench.fail_with(RateLimited, retry_after);
        assert_eq!(bench.cooldown(), Some((seconds, true)), "{retry_after:?}");
    }
    let bench = bench();
    bench.fail(QuotaExhausted);
    assert_eq!(bench.cooldown(), Some((60, true)));
    // Of two waits the longer one holds.
    bench.fail_with(RateLimited, Some(10));
    assert_eq!(bench.cooldown(), Some((60, true)));
}

#[test]
fn until_a_far_reset_one_early_probe_is_all_that_is_called() {
    let bench = bench();
    bench.fail_with(QuotaExhausted, Some(24 * 3_600));
    bench.wait(60);
    assert!(bench.probe(), "where no other model is left");
    bench.fail_with(QuotaExhausted, Some(24 * 3_600 - 60));
    for _ in 0..23 {
        bench.wait(3_600);
        assert!(!bench.probe());
    }
    assert_eq!(bench.cooldown(), Some((3_540, false)));
    bench.wait(3_540);
    assert!(bench.probe());
}

#[test]
fn a_later_call_knows_better_when_the_limit_ends() {
    let bench = bench();
    bench.fail_with(RateLimited, Some(100_000));
    bench.wait(1);
    assert!(bench.probe());
    bench.fail_with(RateLimited, Some(7));
    assert_eq!(bench.cooldown(), Some((7, false)));
}

#[test]
fn a_quota_without_an_end_doubles_up_to_an_hour() {
    let bench = bench();
    bench.fail(QuotaExhausted);
    for seconds in [60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
        assert_eq!(bench.cooldown().map(|(left, _)| left), Some(seconds));
        bench.wait(seconds);
        assert!(bench.probe());
        bench.fail(QuotaExhausted);
    }
    bench.wait(3_600);
    assert!(bench.probe());
    bench.answer();
    bench.fail(QuotaExhausted);
    assert_eq!(bench.cooldown(), Some((60, true)));
}

#[test]
fn a_probe_that_finds_out_nothing_is_given_back() {
    let bench = bench();
    (0..5).for_each(|_| bench.fail(Unavailable));
    bench.wait(30);
    assert!(bench.probe());
    let called_at = bench.cooldowns.now();
    bench.wait(2);
    assert!(!bench.probe());
    bench.cooldowns.undecided(&bench.model, called_at);
    assert_eq!(bench.cooldown(), Some((0, true)));
    assert!(bench.probe());
    bench.fail(InvalidRequest);
    assert!(bench.probe(), "a refused request is no answer to the question either");
    bench.fail(Unavailable);
    assert_eq!(bench.cooldown().map(|(left, _)| left), Some(60));
    // An early one likewise; one that began before the window did not take it.
    let bench = super::tests::bench();
    let before = bench.cooldowns.now();
    bench.wait(1);
    bench.fail_with(RateLimited, Some(50));
    assert!(bench.probe());
    bench.cooldowns.undecided(&bench.model, before);
    assert!(!bench.probe());
    bench.cooldowns.undecided(&bench.model, bench.cooldowns.now());
    assert!(bench.probe());
    assert_eq!(bench.cooldown().map(|(left, _)| left), Some(50));
}

#[test]
fn what_was_asked_for_before_it_opened_says_nothing_about_now() {
    let bench = bench();
    let called_at = bench.cooldowns.now();
    bench.wait(1);
    bench.fail_with(RateLimited, Some(20));
    bench.cooldowns.answered(&bench.model, called_at, 1);
    bench.cooldowns.began(&bench.model, called_at, 1);
    assert_eq!(bench.cooldown(), Some((20, true)));
    bench.wait(20);
    assert!(bench.probe());
    bench.answer();
    assert_eq!(bench.cooldown(), None);
}

#[test]
fn a_probe_that_fails_otherwise_counts_from_the_start() {
    let bench = bench();
    bench.fail_with(RateLimited, Some(3));
    bench.wait(3);
    assert!(bench.probe());
    bench.fail(Unavailable);
    assert_eq!(bench.cooldown(), None);
}

#[test]
fn streams_that_always_break_are_left_alone_although_they_begin() {
    let bench = bench();
    for _ in 0..5 {
        assert_eq!(bench.cooldown(), None);
        bench.cooldowns.began(&bench.model, bench.cooldowns.now(), 1);
        bench.fail(ErrorClass::StreamInterrupted);
    }
    assert_eq!(bench.cooldown(), Some((30, true)));
}

#[test]
fn a_changed_model_or_provider_is_another_one() {
    let later = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1);
    let mut bench = bench();
    bench.fail(QuotaExhausted);
    bench.model.cooldown_ended_at = Some(later);
    assert_eq!(bench.cooldown(), None);
    bench.fail(QuotaExhausted);
    bench.model.updated_at = later;
    assert_eq!(bench.cooldown(), None);
    bench.fail(QuotaExhausted);
    let provider = Arc::get_mut(&mut bench.model.provider).expect("nobody else has it");
    provider.updated_at = later;
    assert_eq!(bench.cooldown(), None);
}

#[test]
fn switched_off_it_leaves_nobody_alone() {
    let bench = bench();
    let cooldowns = Cooldowns::new(bench.cooldowns.clock.clone(), false);
    let bench = Bench { cooldowns, ..bench };
    (0..9).for_each(|_| bench.fail(QuotaExhausted));
    assert_eq!(bench.cooldown(), None);
}
