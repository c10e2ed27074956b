//! Whatever a key changes, no key ends up with more than the giver has or the key had.

use chrono::TimeDelta;
use entity::ids::{ApiKeyId, BudgetId};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;
use uuid::Uuid;

use super::*;

/// Hard limits for the day and the month.
struct Money(Option<i64>, Option<i64>);

impl From<Option<i64>> for Money {
    fn from(day: Option<i64>) -> Self {
        Self(day, None)
    }
}

fn moment(day: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(day)
}

fn key(
    scopes: &[&str],
    models: Option<&[&str]>,
    limits: (Option<i64>, Option<i64>),
    end: Option<i64>,
    money: impl Into<Money>,
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
        requests_per_day: None,
        tokens_per_minute: None,
        tokens_per_day: None,
        model_limits: ModelLimits::default(),
        expires_at: end.map(moment),
        created_by: None,
        created_at: moment(0),
        updated_at: moment(0),
        last_used_at: None,
        revoked_at: None,
    };
    let budget = |(period, hard): (Period, Option<i64>)| BudgetRow {
        id: BudgetId(Uuid::from_u128(2)),
        api_key_id: Some(id),
        period,
        soft_limit_nano_dollars: None,
        hard_limit_nano_dollars: hard,
        created_at: moment(0),
        updated_at: moment(0),
    };
    let Money(day, month) = money.into();
    BoundKey { row, budgets: [(Period::Day, day), (Period::Month, month)].map(budget).into() }
}

fn given(giver: &BoundKey, before: Option<&BoundKey>, after: &BoundKey) -> Result<(), String> {
    let grant = KeyGrant {
        giver: giver.clone(),
        organization_budgets: Vec::new(),
        before: before.cloned(),
        after: after.clone(),
    };
    check(&grant).map_err(|error| match error {
        Error::Invalid(violations) => format!("{:?}", violations[0].location[1]),
        other => other.to_string(),
    })
}

#[test]
fn a_key_makes_no_wider_one_in_any_bound() {
    let own = key(&["keys:manage", "inference"], Some(&["a"]), (None, None), Some(9), None);
    let child = |scopes: &[&str], models: Option<&[&str]>, end| key(scopes, models, (None, None), end, None);
    assert_eq!(given(&own, None, &child(&["inference"], Some(&["a"]), Some(8))), Ok(()));
    for (wider, named) in [
        (child(&["drill"], Some(&["a"]), Some(1)), "drill"),
        (child(&["inference"], Some(&["b"]), Some(1)), "'b'"),
        (child(&["inference"], None, Some(1)), "models"),
        (child(&["inference"], Some(&["a"]), None), "expires_at"),
        (child(&["inference"], Some(&["a"]), Some(10)), "expires_at"),
    ] {
        let refused = given(&own, None, &wider).expect_err(named);
        assert!(refused.contains(named), "{named}: {refused}");
        // Neither to itself.
        assert!(given(&own, Some(&own), &wider).is_err(), "{named}");
    }
}

/// Its limits, one at a time: requests per minute, at once, and money.
fn limited_keys(scopes: &[&str]) -> [BoundKey; 3] {
    [
        key(scopes, None, (Some(20), None), None, None),
        key(scopes, None, (None, Some(2)), None, None),
        key(scopes, None, (None, None), None, Some(5)),
    ]
}

#[test]
fn a_limited_key_gives_no_key_calls_of_models() {
    let scopes = ["keys:manage", "budgets:manage", "inference", "router:read"];
    for own in limited_keys(&scopes) {
        // However narrow: several narrow ones are wide.
        let calls =
            |scopes: &[&str], models: Option<&[&str]>| key(scopes, models, (Some(1), Some(1)), None, Some(1));
        assert!(given(&own, None, &calls(&["inference"], None)).expect_err("new").contains("scopes"));
        let reader = calls(&["router:read"], None);
        assert_eq!(given(&own, None, &reader), Ok(()), "it calls no model");
        let more = calls(&["router:read", "inference"], None);
        assert!(given(&own, Some(&reader), &more).expect_err("a scope").contains("scopes"));
        let (one, two) = (calls(&["inference"], Some(&["a"])), calls(&["inference"], Some(&["a", "b"])));
        assert!(given(&own, Some(&one), &two).expect_err("a model").contains("models"));
        assert_eq!(given(&own, Some(&two), &one), Ok(()), "a right may be taken away");
        assert_eq!(given(&own, Some(&own), &own), Ok(()));
    }
    let free = key(&scopes, None, (None, None), None, None);
    for child in limited_keys(&["inference"]) {
        assert_eq!(given(&free, None, &child), Ok(()), "what an unlimited key makes may be limited");
    }
}

#[test]
fn a_limited_key_raises_no_limit_of_a_key_that_calls_models() {
    let limits = |rate, at_once, day| key(&["inference"], None, (rate, at_once), None, day);
    let mate = limits(Some(5), Some(1), Some(3));
    let [rate, at_once, money] = limited_keys(&["keys:manage", "budgets:manage", "inference"]);
    for (own, raised, lowered) in [
        (&rate, limits(Some(6), Some(1), Some(3)), limits(Some(4), None, None)),
        (&at_once, limits(Some(5), Some(2), Some(3)), limits(None, Some(1), None)),
        (&money, limits(Some(5), Some(1), Some(4)), limits(None, None, Some(2))),
    ] {
        assert!(given(own, Some(&mate), &raised).is_err(), "{raised:?}");
        assert!(
            given(own, Some(&mate), &lowered).is_err(),
            "it lifts no limit that it does not have: {lowered:?}"
        );
    }
}

/// A key per kind of bound, and one with all of them.
fn bounded_keys(scopes: &[&str]) -> [BoundKey; 7] {
    let (none, month) = ((None, None), Money(None, Some(5)));
    let [rate, at_once, day] = limited_keys(scopes);
    [
        rate,
        at_once,
        day,
        key(scopes, None, none, None, month),
        key(scopes, Some(&["a"]), none, None, None),
        key(scopes, None, none, Some(9), None),
        key(scopes, Some(&["a"]), (Some(20), Some(2)), Some(9), Money(Some(5), Some(5))),
    ]
}

/// Every kind of bound of the calling key, with every bound of the changed key.
#[test]
fn a_key_with_any_bound_lifts_no_bound_of_another() {
    let scopes = ["keys:manage", "budgets:manage", "inference"];
    let mate = |models, rate, at_once, end, money: (Option<i64>, Option<i64>)| {
        key(&["inference"], models, (rate, at_once), end, Money(money.0, money.1))
    };
    let (a, ab): (Option<&[&str]>, Option<&[&str]>) = (Some(&["a"]), Some(&["a", "b"]));
    let before = mate(a, Some(3), Some(1), Some(2), (Some(3), Some(3)));
    let wider = [
        ("models", mate(ab, Some(3), Some(1), Some(2), (Some(3), Some(3)))),
        ("models", mate(None, Some(3), Some(1), Some(2), (Some(3), Some(3)))),
        ("requests_per_minute", mate(a, Some(4), Some(1), Some(2), (Some(3), Some(3)))),
        ("requests_per_minute", mate(a, None, Some(1), Some(2), (Some(3), Some(3)))),
        ("concurrent_requests", mate(a, Some(3), Some(2), Some(2), (Some(3), Some(3)))),
        ("concurrent_requests", mate(a, Some(3), None, Some(2), (Some(3), Some(3)))),
        ("expires_at", mate(a, Some(3), Some(1), Some(3), (Some(3), Some(3)))),
        ("expires_at", mate(a, Some(3), Some(1), None, (Some(3), Some(3)))),
        ("hard_limit_nano_dollars", mate(a, Some(3), Some(1), Some(2), (Some(4), Some(3)))),
        ("hard_limit_nano_dollars", mate(a, Some(3), Some(1), Some(2), (None, Some(3)))),
        ("hard_limit_nano_dollars", mate(a, Some(3), Some(1), Some(2), (Some(3), Some(4)))),
        ("hard_limit_nano_dollars", mate(a, Some(3), Some(1), Some(2), (Some(3), None))),
    ];
    let narrower = mate(Some(&[]), Some(2), Some(1), Some(1), (Some(2), Some(1)));
    for own in bounded_keys(&scopes) {
        for (field, after) in &wider {
            let refused = given(&own, Some(&before), after).expect_err(field);
            assert!(refused.contains(field) || refused.contains("'b'"), "{own:?}, {field}: {refused}");
        }
        assert_eq!(given(&own, Some(&before), &narrower), Ok(()));
        // It makes no manager that could.
        let free = key(&["keys:manage"], None, (None, None), None, None);
        assert!(given(&own, None, &free).is_err(), "{own:?}");
        let plain = key(&["router:read"], None, (None, None), None, None);
        assert!(given(&own, Some(&plain), &free).is_err(), "{own:?}");
    }
    let free = key(&scopes, None, (None, None), None, None);
    for (field, after) in &wider {
        assert_eq!(given(&free, Some(&before), after), Ok(()), "{field}");
    }
}

/// Every further limit of a key, of all of its requests or of those to a model.
#[test]
fn limits_of_tokens_and_models_are_bounds_as_well() {
    let scopes = ["keys:manage", "inference"];
    let free = key(&scopes, None, (None, None), None, None);
    let with = |limits: Limits, of_model: Limits| {
        let mut key = free.clone();
        key.row.requests_per_day = limits.requests_per_day;
        key.row.tokens_per_minute = limits.tokens_per_minute;
        key.row.tokens_per_day = limits.tokens_per_day;
        key.row.model_limits = ModelLimits([("a".to_owned(), of_model)].into());
        key
    };
    let (none, some) = (Limits::default(), |limit| Limits { tokens_per_day: limit, ..Limits::default() });
    for (narrow, wide, field) in [
        (with(some(Some(5)), none), with(some(Some(6)), none), "tokens_per_day"),
        (with(some(Some(5)), none), with(some(None), none), "tokens_per_day"),
        (with(none, some(Some(5))), with(none, some(Some(6))), "model_limits"),
        (with(none, some(Some(5))), with(none, some(None)), "model_limits"),
    ] {
        let refused = given(&narrow, Some(&narrow), &wide).expect_err(field);
        assert!(refused.contains(field), "{field}: {refused}");
        assert_eq!(given(&narrow, Some(&wide), &narrow), Ok(()), "{field}");
        assert!(given(&narrow, None, &narrow).expect_err("calls of models").contains("scopes"));
        assert_eq!(given(&free, Some(&narrow), &wide), Ok(()), "{field}");
    }
}

#[test]
fn a_key_with_a_budget_does_not_get_around_it() {
    let all = ["keys:manage", "budgets:manage", "inference"];
    let own = key(&all, None, (None, None), None, Some(5));
    let of = |scopes: &[&str], day| key(scopes, None, (None, None), None, day);
    let slow = key(&["keys:manage"], None, (Some(1), None), None, None);
    assert_eq!(given(&own, None, &slow), Ok(()), "it spends nothing, and is limited");
    assert!(given(&own, None, &of(&["keys:manage"], None)).expect_err("no limit").contains("scopes"));
    for manager in [&["budgets:manage"][..], &["keys:manage", "budgets:manage"]] {
        // It would have no budget, and could raise its maker's.
        assert!(given(&own, None, &of(manager, None)).expect_err("a budget").contains("scopes"));
        assert!(given(&own, None, &of(manager, Some(1))).is_err());
    }
    for wider in [Some(6), None] {
        assert!(
            given(&own, Some(&of(&["inference"], Some(3))), &of(&["inference"], wider)).is_err(),
            "{wider:?}"
        );
        assert!(given(&own, Some(&own), &of(&all, wider)).is_err(), "its own: {wider:?}");
    }
    // What the other key had may stay.
    let rich = of(&["inference"], Some(9));
    assert_eq!(given(&own, Some(&rich), &rich), Ok(()));
    assert_eq!(given(&own, Some(&of(&["inference"], None)), &rich), Ok(()), "narrower than it was");
}

#[test]
fn a_key_with_any_bound_widens_no_budget_of_the_organization() {
    let scopes = ["budgets:manage"];
    let of = |money: (Option<i64>, Option<i64>)| {
        key(&[], None, (None, None), None, Money(money.0, money.1)).budgets
    };
    let free = key(&scopes, None, (None, None), None, None);
    for (before, after, widens) in [
        ((Some(5), None), (Some(6), None), true),
        ((Some(5), None), (None, None), true),
        ((Some(5), Some(5)), (Some(4), Some(6)), true),
        ((Some(5), None), (Some(5), Some(1)), false),
        ((None, None), (Some(9), Some(9)), false),
        ((Some(5), Some(5)), (Some(4), Some(5)), false),
    ] {
        let (before, after) = (of(before), of(after));
        for own in bounded_keys(&scopes) {
            assert_eq!(check_organization(&own, &before, &after).is_err(), widens, "{own:?}");
        }
        assert!(check_organization(&free, &before, &after).is_ok());
    }
}

#[test]
fn what_is_new_to_a_key_comes_under_the_givers_limits() {
    let own = key(&["keys:manage", "inference", "drill"], None, (Some(20), None), None, None);
    let free = key(&["router:read"], Some(&["a"]), (None, None), None, None);
    assert_eq!(given(&own, Some(&free), &free), Ok(()));
    let more = |scopes: &[&str], models: &[&str], limit| key(scopes, Some(models), (limit, None), None, None);
    assert!(given(&own, Some(&free), &more(&["router:read", "drill"], &["a"], None)).is_err());
    assert!(given(&own, Some(&free), &more(&["router:read"], &["a", "b"], None)).is_err());
    assert_eq!(given(&own, Some(&free), &more(&["router:read", "drill"], &["a"], Some(20))), Ok(()));
    assert!(given(&own, Some(&free), &more(&["router:read", "drill"], &["a", "b"], Some(20))).is_err());
}

fn any_key() -> impl Strategy<Value = BoundKey> {
    let scopes = subsequence(vec!["inference", "keys:manage", "budgets:manage", "drill"], 0..=4);
    let models = option::of(subsequence(vec!["a", "b", "c"], 0..=3));
    let limit = || option::of(1_i64..4);
    (scopes, models, limit(), limit(), limit(), (limit(), limit())).prop_map(
        |(scopes, models, rate, at_once, end, (day, month))| {
            key(&scopes, models.as_deref(), (rate, at_once), end, Money(day, month))
        },
    )
}

/// Is every bound of `one`, apart from money, within the other's?
fn is_within_but_for_money(one: &BoundKey, other: &BoundKey) -> bool {
    let (one, other) = (Bounds::of(one), Bounds::of(other));
    one.scopes.iter().all(|scope| other.scopes.contains(scope))
        && !widens_models(one.models, other.models)
        && one.limits.wider_than(&other.limits).is_none()
        && one.model_limits.wider_than(other.model_limits).is_none()
        && !exceeds(one.expires_at, other.expires_at)
}

/// Is every bound of `one` within the other's?
fn is_within(one: &BoundKey, other: &BoundKey) -> bool {
    let mut budgets = Bounds::of(one).budgets.into_iter().zip(Bounds::of(other).budgets);
    is_within_but_for_money(one, other) && budgets.all(|(one, other)| !exceeds(one, other))
}

proptest! {
    #[test]
    fn what_a_key_makes_is_within_it_and_shares_no_limit(giver in any_key(), after in any_key()) {
        let (own, made) = (Bounds::of(&giver), Bounds::of(&after));
        let twice = (made.calls_models() && own.counted().is_some())
            || (made.has(Scope::BudgetsManage) && own.budget().is_some());
        let manages = made.has(Scope::KeysManage) || made.has(Scope::BudgetsManage);
        let frees = manages && own.limit().is_some() && made.limit().is_none();
        // A key that calls models shares no budget at all.
        let within = is_within_but_for_money(&after, &giver);
        prop_assert_eq!(given(&giver, None, &after).is_ok(), within && !twice && !frees);
    }

    #[test]
    fn a_key_never_widens_itself(giver in any_key(), after in any_key()) {
        prop_assert_eq!(given(&giver, Some(&giver), &after).is_ok(), is_within(&after, &giver));
    }

    #[test]
    fn a_key_may_always_narrow_another(giver in any_key(), before in any_key(), after in any_key()) {
        if is_within(&after, &before) {
            prop_assert!(given(&giver, Some(&before), &after).is_ok());
        }
    }

    #[test]
    fn a_limited_key_leaves_no_key_with_more_calls(giver in any_key(), before in any_key(), after in any_key()) {
        if given(&giver, Some(&before), &after).is_ok() {
            let [own, had, has] = [&giver, &before, &after].map(Bounds::of);
            if own.limit().is_some() {
                prop_assert_eq!(has.wider_than(&had), None);
                let gets = |scope| has.has(scope) && !had.has(scope);
                let manages = gets(Scope::KeysManage) || gets(Scope::BudgetsManage);
                prop_assert!(!manages || has.limit().is_some());
            }
            if has.calls_models() && !had.calls_models() {
                let scopes = after.row.scopes.clone();
                let own_models = BoundKey { row: ApiKeyRow { scopes, ..giver.row.clone() }, ..giver.clone() };
                prop_assert!(own.counted().is_none());
                prop_assert!(is_within_but_for_money(&after, &own_models));
            }
        }
    }
}

#[test]
fn a_key_within_a_limit_makes_no_manager_of_models() {
    let scopes = ["inference", "router:manage", "keys:manage"];
    let models: Option<&[&str]> = Some(&["a"]);
    let manager = key(&["router:manage"], models, (None, None), None, Some(5));
    let refused = Err("Name(\"scopes\")".to_owned());
    let listed = key(&scopes, models, (None, None), None, None);
    let money = key(&scopes, None, (None, None), None, Some(5));
    for giver in [listed, money] {
        assert_eq!(given(&giver, None, &manager), refused);
        // Its own `inference` cannot be put away for a while either.
        let idle = BoundKey {
            row: ApiKeyRow { scopes: manager.row.scopes.clone(), ..giver.row.clone() },
            ..giver.clone()
        };
        assert_eq!(given(&giver, Some(&giver), &idle), refused);
    }
    let idle = key(&["router:manage", "keys:manage"], models, (None, None), None, None);
    assert_eq!(given(&idle, None, &manager), Ok(()));
    let free = key(&scopes, None, (None, None), None, None);
    assert_eq!(given(&free, None, &manager), Ok(()));
}
