//! Whatever a key changes, no key ends up with more than the giver has or the key had.

use chrono::TimeDelta;
use entity::ids::{ApiKeyId, BudgetId};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;
use uuid::Uuid;

use super::*;

fn moment(day: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(day)
}

fn key(
    scopes: &[&str],
    models: Option<&[&str]>,
    limits: (Option<i64>, Option<i64>),
    end: Option<i64>,
    day: Option<i64>,
) -> BoundKey {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let id = ApiKeyId(Uuid::from_u128(1));
    let row = ApiKeyRow {
        id,
        name: "key".to_owned(),
        prefix: String::new(),
        last_four: String::new(),
        scopes: words(scopes),
        models: models.map(words),
        requests_per_minute: limits.0,
        concurrent_requests: limits.1,
        expires_at: end.map(moment),
        created_by: None,
        created_at: moment(0),
        updated_at: moment(0),
        last_used_at: None,
        revoked_at: None,
    };
    let budget = |hard| BudgetRow {
        id: BudgetId(Uuid::from_u128(2)),
        api_key_id: Some(id),
        period: Period::Day,
        soft_limit_nano_dollars: None,
        hard_limit_nano_dollars: Some(hard),
        created_at: moment(0),
        updated_at: moment(0),
    };
    BoundKey { row, budgets: day.map(budget).into_iter().collect() }
}

fn given(giver: &BoundKey, before: Option<&BoundKey>, after: &BoundKey) -> Result<(), String> {
    let grant = KeyGrant { giver: giver.clone(), before: before.cloned(), after: after.clone() };
    check(&grant).map_err(|error| match error {
        Error::Invalid(violations) => format!("{:?}", violations[0].location[1]),
        other => other.to_string(),
    })
}

#[test]
fn a_key_makes_no_wider_one_in_any_bound() {
    let own = key(&["keys:manage", "inference"], Some(&["a"]), (Some(20), Some(2)), Some(9), None);
    let child =
        |scopes: &[&str], models: Option<&[&str]>, limits, end| key(scopes, models, limits, end, None);
    let within = child(&["inference"], Some(&["a"]), (Some(20), Some(1)), Some(8));
    assert_eq!(given(&own, None, &within), Ok(()));
    for (wider, named) in [
        (child(&["drill"], Some(&["a"]), (Some(1), Some(1)), Some(1)), "drill"),
        (child(&["inference"], Some(&["b"]), (Some(1), Some(1)), Some(1)), "'b'"),
        (child(&["inference"], None, (Some(1), Some(1)), Some(1)), "models"),
        (child(&["inference"], Some(&["a"]), (Some(21), Some(1)), Some(1)), "requests_per_minute"),
        (child(&["inference"], Some(&["a"]), (None, Some(1)), Some(1)), "requests_per_minute"),
        (child(&["inference"], Some(&["a"]), (Some(1), None), Some(1)), "concurrent_requests"),
        (child(&["inference"], Some(&["a"]), (Some(1), Some(3)), Some(1)), "concurrent_requests"),
        (child(&["inference"], Some(&["a"]), (Some(1), Some(1)), None), "expires_at"),
        (child(&["inference"], Some(&["a"]), (Some(1), Some(1)), Some(10)), "expires_at"),
    ] {
        let refused = given(&own, None, &wider).expect_err(named);
        assert!(refused.contains(named), "{named}: {refused}");
        // Neither to itself.
        assert!(given(&own, Some(&own), &wider).is_err(), "{named}");
    }
}

#[test]
fn a_key_with_a_budget_makes_none_that_spends_beyond_it() {
    let own = key(&["keys:manage", "budgets:manage", "inference"], None, (None, None), None, Some(5));
    let of = |scopes: &[&str], day| key(scopes, None, (None, None), None, day);
    assert!(given(&own, None, &of(&["inference"], None)).expect_err("wider").contains("scopes"));
    assert_eq!(given(&own, None, &of(&["keys:manage"], None)), Ok(()), "it spends nothing");
    let other = of(&["inference"], Some(3));
    assert_eq!(given(&own, Some(&other), &of(&["inference"], Some(5))), Ok(()));
    for wider in [Some(6), None] {
        assert!(given(&own, Some(&other), &of(&["inference"], wider)).is_err(), "{wider:?}");
        let raised = of(&["keys:manage", "budgets:manage", "inference"], wider);
        assert!(given(&own, Some(&own), &raised).is_err(), "its own: {wider:?}");
    }
    // What the other key had may stay.
    let rich = of(&["inference"], Some(9));
    assert_eq!(given(&own, Some(&rich), &rich), Ok(()));
    assert_eq!(given(&own, Some(&of(&["inference"], None)), &rich), Ok(()), "narrower than it was");
    assert!(given(&own, Some(&of(&["drill"], None)), &of(&["drill", "inference"], None)).is_err());
}

#[test]
fn what_is_new_to_a_key_comes_under_the_givers_limits() {
    let own = key(&["keys:manage", "inference"], None, (Some(20), None), None, None);
    let free = key(&["router:read"], Some(&["a"]), (None, None), None, None);
    assert_eq!(given(&own, Some(&free), &free), Ok(()));
    let more = |scopes: &[&str], models: &[&str], limit| key(scopes, Some(models), (limit, None), None, None);
    assert!(given(&own, Some(&free), &more(&["router:read", "inference"], &["a"], None)).is_err());
    assert!(given(&own, Some(&free), &more(&["router:read"], &["a", "b"], None)).is_err());
    assert_eq!(given(&own, Some(&free), &more(&["router:read", "inference"], &["a", "b"], Some(20))), Ok(()));
}

fn any_key() -> impl Strategy<Value = BoundKey> {
    let scopes = subsequence(vec!["inference", "keys:manage", "drill"], 0..=3);
    let models = option::of(subsequence(vec!["a", "b", "c"], 0..=3));
    let limit = || option::of(1_i64..4);
    (scopes, models, limit(), limit(), limit(), limit()).prop_map(
        |(scopes, models, rate, at_once, end, day)| {
            key(&scopes, models.as_deref(), (rate, at_once), end, day)
        },
    )
}

/// Is every bound of `one` within the other's?
fn is_within(one: &BoundKey, other: &BoundKey) -> bool {
    let (one, other) = (Bounds::of(one), Bounds::of(other));
    let budgets = one.budgets.into_iter().zip(other.budgets);
    one.scopes.iter().all(|scope| other.scopes.contains(scope))
        && !widens_models(one.models, other.models)
        && !exceeds(one.requests_per_minute, other.requests_per_minute)
        && !exceeds(one.concurrent_requests, other.concurrent_requests)
        && !exceeds(one.expires_at, other.expires_at)
        && (!one.spends() || budgets.into_iter().all(|(one, other)| !exceeds(one, other)))
}

proptest! {
    #[test]
    fn what_a_key_makes_is_within_it(giver in any_key(), after in any_key()) {
        prop_assert_eq!(given(&giver, None, &after).is_ok(), is_within(&after, &giver));
    }

    #[test]
    fn a_key_never_widens_itself(giver in any_key(), after in any_key()) {
        prop_assert_eq!(given(&giver, Some(&giver), &after).is_ok(), is_within(&after, &giver));
    }

    #[test]
    fn a_key_may_always_narrow_another(giver in any_key(), before in any_key(), after in any_key()) {
        if is_within(&after, &before) {
            let spends_anew = Bounds::of(&after).spends() && !Bounds::of(&before).spends();
            prop_assert!(spends_anew || given(&giver, Some(&before), &after).is_ok());
        }
    }
}
