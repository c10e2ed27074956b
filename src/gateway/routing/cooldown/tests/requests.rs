//! Failures that a request may cause count once for each different request.

use super::*;

impl Bench {
    /// Sets the caller of what follows.
    fn call_as(&self, caller: u64) {
        self.caller.store(caller, Ordering::Relaxed);
    }
}

#[test]
fn a_request_that_is_sent_again_and_again_counts_once() {
    let bench = bench();
    (0..50).for_each(|_| bench.fail_of(7));
    (0..3).for_each(|request| bench.fail_of(request));
    assert_eq!(bench.cooldown(), None);
    bench.answer();
    // Answers to others do not let it count again and again either.
    for _ in 0..30 {
        bench.fail_of(7);
        bench.answer();
    }
    assert_eq!(bench.cooldown(), None);
    (0..4).for_each(|request| bench.fail_of(10 + request));
    assert_eq!(bench.cooldown(), None);
    bench.fail_of(14);
    assert_eq!(bench.cooldown(), Some((30, true)));
    // A probe counts, of whatever request.
    bench.wait(30);
    assert!(bench.probe());
    bench.fail_of(7);
    assert_eq!(bench.cooldown(), Some((60, false)));
}

#[test]
fn a_known_request_does_not_close_a_model_that_has_begun_to_answer() {
    let bench = bench();
    (0..5).for_each(|request| bench.fail_of(request));
    bench.wait(30);
    assert!(bench.probe());
    bench.cooldowns.began(&bench.model, bench.cooldowns.now(), 1);
    bench.fail_of(3);
    assert_eq!(bench.cooldown(), None);
    bench.fail_of(5);
    assert_eq!(bench.cooldown().map(|(left, _)| left), Some(60));
}

#[test]
fn one_caller_does_not_close_a_model_that_answers_another() {
    let bench = bench();
    bench.call_as(2);
    bench.answer();
    bench.call_as(1);
    (0..40).for_each(|request| bench.fail_of(request));
    assert!((0..40).all(|request| !bench.suspect(request)));
    assert_eq!(bench.cooldown(), None);
    // Nor with failures between the answers to others.
    for request in 0..40 {
        bench.call_as(2);
        bench.answer();
        bench.call_as(1);
        bench.fail_of(request);
    }
    assert_eq!(bench.cooldown(), None);
    (0..4).for_each(|request| bench.fail_of(100 + request));
    bench.call_as(2);
    bench.fail_of(200);
    assert_eq!(bench.cooldown(), Some((30, true)), "now both fail");
}

#[test]
fn two_callers_with_limits_that_say_nothing_close_a_model() {
    let bench = bench();
    bench.call_as(2);
    bench.answer();
    bench.call_as(1);
    assert!((0..9).all(|request| !bench.suspect(request)));
    bench.call_as(2);
    assert!(bench.suspect(20));
    assert_eq!(bench.cooldown(), Some((60, true)));
}

#[test]
fn a_caller_that_is_alone_closes_a_dead_model() {
    let bench = bench();
    bench.call_as(2);
    bench.answer();
    bench.call_as(1);
    bench.answer();
    bench.wait(121);
    (0..4).for_each(|request| bench.fail_of(request));
    assert_eq!(bench.cooldown(), None);
    bench.fail_of(4);
    assert_eq!(bench.cooldown(), Some((30, true)));
}
