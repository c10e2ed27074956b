//! A caller with probes that fail, and the other callers of the model.

use super::*;

impl Bench {
    fn as_caller(&self, caller: u64) -> &Self {
        self.caller.store(caller, Ordering::Relaxed);
        self
    }

    /// The cooldown in seconds as this caller meets it.
    fn left_for(&self, caller: u64) -> Option<u64> {
        let cooldown = self.cooldowns.state_for(&self.model, caller).into_cooldown()?;
        Some(cooldown.remaining.as_secs())
    }

    fn pass_over(&self, caller: u64) {
        self.cooldowns.passed_over(&self.model, caller);
    }
}

/// A model after its first cooldown.
fn half_open() -> Bench {
    let bench = bench();
    (0..5).for_each(|_| bench.fail(ErrorClass::Overloaded));
    bench.wait(30);
    bench
}

#[test]
fn a_failed_probe_of_one_caller_does_not_keep_another_one_waiting() {
    let bench = half_open();
    for _ in 0..4 {
        assert!(bench.as_caller(1).probe());
        bench.fail_of(7);
        let own = bench.left_for(1).expect("it is open");
        assert!(own >= 60 && !bench.probe(), "{own}");
        bench.wait(own);
    }
    assert!(bench.probe());
    bench.fail_of(7);
    assert_eq!(bench.left_for(2), Some(0));
    assert!(bench.as_caller(2).probe());
    bench.answer();
    assert_eq!(bench.cooldown(), None);
}

#[test]
fn failed_probes_of_two_callers_close_it_to_all_twice_as_long_as_before() {
    let bench = half_open();
    for seconds in [60, 120, 240, 300, 300] {
        assert!(bench.as_caller(1).probe());
        bench.fail_of(7);
        assert!(bench.as_caller(2).probe());
        bench.fail_of(8);
        for caller in [1, 2, 3] {
            assert_eq!(bench.left_for(caller), Some(seconds));
            assert!(!bench.as_caller(caller).probe());
        }
        bench.wait(seconds);
    }
}

#[test]
fn a_failure_that_no_request_causes_closes_it_to_all() {
    let bench = half_open();
    assert!(bench.probe());
    bench.fail(ErrorClass::Overloaded);
    assert_eq!((bench.left_for(1), bench.left_for(2)), (Some(60), Some(60)));
}

#[test]
fn a_caller_that_was_passed_over_does_not_wait_for_a_slow_probe_again() {
    let bench = half_open();
    assert!(bench.as_caller(1).probe());
    let called_at = bench.cooldowns.now();
    bench.wait(1);
    assert!(!bench.as_caller(2).probe(), "one request finds out");
    bench.pass_over(1);
    bench.pass_over(2);
    assert!(!bench.as_caller(1).probe() && !bench.as_caller(3).probe());
    assert!(bench.as_caller(2).probe());
    assert!(!bench.probe(), "once");
    // What becomes of the slow one says nothing now, unless it is answered.
    bench.cooldowns.undecided(&bench.model, called_at);
    assert_eq!(bench.left_for(1), Some(30), "the other probe is running");
    bench.cooldowns.answered(&bench.model, called_at, 1);
    assert_eq!(bench.cooldown(), None);
}

#[test]
fn each_caller_probes_a_dead_model_at_most_once_in_half_a_minute() {
    let bench = half_open();
    let mut calls = [0; 3];
    for _ in 0..120 {
        for (caller, calls) in (1..).zip(&mut calls) {
            if bench.as_caller(caller).probe() {
                *calls += 1;
            } else {
                bench.pass_over(caller);
            }
        }
        bench.wait(1);
    }
    // All hang: none of them reports.
    assert!(calls.iter().all(|calls| (1..=5).contains(calls)), "{calls:?}");
}

#[test]
fn a_limit_that_one_of_several_callers_meets_again_is_its_own() {
    let bench = bench();
    assert!((0..4).all(|request| !bench.suspect_until(request, Some(40_000))));
    assert!(bench.suspect_until(4, Some(40_000)));
    assert_eq!((bench.left_for(1), bench.left_for(2)), (Some(30), Some(30)));
    bench.wait(30);
    assert!(bench.probe());
    assert!(bench.suspect_until(5, Some(40_000)));
    assert_eq!((bench.left_for(1), bench.left_for(2)), (Some(30), Some(0)));
}

#[test]
fn a_refusal_that_one_of_several_callers_meets_closes_it_for_half_a_minute() {
    let bench = bench();
    let failure =
        Failure { scope: FailureScope::Open, ..Failure::ours(ErrorClass::Authentication, "test", "no") };
    let Blame::Open(open) = failure.blame() else { panic!("it is open") };
    for request in 0..5 {
        let source = bench.source(request);
        if let Some(failure) = bench.cooldowns.suspected(&bench.model, open, source, false) {
            bench.cooldowns.failed(&bench.model, failure, bench.cooldowns.now(), false);
        }
    }
    assert_eq!(bench.cooldown(), Some((30, true)));
}
