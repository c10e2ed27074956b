//! Failures that a request may cause count once for each different request.

use super::*;

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
    bench.cooldowns.began(&bench.model, bench.cooldowns.now());
    bench.fail_of(3);
    assert_eq!(bench.cooldown(), None);
    bench.fail_of(5);
    assert_eq!(bench.cooldown().map(|(left, _)| left), Some(60));
}
