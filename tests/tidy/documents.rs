//! The tables of the documents match the code.

use failsoft::dialects::change::{STRIPPED, TARGETS, Verb};
use failsoft::domain::failure::Failure;
use failsoft::domain::failure::class::ErrorClass;
use failsoft::domain::failure::class_policy::CooldownEffect;
use failsoft::domain::failure::class_policy::SameModel;
use failsoft::store::OrganizationSettings;

use crate::source::Source;

const FALLBACK: &str = include_str!("../../docs/FALLBACK.md");
const DIALECTS: &str = include_str!("../../docs/DIALECTS.md");

/// The readers of requests that are translated, each with a table of what becomes of the fields.
const READERS: [&str; 3] = [
    include_str!("../../src/dialects/chat/read_request.rs"),
    include_str!("../../src/dialects/messages/read_request.rs"),
    include_str!("../../src/dialects/responses/read_request.rs"),
];

/// The cell for a model that was not called, so that neither retries nor cooldowns apply.
const NOTHING: &str = "–";

/// Statuses of providers that a caller could mistake for the gateway's own.
const NEVER_PASSED_ON: [u16; 6] = [401, 403, 404, 407, 408, 429];

/// The rows of the table that begins with `first`, cell by cell.
fn table(text: &str, first: &str) -> Vec<Vec<String>> {
    let rows = text.lines().skip_while(|line| !line.starts_with(&format!("| `{first}` |")));
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.map(cells).collect()
}

fn failed(class: ErrorClass, status: Option<u16>) -> Failure {
    Failure { status, ..Failure::ours(class, "test", "") }
}

/// The cells after "cause", according to the code.
fn by_the_code(class: ErrorClass) -> [String; 5] {
    let policy = class.policy();
    let again = match policy.same_model {
        SameModel::Never => "no",
        SameModel::Retries => "retries",
        SameModel::IfLast => "if it is the last one",
    };
    let cools = match policy.cooldown {
        CooldownEffect::None => "no".to_owned(),
        CooldownEffect::Counts => "counts".to_owned(),
        CooldownEffect::Cools(window) => format!("{} s", window.as_secs()),
        CooldownEffect::Limited { first, longest } if first == longest => {
            format!("until the limit's reset, else {} s", first.as_secs())
        }
        CooldownEffect::Limited { first, longest } => format!(
            "until the limit's reset, else {} s, doubling to {} h",
            first.as_secs(),
            longest.as_secs() / 3_600
        ),
    };
    let (again, cools) = match (class.is_passed_over(), again, cools.as_str()) {
        (true, "no", "no") => (NOTHING, NOTHING.to_owned()),
        _ => (again, cools),
    };
    // An invalid request keeps the status and the code of its provider.
    let own = if class == ErrorClass::InvalidRequest { "the provider's, else " } else { "" };
    let status = format!("{own}{}", failed(class, None).caller_status());
    let code = format!("{own}`{}`", policy.code);
    [again.to_owned(), cools, status, code, policy.worth_retrying.to_string()]
}

#[test]
fn the_table_of_classes_is_what_the_code_does() {
    let rows = table(FALLBACK, "error_class");
    let named: Vec<String> = rows.iter().map(|row| row[0].clone()).collect();
    let all: Vec<String> = ErrorClass::ALL.iter().map(|class| format!("`{class}`")).collect();
    // The order is free; each class has exactly one row, and there are no others.
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    assert_eq!(sorted(named), sorted(all));
    for row in &rows {
        let class: ErrorClass = row[0].trim_matches('`').parse().expect("a class");
        assert_eq!(row[2..], by_the_code(class), "{class}");
        let origin = if class.is_passed_over() { row[1] == "passed over" } else { row[1].len() > 12 };
        assert!(origin, "{class} comes from {:?}", row[1]);
    }
}

#[test]
fn the_words_for_changes_are_the_documented_ones() {
    let rows = table(FALLBACK, "adapted");
    let verbs: Vec<String> = Verb::ALL.iter().map(Verb::to_string).collect();
    let documented: Vec<&str> =
        rows.iter().map(|row| row[0].trim_matches('`').split(':').next().expect("a verb")).collect();
    assert_eq!(documented, verbs);
    assert!(STRIPPED.is_sorted());
}

#[test]
fn the_fields_that_a_translation_drops_are_the_documented_ones() {
    for reader in READERS {
        let rows = reader.lines().filter_map(|line| line.trim().strip_suffix("Fate::Dropped),"));
        let names: Vec<&str> = rows.map(|row| row.trim_matches(['(', '"', ',', ' '])).collect();
        assert!(names.len() > 4, "the rule sees only {names:?}");
        for name in names {
            assert!(
                DIALECTS.contains(&format!("`{name}`")),
                "docs/DIALECTS.md does not say that {name} is dropped"
            );
        }
    }
}

#[test]
fn everything_that_is_changed_is_a_documented_word() {
    let documented: Vec<(String, String)> =
        table(FALLBACK, "verb").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let words = TARGETS.iter().map(|(verb, targets)| {
        let targets: Vec<String> = targets.iter().map(|target| format!("`{target}`")).collect();
        (format!("`{verb}`"), targets.join(", "))
    });
    assert_eq!(documented, words.collect::<Vec<_>>());
    assert_eq!(TARGETS.map(|(verb, _)| verb), Verb::ALL);
    assert!(TARGETS.iter().all(|(_, targets)| targets.is_sorted()));
}

/// The changes that the source notes with a literal: `note(Verb::Dropped, "seed")`.
fn noted(text: &str) -> Vec<(String, String)> {
    let calls = text.split("note(").skip(1).filter_map(|call| call.trim_start().strip_prefix("Verb::"));
    let literal = |call: &str| {
        let (verb, rest) = call.split_once(',')?;
        let target = rest.trim_start().strip_prefix('"')?.split('"').next()?;
        Some((verb.to_lowercase(), target.to_owned()))
    };
    calls.filter_map(literal).collect()
}

#[test]
fn no_change_is_noted_outside_of_the_vocabulary() {
    assert_eq!(noted("changes.note(Verb::Moved, \"image\")"), [("moved".to_owned(), "image".to_owned())]);
    let unknown = |verb: &str, target: &str| {
        let of = TARGETS.iter().find(|(known, _)| known.to_string() == verb);
        !of.is_some_and(|(_, targets)| targets.contains(&target))
    };
    for source in Source::read(&["src/dialects", "src/gateway/call/adapt"]) {
        for (verb, target) in noted(&source.text) {
            assert!(!unknown(&verb, &target), "{}: {verb}:{target} is in no table of change.rs", source.path);
        }
    }
}

#[test]
fn the_statuses_that_are_never_passed_on_are_the_documented_ones() {
    let listed: Vec<String> = NEVER_PASSED_ON.iter().map(u16::to_string).collect();
    let sentence = format!("({}): then it is 400", listed.join(", "));
    assert!(FALLBACK.contains(&sentence), "{sentence}");
    for status in 400..500 {
        let shown = failed(ErrorClass::InvalidRequest, Some(status)).caller_status();
        let expected = if NEVER_PASSED_ON.contains(&status) { 400 } else { status };
        assert_eq!(shown, expected);
    }
}

#[test]
fn the_limits_are_the_documented_ones() {
    let OrganizationSettings { max_fallbacks, deadline_ms, keepalive_after_ms, .. } =
        OrganizationSettings::default();
    for part in [
        format!("stored chains | {max_fallbacks} | the organization (`max_fallbacks`)"),
        format!("(the deadline) | {} s | the organization", deadline_ms / 1_000),
        format!("After {} s (the organization's `keepalive_after_ms`", keepalive_after_ms / 1_000),
        format!("doubles up to {} s", failsoft::gateway::routing::cooldown::LONGEST.as_secs()),
        format!("bounded by {} days", failsoft::gateway::call::classify::FARTHEST_RESET.as_secs() / 86_400),
    ] {
        assert!(FALLBACK.contains(&part), "{part}");
    }
}
