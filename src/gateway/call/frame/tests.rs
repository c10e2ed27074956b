//! Answers keep every byte but those of our names.

use proptest::prelude::*;

use super::*;

#[test]
fn only_our_names_change() {
    let names = Names::new("ours", "house");
    for (text, expected) in [
        (
            r#"{ "id":"1", "model" : "theirs","x":1.0e5 }"#,
            r#"{ "id":"1", "model" : "ours","x":1.0e5 ,"provider":"house"}"#,
        ),
        (r#"{"provider":"p","model":"m"}"#, r#"{"provider":"house","model":"ours"}"#),
        (r#"{}"#, r#"{"model":"ours","provider":"house"}"#),
    ] {
        let mut out = Vec::new();
        let answer = Inspected::new(text.as_bytes()).expect("an answer");
        answer.write(text.as_bytes(), &mut out, &names, &[]);
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }
}

#[test]
fn an_error_inside_of_an_answer_is_found_and_a_null_one_is_none() {
    assert!(matches!(Inspected::new(br#"{"error":{"message":"no"}}"#), Err(NoAnswer::Error(_))));
    assert!(Inspected::new(br#"{"error":null,"choices":[]}"#).is_ok());
    assert!(matches!(Inspected::new(b"<html>"), Err(NoAnswer::Broken)));
    assert!(matches!(
        Inspected::new(br#"{"promptFeedback":{"blockReason":"SAFETY"}}"#),
        Err(NoAnswer::Blocked)
    ));
}

/// Numbers, strings and nested values as no writer of ours would put them.
const VALUES: &[&str] = &[
    "null",
    "1.0E+2",
    "0.1000",
    "12345678901234567890123",
    "\"\\u003cb\\u003e \\\"model\\\":\\\"x\\\" \\/ é 🦀\"",
    "{\"model\" : \"inner\", \"provider\":[1 ,2]}",
    "[ {}, [ ], \"}\" ]",
    "{ \"prompt_tokens\":1,\"completion_tokens\":2.0,\"cost\":0.00001230}",
];
const BLANKS: &[&str] = &["", " ", "\n\t", "\r\n  "];
const NAMES: &[&str] = &[
    "id",
    "object",
    "created",
    "model",
    "provider",
    "usage",
    "system_fingerprint",
    "service_tier",
    "models",
    "x",
    "\\u0061 \\\"b\\\"",
];

fn blank() -> impl Strategy<Value = &'static str> {
    prop::sample::select(BLANKS)
}

/// A member: its name, its value, and the blanks before each of its parts and behind it.
type Written = (&'static str, &'static str, [&'static str; 4]);

fn members() -> impl Strategy<Value = Vec<Written>> {
    let names = prop::sample::subsequence(NAMES, 0..=NAMES.len()).prop_shuffle();
    names.prop_flat_map(|names| {
        let blanks = || (blank(), blank(), blank(), blank()).prop_map(<[&str; 4]>::from);
        let written = names.into_iter().map(|name| (Just(name), prop::sample::select(VALUES), blanks()));
        written.collect::<Vec<_>>()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_an_answer_holds_only_our_names_change(
        members in members(),
        before in blank(),
        behind in blank(),
        more in any::<bool>(),
    ) {
        let choices = ("choices", r#"[ {"message":{"content":"é","model":"not me"}} ]"#, ["", " ", "", ""]);
        let members: Vec<Written> = std::iter::once(choices).chain(members).collect();
        let write = |ours: bool| {
            let written = members.iter().map(|(name, value, [a, b, c, d])| {
                let value = match *name {
                    "model" if ours => "\"ours\"",
                    "provider" if ours => "\"house\"",
                    _ => value,
                };
                format!("{a}\"{name}\"{b}:{c}{value}{d}")
            });
            written.collect::<Vec<_>>().join(",")
        };
        let has = |name: &str| members.iter().any(|(known, ..)| *known == name);
        let mut added = String::new();
        for (name, member) in [("model", r#","model":"ours""#), ("provider", r#","provider":"house""#)] {
            added += if has(name) { "" } else { member };
        }
        added += if more { ",\"failsoft\":{}" } else { "" };
        let sent = format!("{before}{{{}}}{behind}", write(false));
        let answer = Inspected::new(sent.as_bytes()).expect("an answer");
        prop_assert_eq!(answer.fingerprint, has("system_fingerprint"));
        let extra = more.then_some(Cow::Borrowed("\"failsoft\":{}"));
        let mut out = Vec::new();
        answer.write(sent.as_bytes(), &mut out, &Names::new("ours", "house"), extra.as_slice());
        let expected = format!("{before}{{{}{added}}}{behind}", write(true));
        prop_assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
    }
}
