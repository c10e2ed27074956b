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
        (
            r#"{"model":"m","provider":"p","x":{"model":"m"},"mod\u0065l":"n","provider":null,"model":"o"}"#,
            r#"{"model":"ours","provider":"house","x":{"model":"m"},"mod\u0065l":"ours","provider":"house","model":"ours"}"#,
        ),
        (
            r#"{"model":"m","model":"n","provider":"p"}"#,
            r#"{"model":"ours","model":"ours","provider":"house"}"#,
        ),
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

#[test]
fn a_response_says_at_which_price_it_was_made() {
    let inspected = |members: &str| {
        let body = format!(
            r#"{{"status":"completed","model":"m","usage":{{"input_tokens":3,"output_tokens":2}},{members}}}"#
        );
        Inspected::unmeasured(Dialect::Responses, body.as_bytes()).expect("a response")
    };
    let said = r#"{"type":"message","content":[{"type":"output_text","text":"Hi","annotations":[]}]}"#;
    for (tier, expected) in [
        ("\"default\"", Some(Tier::Standard)),
        ("\"flex\"", Some(Tier::Special)),
        ("\"priority\"", Some(Tier::Special)),
        ("null", None),
    ] {
        let answer = inspected(&format!(r#""output":[{said}],"service_tier":{tier}"#));
        assert_eq!((answer.usage.tier, answer.usage.output), (expected, Some(2)), "{tier}");
    }
    for (members, extras) in [
        (format!(r#""output":[{said}],"tool_usage":{{"web_search":{{"num_requests":0}}}}"#), false),
        (format!(r#""output":[{said}],"tool_usage":{{"web_search":{{"num_requests":1}}}}"#), true),
        (format!(r#""output":[{said}],"server_side_tool_usage":{{"web_search":0}}"#), false),
        (format!(r#""output":[{said}],"server_side_tool_usage":{{"web_search":2}}"#), true),
        (format!(r#""output":[{{"type":"web_search_call","id":"ws_1"}},{said}]"#), true),
        (format!(r#""output":[{{"type":"function_call","name":"f","arguments":"{{}}"}},{said}]"#), false),
        (r#""output":[]"#.to_owned(), false),
    ] {
        assert_eq!(inspected(&members).choices.extras, extras, "{members}");
    }
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

/// Fields of a choice with usual and unusual values.
const CHOICE: &[(&str, &[&str])] = &[
    ("index", &["0", "1", "200", "-1", "1.0", "null", "\"a\"", "12345678901", "1e999"]),
    (
        "delta",
        &["{}", "null", r#"{"content":"a"}"#, r#"{"content":"é\n","role":"assistant"}"#, "[]", "\"x\""],
    ),
    ("message", &[r#"{"content":"","refusal":"no"}"#, r#"{"tool_calls":[{"id":"x"}],"audio":{"a":null}}"#]),
    ("text", &["null", "\"\"", "\"words\"", "{\"a\":1}"]),
    ("finish_reason", &["null", "\"stop\"", "\"content_filter\"", "\"\\u0073top\"", "7", "\"odd\"", "{}"]),
    ("native_finish_reason", &["null", "\"MAX_TOKENS\"", "\"SAFETY\"", "[1]"]),
    ("error", &["null", "{}", "{\"message\":\"no\"}"]),
    ("logprobs", &["null", "{\"content\":[{\"token\":\"a\",\"logprob\":-0.1}]}"]),
];
/// Fields of a chunk with usual and unusual values, besides its choices.
const CHUNK: &[(&str, &[&str])] = &[
    ("id", &["\"chatcmpl-1\"", "null", "7"]),
    ("object", &["\"chat.completion.chunk\"", "\"error\"", "null"]),
    (
        "usage",
        &["null", r#"{"prompt_tokens":3,"completion_tokens":2}"#, "{}", "7", "[]", r#"{"a":{"b":[]}}"#],
    ),
    ("service_tier", &["\"default\"", "\"flex\"", "null", "{}"]),
    ("model", &["\"m\"", "null", "\"\\u006d\""]),
    ("error", &["null", "{}", "{\"message\":\"no\"}", "\"\""]),
    ("x_groq", &["null", r#"{"usage":{"prompt_tokens":1,"completion_tokens":2}}"#]),
    ("promptFeedback", &["{}", r#"{"blockReason":"SAFETY"}"#]),
    ("obfuscation", &["\"xyz\""]),
    ("\\u0069d", &["1"]),
    ("broken", &["tru", "01", "\"\\x\"", "[1,]"]),
];

fn object(fields: &'static [(&'static str, &'static [&'static str])]) -> impl Strategy<Value = String> {
    let fields = prop::sample::subsequence(fields, 0..=fields.len()).prop_shuffle();
    let fields = fields.prop_flat_map(|fields| {
        let written = fields.into_iter().map(|(name, values)| {
            prop::sample::select(values).prop_map(move |value| format!("\"{name}\":{value}"))
        });
        written.collect::<Vec<_>>()
    });
    fields.prop_map(|fields| fields.join(", "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_is_scanned_is_what_would_be_parsed(
        chunk in object(CHUNK),
        choices in prop::collection::vec(object(CHOICE), 0..3),
        odd in prop::sample::select(&["", "null", "7", "\"a\"", "{}", "[null]"]),
        behind in prop::sample::select(&["", " ", "\n", "}", "x"]),
    ) {
        let choices = choices.iter().map(|choice| format!("{{{choice}}}")).collect::<Vec<_>>().join(",");
        let choices = if odd.is_empty() { format!("[{choices}]") } else { odd.to_owned() };
        let comma = if chunk.is_empty() { "" } else { "," };
        let text = format!("{{\"choices\" : {choices}{comma}{chunk}}}{behind}");
        if let Some(scanned) = scan::scan::<true>(text.as_bytes()) {
            let scanned = Inspected { content: None, ..scanned };
            let parsed = Inspected::parse::<true>(text.as_bytes()).expect("JSON");
            prop_assert_eq!(format!("{scanned:?}"), format!("{parsed:?}"));
        }
    }
}

#[test]
fn ordinary_answers_and_chunks_are_scanned() {
    for text in [
        r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"default","system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":" naïve"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}"#,
        r#"{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":0}}}"#,
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"a \"word\"\n","refusal":null,"annotations":[]},"finish_reason":"stop"}]}"#,
    ] {
        assert!(scan::scan::<true>(text.as_bytes()).is_some(), "{text}");
    }
}
