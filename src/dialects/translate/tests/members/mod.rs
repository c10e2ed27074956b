//! Every member of a request arrives at a provider of another dialect, is named in the changes, or passes the provider over.

mod cases;

use proptest::prelude::*;

use self::cases::{NOWHERE, OF_PROVIDERS, cases};
pub(super) use self::cases::{PAIRS, request_of};
use super::*;
use crate::dialects::change::vocabulary;

/// The body for a provider and the names of the changes.
pub(super) fn translated(
    pair: (CallerDialect, Dialect),
    body: &Value,
) -> Result<(String, Vec<String>), Need> {
    let text = body.to_string();
    let members: Members<'_> = serde_json::from_str(&text).expect("an object");
    let mut changes = Changes::default();
    let written = request(pair, &members, "m", &mut changes)?;
    Ok((String::from_utf8(written).expect("a text"), changes.into_names()))
}

/// The request with a member at a place.
fn with(body: &Value, place: &str, name: &str, value: Value) -> Value {
    let mut body = body.clone();
    body.pointer_mut(place).expect(place)[name] = value;
    body
}

#[test]
fn every_member_of_a_request_arrives_or_is_named_or_is_needed() {
    for pair in PAIRS {
        let plain = request_of(pair.0);
        let (_, before) = translated(pair, &plain).expect("a request that crosses");
        for (place, name, value, arrived, lacking) in cases(pair.0) {
            let member = format!("{pair:?}: {place}/{name} {value}");
            let Ok((body, changes)) = translated(pair, &with(&plain, place, name, value)) else { continue };
            let arrives = arrived.iter().any(|text| body.contains(text));
            let is_named = changes.len() > before.len() || before.contains(&format!("stripped:{name}"));
            assert!(arrives || is_named, "{member} disappeared: {body}");
            assert_eq!(arrives, !arrived.is_empty() && !lacking.contains(&pair.1), "{member}: {body}");
            let known = vocabulary();
            assert!(changes.iter().all(|change| known.contains(change)), "{member}: {changes:?}");
        }
    }
}

#[test]
fn what_only_the_dialect_itself_can_do_is_needed() {
    for (dialect, place, name, value, need, able) in [
        (CallerDialect::ChatCompletions, "", "stop", json!([" "]), Need::StopSequences, OF_PROVIDERS),
        (CallerDialect::Messages, "", "inference_geo", json!("eu"), Need::Region, NOWHERE),
        (CallerDialect::Messages, "", "inference_geo", json!(7), Need::Region, NOWHERE),
        (
            CallerDialect::Messages,
            "",
            "thread",
            json!({"type": "continue", "previous_message_id": "msg_1"}),
            Need::Thread,
            NOWHERE,
        ),
        (CallerDialect::Responses, "", "background", json!(true), Need::Background, NOWHERE),
    ] {
        for pair in PAIRS.into_iter().filter(|(from, to)| *from == dialect && !able.contains(to)) {
            let found = translated(pair, &with(&request_of(dialect), place, name, value.clone()));
            assert_eq!(found, Err(need), "{pair:?} {name}");
        }
    }
}

#[test]
fn thinking_that_the_model_decides_about_has_an_effort_where_claude_is() {
    let asked = with(&request_of(CallerDialect::Messages), "", "thinking", json!({"type": "adaptive"}));
    for (target, arrives, change) in [
        (Dialect::Converse, true, "mapped:thinking"),
        (Dialect::Gemini, false, "dropped:thinking"),
        (Dialect::ChatCompletions, false, "dropped:thinking"),
    ] {
        let (body, changes) = translated((CallerDialect::Messages, target), &asked).expect("a request");
        assert_eq!(body.contains(r#""reasoning":{"effort":"high"}"#), arrives, "{body}");
        assert!(changes.iter().any(|noted| noted == change), "{target:?}: {changes:?}");
    }
}

#[test]
fn a_blank_message_is_named_where_it_is_left_out() {
    let turn = |role: &str, text: &str| json!({"role": role, "content": text});
    for (answer, target, is_named) in [
        (" ", Dialect::Gemini, true),
        ("", Dialect::Converse, true),
        (" ", Dialect::Messages, true),
        ("A", Dialect::Gemini, false),
    ] {
        let asked = json!({"messages": [turn("user", "Hi"), turn("assistant", answer), turn("user", "Go")]});
        let (body, changes) =
            translated((CallerDialect::ChatCompletions, target), &asked).expect("a request");
        assert_eq!(changes.contains(&"stripped:content".to_owned()), is_named, "{target:?}: {body}");
    }
}

/// The objects of a request that have members of their own, as places.
fn places(dialect: CallerDialect) -> Vec<&'static str> {
    let mut places: Vec<&str> = cases(dialect).into_iter().map(|(place, ..)| place).collect();
    places.dedup();
    places
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_member_that_is_not_known_is_named_wherever_it_is(
        pair in prop::sample::select(PAIRS.to_vec()),
        place in any::<prop::sample::Index>(),
        name in "of_next_year_[a-z]{1,4}",
        value in prop::sample::select(vec![json!(7), json!("x"), json!([0]), json!({"a": null}), json!(true)]),
    ) {
        let places = places(pair.0);
        let place = *place.get(&places);
        let found = translated(pair, &with(&request_of(pair.0), place, &name, value));
        let (body, changes) = found.expect("a request that crosses");
        prop_assert!(!body.contains(&name), "{}", body);
        let expected = if place.is_empty() { "dropped:member" } else { "stripped:member" };
        prop_assert!(changes.iter().any(|change| change == expected), "{}: {:?}", place, changes);
    }
}
