//! Limits that a request may have reached by itself keep its caller away, and only for a short time.

use super::*;

/// A limit that ends in so many seconds.
fn limit(seconds: Option<u64>) -> Failure {
    Failure {
        scope: FailureScope::UnclearLimit,
        retry_after: seconds.map(Duration::from_secs),
        ..Failure::ours(RateLimited, "status:429", "no")
    }
}

impl Bench {
    /// A limit that a request of this caller met, which asks for much.
    fn meet(&self, caller: u64, seconds: Option<u64>) {
        let failure = limit(seconds);
        let Blame::UnclearLimit(limit) = failure.blame() else { panic!("it is unclear") };
        self.cooldowns.limited(&self.model, limit, self.cooldowns.now(), caller);
    }

    /// How many seconds the caller is kept away, and whether it has a call nevertheless.
    fn kept_away(&self, caller: u64) -> Option<(u64, bool)> {
        let cooldown = self.cooldowns.state_for(&self.model, caller).into_cooldown()?;
        Some((cooldown.remaining.as_secs(), cooldown.probe_free))
    }
}

#[test]
fn one_caller_is_kept_away_for_half_a_minute_at_most_and_no_other_one() {
    for (reset, seconds) in [(None, 5), (Some(2), 2), (Some(30), 30), (Some(3_600), 30)] {
        let bench = bench();
        bench.meet(1, reset);
        assert_eq!(bench.kept_away(1), Some((seconds, true)), "{reset:?}");
        assert_eq!((bench.kept_away(2), bench.cooldown()), (None, None), "{reset:?}");
        assert!(bench.cooldowns.claim_probe(&bench.model, 2) && bench.cooldowns.claim_probe(&bench.model, 2));
        bench.wait(seconds);
        assert_eq!(bench.kept_away(1), None, "{reset:?}");
        assert_eq!(bench.cooldowns.open_count(), 0);
    }
}

#[test]
fn the_caller_has_one_call_before_that_which_changes_nothing() {
    let bench = bench();
    bench.meet(1, Some(3_600));
    bench.wait(10);
    assert!(bench.cooldowns.claim_probe(&bench.model, 1));
    assert!(!bench.cooldowns.claim_probe(&bench.model, 1));
    bench.meet(1, Some(3_590));
    assert_eq!(bench.kept_away(1), Some((20, false)));
    // Again and again it says no more.
    for _ in 0..20 {
        bench.wait(30);
        bench.meet(1, Some(3_600));
        assert_eq!((bench.kept_away(1), bench.cooldown()), (Some((30, true)), None));
    }
}

#[test]
fn a_second_caller_or_a_request_that_asks_for_little_proves_it_to_its_end() {
    let bench = bench();
    bench.meet(1, Some(3_600));
    bench.meet(2, Some(3_000));
    assert_eq!(bench.cooldown(), Some((3_000, true)));
    assert_eq!((bench.kept_away(1), bench.kept_away(3)), (Some((3_000, true)), Some((3_000, true))));
    let bench = super::bench();
    bench.meet(1, Some(3_600));
    bench.fail_with(RateLimited, Some(3_600));
    assert_eq!((bench.cooldown(), bench.kept_away(2)), (Some((3_600, true)), Some((3_600, true))));
}

#[test]
fn an_answer_to_another_caller_and_the_end_of_a_limit_refute_it() {
    let bench = bench();
    bench.meet(1, Some(3_600));
    bench.cooldowns.answered(&bench.model, bench.cooldowns.now(), 2);
    bench.meet(2, Some(3_600));
    assert_eq!(bench.cooldown(), None, "the model answers others");
    assert_eq!(bench.kept_away(1), Some((30, true)), "it is kept away nevertheless");
    bench.cooldowns.answered(&bench.model, bench.cooldowns.now(), 1);
    assert_eq!(bench.kept_away(1), None, "until it is answered itself");
    let bench = super::bench();
    bench.meet(1, Some(600));
    bench.wait(600);
    bench.meet(2, Some(3_600));
    assert_eq!(bench.cooldown(), None, "the first one has passed");
}

#[test]
fn a_probe_that_meets_such_a_limit_finds_out_nothing_of_the_failure_before() {
    let bench = bench();
    (0..5).for_each(|_| bench.fail(Unavailable));
    bench.wait(30);
    assert!(bench.cooldowns.claim_probe(&bench.model, 1));
    bench.meet(1, Some(3_600));
    assert_eq!((bench.kept_away(1), bench.kept_away(2)), (Some((30, true)), Some((0, true))));
    assert!(bench.cooldowns.claim_probe(&bench.model, 2));
}

#[test]
fn it_stays_small_and_is_gone_with_the_model() {
    let mut bench = bench();
    bench.meet(1, Some(60));
    bench.model.updated_at += chrono::TimeDelta::seconds(1);
    assert_eq!(bench.kept_away(1), None, "a changed model is another one");
    // Answers between them keep them apart.
    for caller in 0..100 {
        bench.cooldowns.answered(&bench.model, bench.cooldowns.now(), 1_000);
        bench.meet(caller, Some(60));
    }
    let kept = (0..100).filter(|caller| bench.kept_away(*caller).is_some()).count();
    assert_eq!(kept, 32);
}
