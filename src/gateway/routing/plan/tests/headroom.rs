//! Models for which a limit leaves no room, and those of which that is not known yet.

use std::cell::RefCell;

use super::*;
use crate::limits::leases::counter::{Counter, Measure, Owner};
use crate::limits::leases::{Full, Headroom, Refused};

/// What each model has room for, and what the plan did with it.
#[derive(Default)]
struct Rooms {
    /// The models for which there is none.
    full: Vec<&'static str>,
    /// The models of which it is not known; each once.
    lacking: RefCell<Vec<&'static str>>,
    hot: Vec<&'static str>,
    /// How many repeated calls there is room for.
    repeated: std::cell::Cell<u32>,
    taken: RefCell<Vec<String>>,
}

fn no_headroom() -> NoHeadroom {
    let (organization, owner) = (OrganizationId(Uuid::nil()), Owner::Organization);
    let counter = Counter { organization, owner, model: None, measure: Measure::RequestsPerMinute };
    let headroom = Headroom { limit: 1, remaining: 0, reset: Duration::from_secs(9) };
    NoHeadroom(Refused { counter, full: Full { headroom, retry_after: Some(Duration::from_secs(4)) } })
}

impl CandidateFacts for Rooms {
    fn cooldown_state(&self, model: &ModelEntry) -> CooldownState {
        let opened = self.hot.contains(&&*model.name).then(|| OpenCooldown {
            remaining: Duration::from_secs(9),
            failure: Arc::new(failure(ErrorClass::Overloaded)),
            probe_free: true,
            by_provider: false,
        });
        CooldownState::of(opened)
    }

    fn claim_probe(&self, _: &ModelEntry) -> bool {
        true
    }

    fn unfit(&self, _: &ModelEntry) -> Option<ErrorClass> {
        None
    }

    fn no_headroom(&self, model: &ModelEntry) -> Option<NoHeadroom> {
        self.full.contains(&&*model.name).then(no_headroom)
    }

    fn take_headroom(&self, model: &ModelEntry) -> Room {
        if self.full.contains(&&*model.name) {
            return Room::None(no_headroom());
        }
        let mut lacking = self.lacking.borrow_mut();
        if let Some(at) = lacking.iter().position(|name| **name == *model.name) {
            lacking.remove(at);
            return Room::Lacking;
        }
        self.taken.borrow_mut().push(model.name.to_string());
        Room::Taken
    }

    fn give_headroom_back(&self) {
        self.taken.borrow_mut().pop();
    }

    fn has_headroom_again(&self, _: &ModelEntry) -> bool {
        let left = self.repeated.get();
        self.repeated.set(left.saturating_sub(1));
        left > 0
    }
}

/// The steps of a request when every call fails, and how it ends.
fn course(plan: &mut Plan, rooms: &Rooms) -> (String, Exhausted) {
    let mut steps = Vec::new();
    let mut last = None;
    loop {
        match plan.next(last.take(), DecisionInput { facts: rooms, ..PLENTY }) {
            Step::Try { candidate, .. } => {
                steps.push(candidate.model.name.to_string());
                last = Some(failure(ErrorClass::Unavailable));
            }
            Step::Skip(candidate, why) => steps.push(format!("({} {})", candidate.model.name, why.class)),
            Step::Fetch => steps.push("fetch".to_owned()),
            Step::Exhausted(end) => return (steps.join(" "), end),
        }
    }
}

fn world() -> World {
    let mut world = World::new();
    world.list("a", Kind::General, &["b", "c"]);
    world
}

#[test]
fn a_model_without_headroom_is_passed_over_and_its_list_comes_in() {
    let rooms = Rooms { full: vec!["a", "c"], ..Rooms::default() };
    let (steps, _) = course(&mut world().plan("a"), &rooms);
    assert_eq!(steps, "(a no_headroom) b (c no_headroom)");
    assert_eq!(*rooms.taken.borrow(), ["b"]);
    let rooms = Rooms { full: vec!["a", "b", "c"], ..Rooms::default() };
    let (steps, end) = course(&mut world().plan("a"), &rooms);
    assert_eq!(steps, "(a no_headroom) (b no_headroom) (c no_headroom)");
    assert!(matches!(end, Exhausted::Skipped(ErrorClass::NoHeadroom)), "{end:?}");
}

#[test]
fn what_is_not_known_is_fetched_before_the_same_model_is_looked_at_again() {
    let rooms = Rooms { lacking: vec!["a", "a", "c"].into(), full: vec!["b"], ..Rooms::default() };
    let (steps, _) = course(&mut world().plan("a"), &rooms);
    assert_eq!(steps, "fetch fetch a (b no_headroom) fetch c");
    assert_eq!(*rooms.taken.borrow(), ["a", "c"]);
}

#[test]
fn a_model_that_is_left_alone_keeps_no_headroom() {
    let rooms = Rooms { hot: vec!["a"], ..Rooms::default() };
    assert_eq!(course(&mut world().plan("a"), &rooms).0, "(a cooldown) b c");
    assert_eq!(*rooms.taken.borrow(), ["b", "c"]);
    // One in cooldown is called if a limit leaves no room for all others.
    let rooms = Rooms { hot: vec!["a"], full: vec!["b", "c"], ..Rooms::default() };
    assert_eq!(course(&mut world().plan("a"), &rooms).0, "a (b no_headroom) (c no_headroom)");
}

#[test]
fn a_list_for_rate_limits_is_for_a_limit_as_well() {
    for (trigger, expected) in [
        (ErrorClass::RateLimited, "(a no_headroom) b"),
        (ErrorClass::NoHeadroom, "(a no_headroom) b"),
        (ErrorClass::Overloaded, "(a no_headroom)"),
    ] {
        let mut world = World::new();
        world.list_for("a", Kind::General, &["b"], Some(&[trigger]));
        let rooms = Rooms { full: vec!["a"], ..Rooms::default() };
        assert_eq!(course(&mut world.plan("a"), &rooms).0, expected, "{trigger}");
    }
}

#[test]
fn a_call_is_repeated_only_as_long_as_its_provider_has_room() {
    for (repeated, expected) in [(0, "a b c"), (1, "a a b c"), (3, "a a a b b c")] {
        let mut world = world();
        world.limits.num_retries = Some(2);
        let rooms = Rooms { repeated: repeated.into(), ..Rooms::default() };
        assert_eq!(course(&mut world.plan("a"), &rooms).0, expected);
    }
}
