//! The contract's own cases.

use super::*;
use ErrorClass::{
    ContentPolicy, ContextWindowExceeded, Disabled, InvalidRequest, NotAllowed, Overloaded, RateLimited,
    Timeout, Unavailable,
};

#[test]
fn a_requests_own_list_is_tried_strictly_in_order_whatever_is_stored() {
    let mut world = World::new();
    world.list("a", Kind::General, &["x", "y"]);
    world.list("b", Kind::Context, &["z"]);
    let models = ["a", "b", "c"].map(|name| world.model(name)).to_vec();
    let mut plan = Plan::of_list(models, Limits::default());
    let course = run(&mut plan, &[Unavailable, ContextWindowExceeded, ContentPolicy]);
    assert_eq!(course.looked_at(), ["a", "b", "c"]);
    assert!(course.called().all(|candidate| candidate.chain.is_none()));
    let primaries: Vec<bool> = course.called().map(|candidate| candidate.primary).collect();
    assert_eq!(primaries, [true, false, false]);
}

#[test]
fn the_class_of_the_failure_picks_the_list_and_the_general_one_follows() {
    let mut world = World::new();
    world.list("a", Kind::General, &["g", "h"]);
    world.list("a", Kind::Context, &["c", "g"]);
    world.list("a", Kind::Content, &["p"]);
    assert_eq!(world.run("a", &[Unavailable]), ["a", "g", "h"]);
    assert_eq!(world.run("a", &[ContextWindowExceeded, Unavailable]), ["a", "c", "g", "h"]);
    assert_eq!(world.run("a", &[ContentPolicy, Unavailable]), ["a", "p", "g", "h"]);
    // Without a list of the type the general one is next.
    let mut world = World::new();
    world.list("a", Kind::General, &["g"]);
    assert_eq!(world.run("a", &[ContextWindowExceeded]), ["a", "g"]);
}

#[test]
fn a_candidate_names_the_list_that_brought_it_in() {
    let mut world = World::new();
    world.list("a", Kind::General, &["g", "c"]);
    world.list("a", Kind::Context, &["c"]);
    let chains = world.chains[&world.models["a"].id].clone();
    let mut plan = world.plan("a");
    let course = run(&mut plan, &[ContextWindowExceeded, Unavailable]);
    let configs: Vec<Option<Uuid>> =
        course.called().map(|candidate| candidate.chain.as_ref().map(|chain| chain.config_id)).collect();
    let context = chains.context_window.expect("a list").config_id;
    let general = chains.general.expect("a list").config_id;
    assert_eq!(configs, [None, Some(context), Some(general)]);
}

#[test]
fn strict_uses_the_typed_list_alone_once_any_list_of_that_type_exists() {
    let mut world = World::new();
    world.settings.typed_fallbacks = TypedFallbacks::Strict;
    world.list("a", Kind::General, &["g"]);
    assert_eq!(world.run("a", &[ContextWindowExceeded]), ["a", "g"], "no list of the type anywhere");
    world.list("other", Kind::Context, &["x"]);
    assert_eq!(world.run("a", &[ContextWindowExceeded]), ["a"], "one of another model");
    world.list("a", Kind::Context, &["c"]);
    assert_eq!(world.run("a", &[ContextWindowExceeded]), ["a", "c"]);
    assert_eq!(world.run("a", &[ContentPolicy]), ["a", "g"], "the other type is not touched");
    assert_eq!(world.run("a", &[Unavailable]), ["a", "g"]);
}

#[test]
fn behind_a_fallback_typed_lists_go_to_the_front_and_its_general_one_to_the_end() {
    let mut world = World::new();
    world.list("a", Kind::General, &["b", "c"]);
    world.list("a", Kind::Context, &["f"]);
    world.list("b", Kind::General, &["d"]);
    world.list("b", Kind::Context, &["e"]);
    assert_eq!(world.run("a", &[Unavailable]), ["a", "b", "c", "d"]);
    assert_eq!(
        world.run("a", &[Unavailable, ContextWindowExceeded, Unavailable]),
        ["a", "b", "e", "f", "c", "d"]
    );
}

#[test]
fn cycles_are_harmless() {
    let mut world = World::new();
    world.list("a", Kind::General, &["b"]);
    world.list("b", Kind::General, &["c", "a"]);
    world.list("c", Kind::General, &["a", "b"]);
    world.list("c", Kind::Context, &["a", "c2"]);
    assert_eq!(world.run("a", &[Unavailable]), ["a", "b", "c"]);
    assert_eq!(world.run("a", &[Unavailable, Unavailable, ContextWindowExceeded]), ["a", "b", "c", "c2"]);
}

#[test]
fn max_fallbacks_counts_those_who_are_called() {
    let mut world = World::new();
    world.disabled = vec!["b"];
    world.list("a", Kind::General, &["b", "c", "d", "e"]);
    world.limits.max_fallbacks = 2;
    assert_eq!(world.run("a", &[Unavailable]), ["a", "(b)", "c", "d"]);
    world.limits.max_fallbacks = 0;
    assert_eq!(world.run("a", &[Unavailable]), ["a"]);
}

#[test]
fn facts_pass_over_and_say_so() {
    let mut world = World::new();
    world.disabled = vec!["a", "c"];
    world.list("a", Kind::General, &["b", "c", "d"]);
    world.list("c", Kind::General, &["e"]);
    world.limits.allowed = Some(Arc::new(["a", "c", "d", "e"].map(str::to_owned).into()));
    let mut plan = world.plan("a");
    let course = run(&mut plan, &[Overloaded]);
    assert_eq!(course.looked_at(), ["(a)", "(b)", "(c)", "d", "e"]);
    let reasons: Vec<ErrorClass> = course
        .said
        .iter()
        .filter_map(|said| match said {
            Said::PassedOver(_, reason) => Some(*reason),
            Said::Called(..) => None,
        })
        .collect();
    assert_eq!(reasons, [Disabled, NotAllowed, Disabled]);
}

#[test]
fn the_end_is_the_last_call_or_else_the_last_pass_over() {
    let mut world = World::new();
    world.disabled = vec!["c"];
    world.list("a", Kind::General, &["b", "c"]);
    let mut plan = world.plan("a");
    let course = run(&mut plan, &[Overloaded, Timeout]);
    assert_eq!(course.looked_at(), ["a", "b", "(c)"]);
    assert!(matches!(course.end, Exhausted::Failed(failure) if failure.class == Timeout));

    let mut world = World::new();
    world.disabled = vec!["a"];
    world.list("a", Kind::General, &["b"]);
    world.limits.allowed = Some(Arc::new(["a".to_owned()].into()));
    let mut plan = world.plan("a");
    let course = run(&mut plan, &[Overloaded]);
    assert_eq!(course.looked_at(), ["(a)", "(b)"]);
    assert!(matches!(course.end, Exhausted::Skipped(NotAllowed)));
}

#[test]
fn triggers_narrow_what_a_list_is_for() {
    let mut world = World::new();
    world.list_for("a", Kind::General, &["b", "c"], Some(&[RateLimited, Overloaded]));
    assert_eq!(world.run("a", &[InvalidRequest]), ["a"]);
    assert_eq!(world.run("a", &[RateLimited, Overloaded]), ["a", "b", "c"]);
    assert_eq!(world.run("a", &[RateLimited, InvalidRequest]), ["a", "b"], "b's failure decides about c");
}

#[test]
fn a_candidate_that_is_passed_over_does_not_stop_a_narrowed_list() {
    let mut world = World::new();
    world.disabled = vec!["b"];
    world.list_for("a", Kind::General, &["b", "c"], Some(&[RateLimited]));
    assert_eq!(world.run("a", &[RateLimited]), ["a", "(b)", "c"]);
    // A primary that is passed over is the reason itself.
    let mut world = World::new();
    world.disabled = vec!["a"];
    world.list_for("a", Kind::General, &["b"], Some(&[RateLimited]));
    assert_eq!(world.run("a", &[RateLimited]), ["(a)"]);
    world.list_for("a", Kind::General, &["b"], Some(&[Disabled]));
    assert_eq!(world.run("a", &[RateLimited]), ["(a)", "b"]);
}

#[test]
fn at_most_32_candidates_are_looked_at_in_stored_chains_and_all_of_a_list() {
    let names: Vec<&'static str> = (0..40).map(|number| &*format!("m{number}").leak()).collect();
    let mut world = World::new();
    world.list("a", Kind::General, &names);
    assert_eq!(world.run("a", &[Unavailable]).len(), 32);
    // The caller's own model and its list of 32.
    let models: Vec<Arc<ModelEntry>> = (0..33).map(|number| model(&number.to_string(), true)).collect();
    let mut plan = Plan::of_list(models, Limits::default());
    assert_eq!(run(&mut plan, &[Unavailable]).said.len(), 33);
}
