//! Failures that a request may cause, as evidence against the model.

use super::*;

impl Bench {
    /// Sets the caller of what follows.
    fn call_as(&self, caller: u64) {
        self.caller.store(caller, Ordering::Relaxed);
    }

    /// Sets whether what follows is of requests that bring what may have failed.
    fn bring(&self, something: bool) {
        self.plain.store(!something, Ordering::Relaxed);
    }
}

#[test]
fn a_burst_and_the_retries_of_a_request_count_once() {
    let bench = bench();
    (0..50).for_each(|_| bench.fail_of(7));
    (0..3).for_each(|request| bench.fail_of(request));
    bench.wait(9);
    (0..50).for_each(|_| bench.fail_of(7));
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
fn a_poller_with_one_body_closes_a_dead_model() {
    for (every, calls) in [(60, 5), (10, 5), (5, 9), (1, 41)] {
        let bench = bench();
        let closed = (1..).find(|_| {
            bench.fail_of(7);
            let closed = bench.cooldown().is_some();
            bench.wait(every);
            closed
        });
        assert_eq!(closed, Some(calls), "every {every} s");
    }
    // With answers in between it does not.
    let bench = bench();
    for turn in 1..50 {
        bench.wait(10);
        bench.fail_of(7);
        assert_eq!(bench.cooldown(), None);
        if turn % 4 == 0 {
            bench.answer();
        }
    }
}

#[test]
fn the_retries_within_one_request_never_count_again() {
    let bench = bench();
    bench.fail_of(7);
    for _ in 0..9 {
        bench.wait(60);
        bench.fail_again(Unavailable);
    }
    assert_eq!(bench.cooldown(), None);
}

#[test]
fn an_unclear_refusal_of_one_request_closes_no_model_however_long_it_lasts() {
    let bench = bench();
    for _ in 0..20 {
        bench.wait(60);
        assert!(!bench.suspect(7));
    }
    assert!((0..3).all(|request| !bench.suspect(request)));
    assert!(bench.suspect(3));
}

#[test]
fn a_known_request_does_not_close_a_model_that_has_begun_to_answer() {
    let bench = bench();
    (0..5).for_each(|request| bench.fail_of(request));
    bench.wait(9);
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
    // Nor with failures between the answers to others, for however long.
    for request in 0..200 {
        bench.call_as(2);
        bench.answer();
        bench.call_as(1);
        bench.fail_of(request);
        bench.wait(1);
    }
    assert_eq!(bench.cooldown(), None);
    (0..4).for_each(|request| bench.fail_of(300 + request));
    bench.call_as(2);
    bench.fail_of(400);
    assert_eq!(bench.cooldown(), Some((30, true)), "now both fail");
}

#[test]
fn what_one_caller_failed_with_counts_after_half_a_minute_without_answers_to_others() {
    for (every, at_most) in [(1, 30), (5, 30), (10, 40)] {
        let bench = bench();
        bench.call_as(2);
        bench.answer();
        bench.call_as(1);
        let closed = (0..).find(|call| {
            bench.fail_of(*call);
            let closed = bench.cooldown().is_some();
            bench.wait(every);
            closed
        });
        let seconds = closed.expect("it closes") * every;
        assert!((30..=at_most).contains(&seconds), "after {seconds} s, every {every} s");
    }
}

#[test]
fn a_failure_that_no_request_causes_does_not_make_doubtful_ones_count() {
    let bench = bench();
    bench.call_as(2);
    bench.answer();
    bench.call_as(1);
    (0..4).for_each(|request| bench.fail_of(request));
    bench.fail(ErrorClass::Overloaded);
    assert_eq!(bench.cooldown(), None);
    (0..4).for_each(|_| bench.fail(ErrorClass::Overloaded));
    assert_eq!(bench.cooldown(), Some((30, true)));
}

#[test]
fn doubtful_failures_do_not_hide_that_half_of_the_rest_fails() {
    let bench = bench();
    for request in 0..11 {
        bench.call_as(2);
        bench.answer();
        bench.call_as(1);
        bench.fail_of(100 + request);
        bench.call_as(3);
        bench.fail_of(200 + request);
    }
    assert_eq!(bench.cooldown(), Some((30, true)));
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
fn a_limit_that_only_one_of_several_callers_meets_is_not_believed_for_long() {
    let far = Some(40_000);
    let bench = bench();
    assert!((0..4).all(|request| !bench.suspect_until(request, far)));
    assert!(bench.suspect_until(4, far));
    assert_eq!(bench.cooldown(), Some((30, true)));
    bench.wait(30);
    assert!(bench.probe());
    assert!(bench.suspect_until(5, far));
    assert_eq!(bench.cooldown().map(|(left, _)| left), Some(30), "the probe of the same caller says no more");
    bench.wait(30);
    bench.call_as(2);
    assert!(bench.probe());
    assert!(bench.suspect_until(6, far));
    assert_eq!(bench.cooldown().map(|(left, _)| left), Some(40_000), "now two met it");
}

#[test]
fn a_limit_that_the_only_caller_meets_is_believed_to_its_end() {
    let bench = bench();
    bench.alone.store(true, Ordering::Relaxed);
    assert!((0..4).all(|request| !bench.suspect_until(request, Some(40_000))));
    assert!(bench.suspect_until(4, Some(40_000)));
    assert_eq!(bench.cooldown(), Some((40_000, true)));
}

#[test]
fn a_caller_that_is_alone_closes_a_dead_model() {
    let bench = bench();
    bench.call_as(2);
    bench.answer();
    bench.call_as(1);
    bench.answer();
    bench.wait(30);
    (0..4).for_each(|request| bench.fail_of(request));
    assert_eq!(bench.cooldown(), None);
    bench.fail_of(4);
    assert_eq!(bench.cooldown(), Some((30, true)));
}

#[test]
fn a_failure_that_may_be_the_requests_own_counts_once_different_requests_have_met_it() {
    let bench = bench();
    assert!((0..50).all(|_| !bench.suspect(7)), "one request, again and again");
    assert!((1..=3).all(|request| !bench.suspect(request)));
    bench.answer();
    assert!((11..=14).all(|request| !bench.suspect(request)), "an answer between them starts over");
    assert_eq!(bench.cooldown(), None);
    assert!(bench.suspect(15));
    assert_eq!(bench.cooldown(), Some((30, true)));
}

#[test]
fn what_one_caller_brings_closes_no_model_until_a_plain_request_or_another_caller_fails() {
    let six = || {
        let bench = bench();
        bench.bring(true);
        (0..6).for_each(|request| bench.fail_of(request));
        assert_eq!(bench.cooldown(), None);
        bench
    };
    let bench = six();
    bench.bring(false);
    bench.answer();
    (10..14).for_each(|request| bench.fail_of(request));
    assert_eq!(bench.cooldown(), None, "they say nothing after an answer");
    let bench = six();
    bench.bring(false);
    bench.fail_of(10);
    assert_eq!(bench.cooldown(), Some((30, true)), "a plain one fails as well");
    let bench = six();
    bench.call_as(2);
    bench.fail_of(10);
    assert_eq!(bench.cooldown(), Some((30, true)), "another caller meets it");
}

#[test]
fn what_fails_for_a_minute_is_dead_whatever_is_brought() {
    let bench = bench();
    bench.bring(true);
    for request in 0..12 {
        bench.fail_of(request);
        assert_eq!(bench.cooldown(), None, "after {} s", request * 5);
        bench.wait(5);
    }
    bench.fail_of(12);
    assert_eq!(bench.cooldown(), Some((30, true)));
}

#[test]
fn many_requests_that_bring_what_fails_are_not_half_of_all() {
    let bench = bench();
    for request in 0..40 {
        bench.bring(true);
        bench.fail_of(request);
        bench.bring(false);
        bench.answer();
    }
    assert_eq!(bench.cooldown(), None);
}

#[test]
fn plain_requests_close_a_dead_model_as_soon_as_ever() {
    let bench = bench();
    (0..4).for_each(|request| bench.fail_of(request));
    assert_eq!(bench.cooldown(), None);
    bench.fail_of(4);
    assert_eq!(bench.cooldown(), Some((30, true)));
}

#[test]
fn a_limit_of_what_the_only_caller_brings_is_not_believed_for_long() {
    let far = Some(40_000);
    let bench = bench();
    bench.alone.store(true, Ordering::Relaxed);
    bench.bring(true);
    for request in 0..12 {
        assert!(!bench.suspect_until(request, far));
        bench.wait(5);
    }
    assert!(bench.suspect_until(12, far));
    assert_eq!(bench.cooldown(), Some((30, true)));
    bench.wait(30);
    assert!(bench.probe());
    bench.bring(false);
    assert!(bench.suspect_until(13, far));
    assert_eq!(bench.cooldown().map(|(left, _)| left), Some(40_000), "a plain request meets it");
}
