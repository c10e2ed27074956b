//! Models that are left alone, and models that the request does not fit.

use std::cell::RefCell;

use super::*;
use crate::domain::period::Period;
use crate::gateway::routing::budget::{BudgetOwner, OverBudget};
use crate::gateway::routing::cooldown::OpenCooldown;

/// What each model's heat and fitness are; probes that were claimed are gone.
#[derive(Default)]
struct Weather {
    hot: HashMap<String, (u64, ErrorClass)>,
    taken: RefCell<Vec<String>>,
    unfit: HashMap<String, ErrorClass>,
    /// How many calls still fit into the budget; `None` without one.
    affordable: Option<std::cell::Cell<u32>>,
}

impl Weather {
    fn hot(mut self, name: &str, seconds: u64) -> Self {
        self.hot.insert(name.to_owned(), (seconds, ErrorClass::Overloaded));
        self
    }

    fn taken(self, name: &str) -> Self {
        self.taken.borrow_mut().push(name.to_owned());
        self
    }

    fn unfit(mut self, name: &str, class: ErrorClass) -> Self {
        self.unfit.insert(name.to_owned(), class);
        self
    }
}

impl CandidateFacts for Weather {
    fn cooldown_state(&self, model: &ModelEntry) -> CooldownState {
        let Some((seconds, class)) = self.hot.get(&*model.name) else { return CooldownState::Closed };
        CooldownState::of(Some(OpenCooldown {
            remaining: Duration::from_secs(*seconds),
            failure: Arc::new(failure(*class)),
            probe_free: !self.taken.borrow().iter().any(|name| **name == *model.name),
            by_provider: false,
        }))
    }

    fn claim_probe(&self, model: &ModelEntry) -> bool {
        if !self.hot.contains_key(&*model.name) {
            return true;
        }
        let mut taken = self.taken.borrow_mut();
        let free = !taken.iter().any(|name| **name == *model.name);
        taken.push(model.name.to_string());
        free
    }

    fn unfit(&self, model: &ModelEntry) -> Option<ErrorClass> {
        self.unfit.get(&*model.name).copied()
    }

    fn reserve(&self, _: &ModelEntry) -> Option<OverBudget> {
        let left = self.affordable.as_ref()?;
        if let Some(fewer) = left.get().checked_sub(1) {
            left.set(fewer);
            return None;
        }
        let resets_at = chrono::DateTime::UNIX_EPOCH;
        let (owner, period) = (BudgetOwner::Organization, Period::Day);
        Some(OverBudget { owner, period, resets_at, used_up: true, passing: false, unpriced: false })
    }
}

/// The candidates of a request in this weather when every call fails with `class`, and how it ends.
fn course(plan: &mut Plan, weather: &Weather, class: ErrorClass) -> (String, Exhausted) {
    let mut looked_at = Vec::new();
    let mut last = None;
    loop {
        match plan.next(last.take(), DecisionInput { facts: weather, ..PLENTY }) {
            Step::Try { candidate, .. } => {
                looked_at.push(candidate.model.name.to_string());
                last = Some(failure(class));
            }
            Step::Skip(candidate, why) => {
                let reason = match why.class {
                    ErrorClass::Cooldown => "hot",
                    ErrorClass::TooLarge => "large",
                    ErrorClass::LacksCapability => "unable",
                    other => other.as_str(),
                };
                looked_at.push(format!("({} {reason})", candidate.model.name));
            }
            Step::Fetch => panic!("nothing is lacking"),
            Step::Exhausted(end) => return (looked_at.join(" "), end),
        }
    }
}

fn looked_at(world: &mut World, weather: &Weather) -> String {
    course(&mut world.plan("a"), weather, ErrorClass::Unavailable).0
}

fn world() -> World {
    let mut world = World::new();
    world.list("a", Kind::General, &["b", "c"]);
    world
}

#[test]
fn a_model_that_is_left_alone_is_passed_over_and_its_list_comes_in() {
    assert_eq!(looked_at(&mut world(), &Weather::default().hot("a", 9)), "(a hot) b c");
    assert_eq!(looked_at(&mut world(), &Weather::default().hot("b", 9)), "a (b hot) c");
    let mut nested = world();
    nested.list("b", Kind::General, &["d"]);
    let weather = Weather::default().hot("a", 9).hot("b", 9).hot("c", 9);
    assert_eq!(looked_at(&mut nested, &weather), "(a hot) (b hot) (c hot) d");
}

#[test]
fn once_its_time_is_over_one_request_finds_out() {
    let weather = Weather::default().hot("a", 0);
    assert_eq!(looked_at(&mut world(), &weather), "a b c");
    assert_eq!(looked_at(&mut world(), &weather), "(a hot) b c");
}

#[test]
fn when_all_are_left_alone_the_first_to_recover_is_tried_once() {
    let weather = Weather::default().hot("a", 9).hot("b", 5).hot("c", 7);
    assert_eq!(looked_at(&mut world(), &weather), "(a hot) b c");
    // Both probes are taken, and a's is not claimed: b comes first, and another request is probing it.
    let (looked_at, end) = course(&mut world().plan("a"), &weather, ErrorClass::Unavailable);
    assert_eq!(looked_at, "(a hot) (b hot) (c hot)");
    assert!(
        matches!(end, Exhausted::InCooldown(OpenCooldown { remaining, .. }) if remaining == Duration::from_secs(5)),
        "{end:?}"
    );
}

#[test]
fn a_single_model_is_left_alone_too() {
    let mut world = World::new();
    let weather = Weather::default().hot("a", 9);
    assert_eq!(looked_at(&mut world, &weather), "a");
    let (looked_at, end) = course(&mut world.plan("a"), &weather, ErrorClass::Unavailable);
    assert_eq!(looked_at, "(a hot)");
    match end {
        Exhausted::InCooldown(cooling) => assert_eq!(cooling.failure.class, ErrorClass::Overloaded),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_last_call_says_more_than_a_cooldown() {
    let weather = Weather::default().hot("b", 9).taken("b").hot("c", 9).taken("c");
    let (looked_at, end) = course(&mut world().plan("a"), &weather, ErrorClass::Timeout);
    assert_eq!(looked_at, "a (b hot) (c hot)");
    assert!(matches!(end, Exhausted::Failed(failure) if failure.class == ErrorClass::Timeout));
}

#[test]
fn a_list_for_the_failure_that_opened_the_cooldown_is_for_the_cooldown() {
    for (trigger, expected) in [
        (ErrorClass::Overloaded, "(a hot) b"),
        (ErrorClass::Cooldown, "(a hot) b"),
        (ErrorClass::RateLimited, "a"),
    ] {
        let mut world = World::new();
        world.list_for("a", Kind::General, &["b"], Some(&[trigger]));
        assert_eq!(looked_at(&mut world, &Weather::default().hot("a", 9)), expected, "{trigger}");
    }
}

#[test]
fn too_large_goes_to_the_list_for_context_windows() {
    let mut world = world();
    world.list("a", Kind::Context, &["d"]);
    let weather = Weather::default().unfit("a", ErrorClass::TooLarge);
    assert_eq!(looked_at(&mut world, &weather), "(a large) d b c");
    let weather = Weather::default().unfit("a", ErrorClass::LacksCapability);
    assert_eq!(looked_at(&mut world, &weather), "(a unable) b c");
}

#[test]
fn an_opinion_yields_where_it_would_leave_nobody() {
    let mut world = world();
    for (name, window) in [("a", 1_000), ("b", 9_000), ("c", 2_000)] {
        let mut model = Arc::unwrap_or_clone(model(name, true));
        model.settings.context_window = Some(window);
        world.models.insert(name, Arc::new(model));
    }
    world.chains.clear();
    world.list("a", Kind::General, &["b", "c"]);
    let all = || {
        Weather::default()
            .unfit("a", ErrorClass::TooLarge)
            .unfit("b", ErrorClass::TooLarge)
            .unfit("c", ErrorClass::LacksCapability)
    };
    // The largest window is called; behind it the question is asked again of those who are left.
    assert_eq!(looked_at(&mut world, &all()), "(a large) b c");
    // A candidate that fits but is in cooldown is tried first; if it is being probed, the largest window is.
    let fits =
        || Weather { unfit: HashMap::from([("a".into(), ErrorClass::TooLarge)]), ..Weather::default() };
    assert_eq!(looked_at(&mut world, &fits().hot("b", 3).hot("c", 4)), "(a large) b c");
    let waiting = fits().hot("b", 3).taken("b").hot("c", 4);
    assert_eq!(looked_at(&mut world, &waiting), "a (b hot) (c hot)");
    let weather = all().hot("b", 9);
    assert_eq!(looked_at(&mut world, &weather), "(a large) (b large) c");
}

proptest! {
    #[test]
    fn whatever_the_weather_nobody_is_looked_at_twice_and_somebody_is_called_or_known_to_be_tried(
        states in prop::collection::vec(0_usize..5, 4),
    ) {
        let mut world = World::new();
        world.list("a", Kind::General, &["b", "c", "d"]);
        let mut weather = Weather::default();
        for (name, state) in ["a", "b", "c", "d"].into_iter().zip(&states) {
            weather = match state {
                0 => weather,
                1 => weather.hot(name, 7),
                2 => weather.hot(name, 7).taken(name),
                3 => weather.unfit(name, ErrorClass::TooLarge),
                _ => weather.hot(name, 0),
            };
        }
        let (looked_at, end) = course(&mut world.plan("a"), &weather, ErrorClass::Unavailable);
        let named = |name: char| looked_at.split(' ').filter(|word| word.trim_matches('(') == name.to_string()).count();
        prop_assert!("abcd".chars().all(|name| named(name) <= 1), "{}", looked_at);
        match end {
            Exhausted::Failed(_) => {}
            Exhausted::InCooldown(_) => prop_assert!(states.contains(&2), "{states:?}: {looked_at}"),
            Exhausted::Skipped(reason) => prop_assert!(false, "{reason}: {looked_at}"),
        }
    }
}

#[test]
fn each_retry_has_to_fit_into_the_budget() {
    for (affordable, calls) in [
        (0, "(a over_budget) (b over_budget) (c over_budget)"),
        (1, "a (b over_budget) (c over_budget)"),
        (3, "a a a (b over_budget) (c over_budget)"),
        (5, "a a a b b (c over_budget)"),
        (99, "a a a b b b c c c"),
    ] {
        let weather = Weather { affordable: Some(affordable.into()), ..Weather::default() };
        let mut world = world();
        world.limits.num_retries = Some(2);
        let (looked_at, end) = course(&mut world.plan("a"), &weather, ErrorClass::Unavailable);
        assert_eq!(looked_at, calls);
        assert!(affordable == 0 || matches!(end, Exhausted::Failed(_)), "{end:?}");
    }
}
