//! Retries, and what the deadline leaves.

use super::*;
use ErrorClass::{InvalidResponse, Overloaded, RateLimited, StreamInterrupted, Timeout, Unavailable};

fn input(millis: u64) -> DecisionInput<'static> {
    DecisionInput { left: Duration::from_millis(millis), ..PLENTY }
}

fn list(count: usize) -> Plan {
    Plan::of_list((0..count).map(|number| model(&number.to_string(), true)).collect(), Limits::default())
}

/// The next call's name, wait and allowance.
fn call(step: Step) -> (String, Duration, Duration) {
    match step {
        Step::Try { candidate, after, time_budget } => (candidate.model.name.to_string(), after, time_budget),
        Step::Skip(..) | Step::Fetch | Step::Exhausted(_) => panic!("no call: {step:?}"),
    }
}

fn rate_limited(wait: Option<u64>) -> Failure {
    Failure { retry_after: wait.map(Duration::from_millis), ..failure(RateLimited) }
}

#[test]
fn only_a_stumble_is_tried_again_and_only_as_often_as_was_said() {
    for class in ErrorClass::ALL.into_iter().take(12) {
        let again = matches!(class, Overloaded | Unavailable | InvalidResponse);
        for retries in 0..4 {
            let mut plan = list(2);
            plan.queue.limits.num_retries = Some(retries);
            let calls = 1 + if again { retries as usize } else { 0 };
            let expected = [vec!["0"; calls], vec!["1"; calls]].concat();
            assert_eq!(run(&mut plan, &[class]).looked_at(), expected, "{class:?} {retries}");
        }
    }
}

#[test]
fn the_models_own_number_counts_where_the_body_says_nothing() {
    let mut plan = Plan::of_list(
        [3, 0, 1]
            .map(|retries| {
                let mut model = Arc::into_inner(model(&retries.to_string(), true)).expect("the only one");
                model.settings.num_retries = Some(retries);
                Arc::new(model)
            })
            .to_vec(),
        Limits::default(),
    );
    assert_eq!(run(&mut plan, &[Overloaded]).looked_at(), ["3", "3", "3", "3", "0", "1", "1"]);
}

#[test]
fn the_wait_before_a_retry_is_25_to_250_ms() {
    for (jitter, millis) in [(0.0, 25), (0.5, 137), (1.0, 250), (7.0, 250), (-1.0, 25)] {
        let mut plan = list(1);
        plan.queue.limits.num_retries = Some(1);
        let _ = plan.next(None, PLENTY);
        let step = plan.next(Some(failure(Overloaded)), DecisionInput { jitter, ..PLENTY });
        assert_eq!(call(step).1.as_millis(), millis, "{jitter}");
    }
}

#[test]
fn a_short_rate_limit_is_waited_for_once_and_only_if_nobody_else_could_answer() {
    for (wait, again) in [(None, false), (Some(0), true), (Some(2_000), true), (Some(2_001), false)] {
        let mut plan = list(1);
        let _ = plan.next(None, PLENTY);
        let step = plan.next(Some(rate_limited(wait)), PLENTY);
        assert_eq!(matches!(step, Step::Try { .. }), again, "{wait:?}");
        if again {
            assert_eq!(call(step).1.as_millis(), u128::from(wait.expect("a wait")));
            assert!(matches!(plan.next(Some(rate_limited(wait)), PLENTY), Step::Exhausted(_)));
        }
    }
    let mut plan = list(2);
    let _ = plan.next(None, PLENTY);
    assert_eq!(call(plan.next(Some(rate_limited(Some(1))), PLENTY)).0, "1");
}

#[test]
fn somebody_else_is_who_would_really_be_called() {
    let again = |world: &mut World| {
        let mut plan = world.plan("a");
        let _ = plan.next(None, PLENTY);
        call(plan.next(Some(rate_limited(Some(1))), PLENTY)).0 == "a"
    };
    let mut world = World::new();
    world.list("a", Kind::Context, &["c"]);
    assert!(again(&mut world), "a typed list is not for rate limits");
    world.list("a", Kind::General, &["b"]);
    assert!(!again(&mut world));
    world.limits.max_fallbacks = 0;
    assert!(again(&mut world), "no fallback may be called");
    let mut world = World::new();
    world.disabled = vec!["b"];
    world.list("a", Kind::General, &["b"]);
    assert!(again(&mut world), "the other one is disabled");
    let mut world = World::new();
    world.list_for("a", Kind::General, &["b"], Some(&[Unavailable]));
    assert!(again(&mut world), "the list is not for rate limits");
}

#[test]
fn ten_seconds_are_kept_back_while_somebody_waits() {
    let mut plan = list(2);
    assert_eq!(call(plan.next(None, input(600_000))).2.as_millis(), 590_000);
    assert_eq!(
        call(plan.next(Some(failure(Timeout)), input(10_000))).2.as_millis(),
        10_000,
        "the last gets all"
    );
    for (left, allowed) in [(1_000, 1_000), (5_000, 1_000), (11_000, 1_000), (12_000, 2_000)] {
        assert_eq!(call(list(2).next(None, input(left))).2.as_millis(), allowed, "{left}");
    }
}

#[test]
fn a_stored_list_behind_the_model_counts_as_waiting() {
    let mut world = World::new();
    assert_eq!(call(world.plan("a").next(None, input(60_000))).2.as_millis(), 60_000);
    world.list("a", Kind::General, &["b"]);
    world.list("b", Kind::General, &["c"]);
    let mut plan = world.plan("a");
    assert_eq!(call(plan.next(None, input(60_000))).2.as_millis(), 50_000);
    assert_eq!(
        call(plan.next(Some(failure(Timeout)), input(10_500))).2.as_millis(),
        1_000,
        "c waits behind b"
    );
    assert_eq!(call(plan.next(Some(failure(Timeout)), input(9_000))).2.as_millis(), 9_000);
    world.limits.max_fallbacks = 0;
    assert_eq!(call(world.plan("a").next(None, input(60_000))).2.as_millis(), 60_000);
}

#[test]
fn nothing_starts_with_less_than_a_second_left() {
    let mut plan = list(3);
    let _ = plan.next(None, input(5_000));
    assert_eq!(call(plan.next(Some(failure(Timeout)), input(1_000))).0, "1");
    let step = plan.next(Some(failure(Timeout)), input(999));
    assert!(matches!(&step, Step::Skip(_, why) if why.class == ErrorClass::Deadline), "{step:?}");
    let end = plan.next(None, input(999));
    assert!(matches!(end, Step::Exhausted(Exhausted::Failed(failure)) if failure.class == Timeout));
}

#[test]
fn no_retry_is_waited_for_that_could_not_start() {
    for (left, again) in [(1_025, true), (1_024, false)] {
        let mut plan = list(1);
        plan.queue.limits.num_retries = Some(1);
        let _ = plan.next(None, PLENTY);
        assert_eq!(
            matches!(plan.next(Some(failure(Overloaded)), input(left)), Step::Try { .. }),
            again,
            "{left}"
        );
    }
}

#[test]
fn a_stream_that_broke_after_content_is_never_tried_again() {
    let mut plan = list(1);
    plan.queue.limits.num_retries = Some(5);
    assert_eq!(run(&mut plan, &[StreamInterrupted]).looked_at(), ["0"]);
}

#[test]
fn a_call_with_another_body_is_made_at_once_and_counts_as_no_retry() {
    let mut plan = list(2);
    plan.queue.limits.num_retries = Some(1);
    let mut next = |again: bool, class: Option<ErrorClass>, input: DecisionInput<'static>| {
        if again {
            plan.call_again();
        }
        let (name, after, _) = call(plan.next(class.map(failure), input));
        (name, after.as_millis())
    };
    assert_eq!(next(false, None, PLENTY).0, "0");
    assert_eq!(next(true, Some(ErrorClass::InvalidRequest), PLENTY), ("0".to_owned(), 0));
    // Its own retry is left, and only one call more was asked for.
    assert_eq!(next(false, Some(Overloaded), DecisionInput { jitter: 0.0, ..PLENTY }), ("0".to_owned(), 25));
    assert_eq!(next(false, Some(ErrorClass::InvalidRequest), PLENTY).0, "1");
    // Without time for it, the chain goes on.
    let mut plan = list(1);
    let _ = plan.next(None, PLENTY);
    plan.call_again();
    assert!(matches!(plan.next(Some(failure(ErrorClass::InvalidRequest)), input(999)), Step::Exhausted(_)));
}
