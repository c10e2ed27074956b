//! Which deployment a request goes to: by example where the contract gives one, by property where it says "never" and
//! "always".

use std::collections::BTreeMap;

use entity::ids::ModelId;
use proptest::prelude::*;
use uuid::Uuid;

use super::select::{Availability, Standing, Wish, again, select};
use crate::domain::attempt_report::DeploymentReason;
use Availability::{Away, Ready, Recovering};

fn standing(number: u128, weight: u32, tier: u32) -> Standing {
    // Spread like random ids, which is what the hash gets.
    let id = Uuid::new_v5(&Uuid::nil(), &number.to_be_bytes());
    Standing { id: ModelId(id), weight, tier, availability: Ready, is_settled: true, was_tried: false }
}

fn by_session(session: u64) -> Wish {
    Wish { session: Some(session), random: 0.0 }
}

fn by_chance(random: f64) -> Wish {
    Wish { session: None, random }
}

/// How many of these requests each deployment gets.
fn shares(all: &[Standing], wishes: impl Iterator<Item = Wish>) -> BTreeMap<usize, usize> {
    let mut shares = BTreeMap::new();
    for wish in wishes {
        let (at, _) = select(all, wish).expect("a deployment");
        *shares.entry(at).or_default() += 1;
    }
    shares
}

const MANY: u32 = 20_000;

fn any_standing() -> impl Strategy<Value = Standing> {
    let availability = prop_oneof![Just(Ready), Just(Recovering), Just(Away)];
    (any::<u128>(), 1..=10_u32, 0..3_u32, availability, any::<bool>(), any::<bool>()).prop_map(
        |(number, weight, tier, availability, is_settled, was_tried)| Standing {
            availability,
            is_settled,
            was_tried,
            ..standing(number, weight, tier)
        },
    )
}

fn any_wish() -> impl Strategy<Value = Wish> {
    (any::<Option<u64>>(), 0.0..1.0).prop_map(|(session, random)| Wish { session, random })
}

#[test]
fn weights_are_kept_over_many_requests() {
    let all = [standing(1, 1, 0), standing(2, 3, 0), standing(3, 6, 0)];
    let sessions = (0..u64::from(MANY)).map(by_session);
    let chances = (0..MANY).map(|number| by_chance(f64::from(number) / f64::from(MANY)));
    for shares in [shares(&all, sessions), shares(&all, chances)] {
        for (at, weight) in [(0, 0.1), (1, 0.3), (2, 0.6)] {
            let share = shares[&at] as f64 / f64::from(MANY);
            assert!((share - weight).abs() < 0.02, "{at}: {share} in place of {weight}");
        }
    }
}

#[test]
fn a_tier_is_used_once_the_earlier_ones_are_away() {
    let mut all = [standing(1, 1, 0), standing(2, 1, 1), standing(3, 1, 2)];
    assert_eq!(select(&all, by_chance(0.9)), Some((0, DeploymentReason::Weight)));
    all[0].availability = Away;
    assert_eq!(select(&all, by_chance(0.9)), Some((1, DeploymentReason::Spill)));
    all[1].availability = Away;
    assert_eq!(select(&all, by_session(7)), Some((2, DeploymentReason::Spill)));
    all[2].availability = Away;
    assert_eq!(select(&all, by_chance(0.5)), None);
    assert_eq!(again(&all), Some(0), "of those in cooldown the first");
}

#[test]
fn a_session_stays_away_for_a_while_after_its_deployment_came_back() {
    let mut all = [standing(1, 1, 0), standing(2, 1, 0)];
    let session = (0..).find(|session| select(&all, by_session(*session)).is_some_and(|(at, _)| at == 0));
    let wish = by_session(session.expect("one of them"));
    assert_eq!(select(&all, wish), Some((0, DeploymentReason::Session)));
    all[0].availability = Away;
    all[0].is_settled = false;
    assert_eq!(select(&all, wish), Some((1, DeploymentReason::SessionMoved)));
    all[0].availability = Recovering;
    assert_eq!(select(&all, wish), Some((0, DeploymentReason::Probe)), "its own requests find out");
    all[0].availability = Ready;
    assert_eq!(select(&all, wish), Some((1, DeploymentReason::SessionMoved)));
    all[0].is_settled = true;
    assert_eq!(select(&all, wish), Some((0, DeploymentReason::Session)));
    // Without another one there is nothing to stay with.
    all[0].is_settled = false;
    all[1].availability = Away;
    assert_eq!(select(&all, wish), Some((0, DeploymentReason::Session)));
}

#[test]
fn a_request_goes_on_to_one_that_it_did_not_try() {
    let mut all = [standing(1, 1, 0), standing(2, 1, 0)];
    all[0].was_tried = true;
    assert_eq!(select(&all, by_chance(0.0)), Some((1, DeploymentReason::Failover)));
    all[1].was_tried = true;
    assert_eq!(select(&all, by_chance(0.0)), None);
    all[0].availability = Away;
    assert_eq!(again(&all), Some(1), "one that is ready is called again");
    assert_eq!(again(&[]), None);
}

proptest! {
    #[test]
    fn none_that_is_away_or_was_tried_is_chosen(
        all in prop::collection::vec(any_standing(), 0..8),
        wish in any_wish(),
    ) {
        let is_left = |one: &Standing| !one.was_tried && one.availability != Away;
        match select(&all, wish) {
            Some((at, _)) => prop_assert!(is_left(&all[at])),
            None => prop_assert!(!all.iter().any(is_left)),
        }
    }

    #[test]
    fn an_earlier_tier_comes_first(
        all in prop::collection::vec(any_standing(), 1..8),
        random in 0.0..1.0,
    ) {
        if let Some((at, _)) = select(&all, by_chance(random)) {
            let is_left = |one: &&Standing| !one.was_tried && one.availability != Away;
            let first = all.iter().filter(is_left).map(|one| one.tier).min();
            prop_assert_eq!(Some(all[at].tier), first);
        }
    }

    #[test]
    fn a_session_keeps_its_deployment_whatever_the_chance(
        all in prop::collection::vec(any_standing(), 1..8),
        session in any::<u64>(),
        random in 0.0..1.0,
    ) {
        let other = Wish { session: Some(session), random };
        prop_assert_eq!(select(&all, by_session(session)), select(&all, other));
    }

    #[test]
    fn only_the_sessions_of_one_that_goes_move(
        weights in prop::collection::vec(1..=10_u32, 2..8),
        gone in any::<prop::sample::Index>(),
        session in any::<u64>(),
    ) {
        let all: Vec<Standing> = (0_u128..).zip(weights).map(|(number, weight)| standing(number, weight, 0)).collect();
        let gone = gone.index(all.len());
        let mut rest = all.clone();
        rest[gone].availability = Away;
        let (before, _) = select(&all, by_session(session)).expect("one of all");
        let (after, _) = select(&rest, by_session(session)).expect("one of the rest");
        prop_assert!(after != gone && (before == gone || before == after));
    }
}
