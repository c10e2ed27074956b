//! What holds for every catalog, every set of lists and every sequence of failures.

use super::*;
use crate::domain::fallback_type::FallbackType;

const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

/// A list of one model: its owner, its type, and its targets.
type Lists = Vec<(usize, Kind, Vec<usize>)>;

#[derive(Debug, Clone)]
struct Case {
    lists: Lists,
    disabled: Vec<usize>,
    forbidden: Vec<usize>,
    strict: bool,
    max_fallbacks: usize,
    retries: u32,
    failures: Vec<ErrorClass>,
}

fn classes() -> impl Strategy<Value = ErrorClass> {
    prop::sample::select(ErrorClass::ALL.into_iter().take(11).collect::<Vec<_>>())
}

fn lists() -> impl Strategy<Value = Lists> {
    let kind = prop::sample::select(vec![Kind::General, Kind::Context, Kind::Content]);
    let targets = prop::sample::subsequence((0..NAMES.len()).collect::<Vec<_>>(), 1..5).prop_shuffle();
    prop::collection::vec((0..NAMES.len(), kind, targets), 0..14)
}

fn some_models() -> impl Strategy<Value = Vec<usize>> {
    prop::sample::subsequence((1..NAMES.len()).collect::<Vec<_>>(), 0..3)
}

fn cases() -> impl Strategy<Value = Case> {
    let failures = prop::collection::vec(classes(), 1..12);
    (lists(), some_models(), some_models(), any::<bool>(), 0_usize..7, 0_u32..3, failures).prop_map(
        |(lists, disabled, forbidden, strict, max_fallbacks, retries, failures)| Case {
            lists,
            disabled,
            forbidden,
            strict,
            max_fallbacks,
            retries,
            failures,
        },
    )
}

impl Case {
    fn world(&self) -> World {
        let mut world = World::new();
        world.disabled = self.disabled.iter().map(|index| NAMES[*index]).collect();
        for (of, kind, targets) in &self.lists {
            let targets: Vec<&str> = targets.iter().filter(|to| *to != of).map(|to| NAMES[*to]).collect();
            world.list(NAMES[*of], *kind, &targets);
        }
        if self.strict {
            world.settings.typed_fallbacks = TypedFallbacks::Strict;
        }
        let allowed = (0..NAMES.len()).filter(|index| !self.forbidden.contains(index));
        world.limits = Limits {
            max_fallbacks: self.max_fallbacks,
            num_retries: Some(self.retries),
            allowed: Some(Arc::new(allowed.map(|index| NAMES[index].to_owned()).collect())),
        };
        world
    }
}

proptest! {
    #[test]
    fn no_model_twice_and_never_more_than_was_allowed(case in cases()) {
        let mut world = case.world();
        let course = run(&mut world.plan("a"), &case.failures);
        let mut turns = course.looked_at();
        prop_assert!(turns.first().is_some_and(|first| first == "a"));
        // Retries of one model stand next to each other.
        turns.dedup();
        let mut unique = turns.clone();
        unique.sort_unstable();
        unique.dedup();
        prop_assert_eq!(unique.len(), turns.len(), "{:?}", turns);
        let mut called: Vec<ModelId> = course.called().map(|candidate| candidate.model.id).collect();
        called.dedup();
        prop_assert!(called.len() <= case.max_fallbacks + 1);
        let calls_of = |id: ModelId| course.called().filter(|candidate| candidate.model.id == id).count();
        prop_assert!(called.iter().all(|id| calls_of(*id) <= case.retries as usize + 1));
    }

    #[test]
    fn who_may_not_be_called_is_never_called_and_everybody_else_is(case in cases()) {
        let mut world = case.world();
        let course = run(&mut world.plan("a"), &case.failures);
        for said in &course.said {
            let index = NAMES.iter().position(|name| **name == *said.model().name).expect("a name");
            let reason = if case.disabled.contains(&index) {
                Some(ErrorClass::Disabled)
            } else {
                case.forbidden.contains(&index).then_some(ErrorClass::NotAllowed)
            };
            match said {
                Said::Called(..) => prop_assert_eq!(reason, None),
                Said::PassedOver(_, why) => prop_assert_eq!(reason, Some(*why)),
            }
        }
    }

    #[test]
    fn the_requested_models_general_list_is_tried_whole_and_in_order(
        lists in lists(),
        failures in prop::collection::vec(classes(), 1..12),
    ) {
        let case = Case {
            lists,
            disabled: Vec::new(),
            forbidden: Vec::new(),
            strict: false,
            max_fallbacks: 99,
            retries: 0,
            failures,
        };
        let mut world = case.world();
        let own: Vec<String> = world
            .models
            .get("a")
            .and_then(|model| world.chains.get(&model.id)?.general.clone())
            .map(|chain| chain.targets.iter().map(|target| target.name.to_string()).collect())
            .unwrap_or_default();
        let looked_at = world.run("a", &case.failures);
        prop_assert!(own.iter().all(|name| looked_at.contains(name)), "{:?} of {:?}", looked_at, own);
        // Without typed failures nothing is put before it.
        if case.failures.iter().all(|class| class.policy().list == FallbackType::General) {
            prop_assert_eq!(&looked_at[1..=own.len()], &own[..]);
        }
    }

    #[test]
    fn a_requests_own_list_is_tried_as_it_stands(count in 1_usize..33, failures in prop::collection::vec(classes(), 1..12)) {
        let models: Vec<Arc<ModelEntry>> = (0..count).map(|number| model(&number.to_string(), true)).collect();
        let names: Vec<String> = models.iter().map(|model| model.name.to_string()).collect();
        let mut plan = Plan::of_list(models, Limits::default());
        prop_assert_eq!(run(&mut plan, &failures).looked_at(), names);
    }

    #[test]
    fn no_allowance_is_more_than_what_is_left(case in cases(), left in 0_u64..700_000) {
        let mut world = case.world();
        let input = DecisionInput { left: Duration::from_millis(left), jitter: 1.0, facts: &Clear };
        let mut plan = world.plan("a");
        let mut last = None;
        for class in case.failures.iter().copied().cycle().take(100) {
            match plan.next(last.take(), input) {
                Step::Try { after, time_budget, .. } => {
                    prop_assert!(input.left >= LEAST && after + time_budget <= input.left);
                    prop_assert!(time_budget >= LEAST);
                    last = Some(failure(class));
                }
                Step::Skip(..) | Step::Fetch => {}
                Step::Exhausted(_) => return Ok(()),
            }
        }
        prop_assert!(false, "the plan does not end");
    }
}
