//! Hostile and ordinary usage, and money to the last nano-dollar.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;
use crate::providers::LongPrompt;

mod apart;
mod bills;
mod vendors;

fn reported(text: &str) -> Reported {
    parse(RawValue::from_string(text.to_owned()).expect("JSON").get())
}

fn settled(text: &str) -> Usage {
    Usage::settle(&reported(text), || Usage::estimate(70, 30))
}

fn price(input: i64, output: i64) -> ModelPrice {
    ModelPrice { input: Some(input), output: Some(output), ..ModelPrice::default() }
}

#[test]
fn ordinary_counts_are_taken_as_they_are() {
    for (text, expected) in [
        (r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}"#, (10, 5, 0, 0, 0)),
        (
            r#"{"prompt_tokens":10.0,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4}}"#,
            (10, 5, 4, 0, 0),
        ),
        (
            r#"{"prompt_tokens":10,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":3},"total_tokens":15}"#,
            (10, 5, 0, 0, 3),
        ),
        // Reasoning left out of the answer's tokens, as some vendors do.
        (
            r#"{"prompt_tokens":10,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":30},"total_tokens":45}"#,
            (10, 35, 0, 0, 30),
        ),
        (
            r#"{"prompt_tokens":10,"completion_tokens":5,"cache_read_input_tokens":6,"cache_creation_input_tokens":3}"#,
            (10, 5, 6, 3, 0),
        ),
        (
            r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":null,"cost":0.1,"queue":[1,{"x":2}]}"#,
            (10, 5, 0, 0, 0),
        ),
    ] {
        let Usage { input, output, cached, cache_write, reasoning, estimated, flag, .. } = settled(text);
        assert_eq!((input, output, cached, cache_write, reasoning), expected, "{text}");
        assert_eq!((estimated, flag), (false, None), "{text}");
    }
}

#[test]
fn hostile_counts_are_estimated_or_read_and_flagged() {
    use Flag::{Clamped, Contradictory, Unusable};
    let deep = format!(
        r#"{{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":{}{}}}"#,
        r#"{"prompt_tokens_details":"#.repeat(50_000) + "1",
        "}".repeat(50_000)
    );
    for (text, input, output, flag) in [
        (r#"{"prompt_tokens":-5,"completion_tokens":-1}"#, 70, 30, Clamped),
        (r#"{"prompt_tokens":9223372036854775808,"completion_tokens":1e308}"#, 70, 30, Clamped),
        (r#"{"prompt_tokens":1e999,"completion_tokens":-1e999}"#, 70, 30, Clamped),
        (r#"{"prompt_tokens":"12","completion_tokens":3}"#, 12, 3, Clamped),
        (r#"{"prompt_tokens":7.5,"completion_tokens":3}"#, 8, 3, Clamped),
        (r#"{"prompt_tokens":"NaN","completion_tokens":3}"#, 70, 3, Clamped),
        (r#"{"prompt_tokens":[1],"completion_tokens":{"x":1}}"#, 70, 30, Unusable),
        (r#"{"prompt_tokens":true,"completion_tokens":3}"#, 70, 3, Clamped),
        (r#"{"prompt_tokens":1,"prompt_tokens":9,"completion_tokens":3}"#, 9, 3, Contradictory),
        (
            r#"{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":99}}"#,
            100,
            2,
            Contradictory,
        ),
        (
            r#"{"prompt_tokens":1,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":99}}"#,
            1,
            101,
            Contradictory,
        ),
        (r#"{"prompt_tokens":9,"completion_tokens":2,"total_tokens":5}"#, 9, 2, Contradictory),
        (r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#, 70, 30, Contradictory),
        (r#"{"prompt_tokens":0,"completion_tokens":3}"#, 70, 3, Contradictory),
        (r#"{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":[7]}"#, 1, 2, Clamped),
        (r#"{"prompt_tokens":null,"completion_tokens":null}"#, 70, 30, Unusable),
        ("{}", 70, 30, Unusable),
        ("[]", 70, 30, Unusable),
        ("7", 70, 30, Unusable),
        (r#""many""#, 70, 30, Unusable),
    ] {
        let usage = settled(text);
        assert_eq!((usage.input, usage.output, usage.flag), (input, output, Some(flag)), "{text}");
        assert!(usage.cost(&price(1_000_000, 1_000_000)).is_some(), "{text}");
    }
    let usage = settled(&deep);
    assert_eq!((usage.input, usage.output), (1, 2));
}

#[test]
fn what_is_not_told_is_estimated() {
    for (text, input, output) in
        [("null", 70, 30), (r#"{"prompt_tokens":4}"#, 4, 30), (r#"{"completion_tokens":4}"#, 70, 4)]
    {
        let usage = settled(text);
        assert_eq!(
            (usage.input, usage.output, usage.estimated, usage.flag),
            (input, output, true, None),
            "{text}"
        );
    }
}

/// What only the total includes is billed, whichever count is missing. The estimate is 70 and 30.
#[test]
fn a_total_alone_bounds_what_is_estimated() {
    for (text, counts) in [
        (r#"{"total_tokens":4000}"#, (70, 3_930)),
        (r#"{"prompt_tokens":100,"total_tokens":4000}"#, (100, 3_900)),
        (r#"{"completion_tokens":100,"total_tokens":4000}"#, (3_900, 100)),
        (r#"{"total_tokens":10}"#, (70, 30)),
    ] {
        let usage = settled(text);
        assert_eq!((usage.input, usage.output), counts, "{text}");
        assert!(usage.estimated, "{text}");
    }
}

#[test]
fn of_counts_that_come_twice_the_larger_holds() {
    let growing = reported(r#"{"prompt_tokens":9,"completion_tokens":1}"#)
        .followed_by(reported(r#"{"prompt_tokens":9,"completion_tokens":5}"#));
    assert_eq!((growing.output, growing.flag), (Some(5), None));
    let shrinking = growing.followed_by(reported(r#"{"prompt_tokens":9,"completion_tokens":2}"#));
    assert_eq!((shrinking.output, shrinking.flag), (Some(5), Some(Flag::Contradictory)));
    let parts = reported(r#"{"prompt_tokens":9}"#).followed_by(reported(r#"{"completion_tokens":4}"#));
    assert_eq!((parts.input, parts.output, parts.flag), (Some(9), Some(4), None));
    let garbage = growing.followed_by(reported("[]"));
    assert_eq!((garbage.output, garbage.flag), (Some(5), None));
    assert_eq!(growing.followed_by(reported("null")), growing);
    assert_eq!(growing.of_another_model().flag, Some(Flag::Contradictory));
}

#[test]
fn cost_is_rounded_once_and_unknown_prices_are_not_free() {
    let dear = ModelPrice {
        cache_read: Some(1_250_000),
        cache_write: Some(3_125_000),
        ..price(2_500_000, 10_000_000)
    };
    let usage = Usage { input: 1_000, output: 500, cached: 400, ..Usage::default() };
    // 600 × 2.5 + 400 × 1.25 + 500 × 10 micro-dollars = 7,000 micro-dollars.
    assert_eq!(usage.cost(&dear), Some(7_000_000));
    let written = Usage { cache_write: 200, ..usage };
    assert_eq!(written.cost(&dear), Some(7_125_000));
    assert_eq!(written.cost(&ModelPrice { cache_write: None, ..dear }), Some(7_000_000));
    let for_an_hour = Usage { cache_write_1h: 100, ..written };
    assert_eq!(for_an_hour.cost(&ModelPrice { cache_write_1h: Some(5_000_000), ..dear }), Some(7_312_500));
    assert_eq!((for_an_hour.cost(&dear), for_an_hour.known_cost(&dear)), (None, 7_125_000));
    assert_eq!(usage.cost(&ModelPrice { output: None, ..dear }), None);
    assert_eq!(Usage::default().cost(&ModelPrice { output: None, ..dear }), Some(0));
    // Of an unknown cost, the known part counts in budgets.
    assert_eq!(usage.known_cost(&dear), 7_000_000);
    let half = usage.known_cost(&ModelPrice { output: None, ..dear });
    let other = usage.known_cost(&ModelPrice { input: None, cache_read: None, cache_write: None, ..dear });
    assert!(half > 0 && other > 0, "{half} {other}");
    assert_eq!(half + other, 7_000_000);
    let odd = Usage { extras: true, tier: Some(Tier::Special), ..usage };
    assert_eq!((odd.cost(&dear), odd.known_cost(&dear)), (None, 7_000_000));
    // Half a nano-dollar is one.
    assert_eq!(Usage { input: 1, ..Usage::default() }.cost(&price(500, 0)), Some(1));
    assert_eq!(Usage { input: 1, ..Usage::default() }.cost(&price(499, 0)), Some(0));
    let all = Usage::estimate(i64::MAX, i64::MAX);
    assert_eq!(all.cost(&price(i64::MAX, i64::MAX)), Some(MOST_NANO_DOLLARS));
}

/// Anything that could stand in the place of a count.
fn any_count() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0_i64..200_000).prop_map(|count| count.to_string()),
        1 => any::<i64>().prop_map(|count| count.to_string()),
        1 => any::<f64>().prop_filter("JSON has no infinities", |count| count.is_finite()).prop_map(|count| format!("{count:e}")),
        1 => any::<u128>().prop_map(|count| count.to_string()),
        1 => any::<i32>().prop_map(|count| format!("\"{count}\"")),
        1 => prop::sample::select(vec!["null", "true", "[]", "{}", "[[1]]", "\"\"", "\"NaN\"", "1e308", "-1e308", "-0.0", "\"-\"", "1E+2"]).prop_map(str::to_owned),
    ]
}

const NAMES: &[&str] = &[
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "prompt_tokens_details",
    "completion_tokens_details",
    "model",
    "",
];

fn any_usage() -> impl Strategy<Value = String> {
    let member = || (prop::sample::select(NAMES), any_count());
    let object = |members: Vec<(&str, String)>| {
        let members: Vec<String> = members.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
        format!("{{{}}}", members.join(","))
    };
    let flat = || prop::collection::vec(member(), 0..6).prop_map(object);
    let nested = (flat(), flat(), flat()).prop_map(|(outer, one, two)| {
        let rest = outer.trim_start_matches('{');
        let comma = if rest == "}" { "" } else { "," };
        format!(r#"{{"prompt_tokens_details":{one},"completion_tokens_details":{two}{comma}{rest}"#)
    });
    prop_oneof![4 => flat(), 4 => nested, 1 => any_count()]
}

fn any_price() -> impl Strategy<Value = ModelPrice> {
    let part = || prop::option::weighted(0.8, prop_oneof![4 => 0_i64..100_000_000, 1 => any::<i64>()]);
    let long = (1_i64..300_000, part(), part()).prop_map(|(above, input, output)| LongPrompt {
        above,
        input,
        output,
        ..LongPrompt::default()
    });
    (part(), part(), part(), part(), prop::option::of(long)).prop_map(
        |(input, output, cache_read, cache_write, long_prompt)| ModelPrice {
            input,
            output,
            cache_read,
            cache_write,
            long_prompt,
            ..ModelPrice::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_provider_reports_is_billable(text in any_usage(), price in any_price(), ours in (0_i64..1_000, 0_i64..1_000)) {
        let usage = Usage::settle(&reported(&text), || Usage::estimate(ours.0, ours.1));
        for tokens in [usage.input, usage.output, usage.cached, usage.cache_write, usage.reasoning] {
            prop_assert!((0..=MOST_TOKENS).contains(&tokens), "{usage:?}");
        }
        prop_assert!(usage.cached + usage.cache_write <= usage.input && usage.reasoning <= usage.output);
        let cost = usage.cost(&price);
        let rates = price.rates(usage.input);
        if rates.input.is_some() && rates.output.is_some() {
            prop_assert!(cost.is_some());
        }
        prop_assert!(cost.is_none_or(|cost| (0..=MOST_NANO_DOLLARS).contains(&cost)));
        // Whatever it denies, there were a prompt and an answer.
        prop_assert!(ours.0 == 0 || usage.input > 0);
        prop_assert!(ours.1 == 0 || usage.output > 0);
    }
}

/// `make chaos` asks for a million.
fn cases() -> u32 {
    ProptestConfig::default().cases.max(10_000)
}
