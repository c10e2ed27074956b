//! What is learned of refused parameters, of which callers they are left out, and for how long.

use entity::ids::ModelId;

use super::*;
use crate::domain::clock::ManualClock;
use crate::store::snapshot::samples;

struct Bench {
    refusals: Refusals,
    hand: ManualClock,
    model: ModelEntry,
}

fn bench() -> Bench {
    let (clock, hand) = Clock::manual(DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1));
    let model = samples::model("model", samples::provider("custom"));
    Bench { refusals: Refusals::new(clock), hand, model }
}

fn seed() -> Parameters {
    Parameters::of(["seed"])
}

impl Bench {
    /// A request with a seed that is answered only without it.
    fn refused(&self, request: u64, caller: u64) {
        self.refusals.learn(&self.model, seed(), Source { request, caller, plain: true });
    }

    /// A request with a seed that is answered as it is.
    fn accepted(&self, caller: u64) {
        self.refusals.accepted(&self.model, caller, seed);
    }

    /// Whether the caller's next call carries its seed.
    fn carries(&self, caller: u64) -> bool {
        let left_out = self.refusals.of_call(&self.model, caller, |known| seed().without(known));
        !left_out.contains("seed")
    }

    fn wait(&self, seconds: u64) {
        self.hand.advance(Duration::from_secs(seconds));
    }
}

#[test]
fn one_callers_refusals_take_the_parameter_from_this_caller_only() {
    let bench = bench();
    (0..9).for_each(|_| bench.refused(7, 1));
    bench.refused(8, 1);
    assert!(bench.carries(1), "two different requests");
    bench.refused(9, 1);
    assert!(!bench.carries(1));
    assert!(bench.carries(2), "another caller");
    bench.refused(1, 2);
    assert!(!bench.carries(2) && !bench.carries(3), "now two callers met it");
}

#[test]
fn two_callers_with_three_requests_take_it_from_all() {
    let bench = bench();
    bench.refused(1, 1);
    bench.refused(2, 2);
    assert!(bench.carries(3));
    bench.refused(3, 1);
    assert!(!bench.carries(1) && !bench.carries(3));
    // And of the stream's options for the whole provider.
    let options = Parameters::of(["stream_options"]);
    (0..3).for_each(|request| {
        bench.refusals.learn(&bench.model, options, Source { request, caller: request, plain: true });
    });
    let beside = ModelEntry { id: ModelId(Uuid::from_u128(3)), ..bench.model.clone() };
    assert_eq!(bench.refusals.of(&beside, 1), options);
}

#[test]
fn an_answer_with_the_parameter_forgets_it() {
    let bench = bench();
    (0..2).for_each(|request| bench.refused(request, 1));
    bench.accepted(2);
    (2..4).for_each(|request| bench.refused(request, 1));
    assert!(bench.carries(1), "it starts over");
    bench.refused(4, 1);
    assert!(!bench.carries(1));
    bench.accepted(2);
    assert!(bench.carries(1));
}

#[test]
fn after_ten_minutes_one_request_carries_it_again() {
    let bench = bench();
    (0..3).for_each(|request| bench.refused(request, request));
    bench.wait(599);
    assert!(!bench.carries(1));
    bench.wait(1);
    // A request without the parameter tries nothing, nor does a preview.
    assert_eq!(bench.refusals.of_call(&bench.model, 1, |_| Parameters::default()), Parameters::default());
    assert_eq!(bench.refusals.of(&bench.model, 1), Parameters::default());
    assert!(bench.carries(1));
    assert!(!bench.carries(1) && !bench.carries(2), "the others wait for its result");
    // It is refused: that is renewed with this one request.
    bench.refused(9, 1);
    bench.wait(599);
    assert!(!bench.carries(2));
    bench.wait(1);
    assert!(bench.carries(2));
    // It ends without a result, so another one tries.
    bench.wait(60);
    assert!(bench.carries(3));
    bench.accepted(3);
    assert!(bench.carries(1) && bench.carries(2) && bench.carries(3));
}

#[test]
fn a_changed_model_starts_over() {
    let mut bench = bench();
    (0..3).for_each(|request| bench.refused(request, request));
    bench.model.updated_at += chrono::TimeDelta::seconds(1);
    assert!(bench.carries(1));
    bench.refused(1, 1);
    assert!(bench.carries(1));
}
