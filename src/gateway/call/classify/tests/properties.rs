//! What holds for whatever arrives: nothing breaks the reading, no secret passes, and no sentence overrules a status
//! that says more.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// The names under which vendors report errors, and one that no vendor uses.
const NAMES: &[&str] = &[
    "error",
    "errors",
    "message",
    "Message",
    "msg",
    "detail",
    "details",
    "code",
    "Code",
    "type",
    "status",
    "status_code",
    "error_code",
    "error_type",
    "error_message",
    "error_msg",
    "param",
    "metadata",
    "raw",
    "reasons",
    "flagged_input",
    "innererror",
    "inner_error",
    "reason",
    "retryDelay",
    "__type",
    "loc",
    "x_other",
];

/// Words that mean something as a code, and some that mean nothing.
const CODES: &[&str] = &[
    "context_length_exceeded",
    "content_filter",
    "insufficient_quota",
    "rate_limit_exceeded",
    "overloaded_error",
    "invalid_api_key",
    "model_not_found",
    "unsupported_parameter",
    "server_error",
    "1113",
    "429",
    "400",
    "nothing",
    "generation",
    "PRECONDITION_FAILED",
    "ThrottlingException",
    "SAFETY_CHECK_TYPE_BIO",
];

/// Statuses beside which sentences are read.
const CALL_IT_BAD: &[u16] = &[400, 413, 422];

/// Every sentence of the vectors: those that mean something on a 400, and some that never do.
fn sentences() -> Vec<String> {
    vectors()
        .map(|(_, status, body, ..)| {
            parse_error(*status, &HeaderMap::new(), body.as_bytes(), DateTime::UNIX_EPOCH)
        })
        // A constant in a sentence is a fact, not a sentence.
        .filter(|error| !error.moderated)
        .map(|error| error.message)
        .collect()
}

fn sentence() -> impl Strategy<Value = String> {
    (prop::sample::select(sentences()), "\\PC{0,30}", any::<bool>()).prop_map(|(sentence, noise, before)| {
        if before { format!("x{noise} {sentence}") } else { format!("{sentence} {noise}") }
    })
}

/// JSON in shapes that vendors might have sent, and did not.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (99..600_u16).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(CODES).prop_map(Value::from),
        sentence().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(Value::from(r#"{"error":{"code":"context_length_exceeded","message":"inner"}}"#)),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(NAMES), inner), 0..6).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

/// A vendor's payload with a piece cut out, doubled or overwritten.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let bodies: Vec<&str> = vectors().map(|(_, _, body, ..)| *body).filter(|body| !body.is_empty()).collect();
    let noise = prop::collection::vec(any::<u8>(), 0..8);
    (prop::sample::select(bodies), any::<prop::sample::Index>(), 0..40_usize, noise, any::<bool>()).prop_map(
        |(body, at, length, noise, doubled)| {
            let bytes = body.as_bytes();
            let from = at.index(bytes.len());
            let to = (from + length).min(bytes.len());
            let kept = if doubled { from } else { to };
            [&bytes[..to], &noise, &bytes[kept..]].concat()
        },
    )
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..600),
        json().prop_map(|value| value.to_string().into_bytes()),
        mutated(),
    ]
}

/// Whether a sentence about the money of the account decided, which counts with more statuses.
fn is_about_money(status: u16, failure: &Failure) -> bool {
    let sent_with = [401, 403, 412, 429, 500];
    sent_with.contains(&status) && failure.class == QuotaExhausted && failure.rule.starts_with("phrase:")
}

/// What must hold for every failed answer.
fn check(status: u16, failure: &Failure) -> Result<(), TestCaseError> {
    prop_assert!(!failure.message.is_empty() && failure.message.chars().count() <= 2_000);
    prop_assert!(!failure.class.is_passed_over() && failure.class != StreamInterrupted);
    let by_sentence = failure.rule.starts_with("phrase:") && !is_about_money(status, failure);
    prop_assert!(!by_sentence || CALL_IT_BAD.contains(&status), "{status} {failure:?}");
    if status == 429 {
        prop_assert!(!matches!(failure.class, ContextWindowExceeded | ContentPolicy), "{failure:?}");
    }
    // Only a vendor's own code may call a 400 a rate limit, as AWS does.
    let by_code = ["code:", "inner_code:", "type:"].iter().any(|kind| failure.rule.starts_with(kind));
    prop_assert!(status != 400 || failure.class != RateLimited || by_code, "{failure:?}");
    Ok(())
}

proptest! {
    #[test]
    fn whatever_arrives_is_a_failure_that_keeps_the_rules(
        status in prop_oneof![Just(429_u16), Just(400_u16), 300..600_u16],
        header in prop::collection::vec(any::<u8>(), 0..40),
        body in bodies(),
    ) {
        let mut headers = HeaderMap::new();
        if let Ok(value) = http::HeaderValue::from_bytes(&header) {
            headers.insert("retry-after", value.clone());
            headers.insert("retry-after-ms", value.clone());
            headers.insert("x-amzn-errortype", value);
        }
        let error = parse_error(status, &headers, &body, DateTime::UNIX_EPOCH);
        check(status, &read(&Fault::Upstream(Box::new(error))))?;
    }

    #[test]
    fn whatever_stands_inside_a_success_is_a_failure_that_keeps_the_rules(body in bodies()) {
        let error = error_in_answer(&body);
        let status = error.status;
        let failure = read(&Fault::Upstream(Box::new(error)));
        // Without a status of its own, the error may call the request bad by its type.
        if status != 200 {
            check(status, &failure)?;
        }
        prop_assert!(!failure.message.is_empty());
    }

    #[test]
    fn a_sentence_changes_nothing_unless_the_status_calls_the_request_bad(
        status in (300..600_u16).prop_filter("sentences count there", |status| !CALL_IT_BAD.contains(status)),
        sentence in sentence(),
    ) {
        let bare = answered(status, b"");
        for body in [
            serde_json::json!({"error": {"message": sentence}}),
            serde_json::json!({"error": sentence}),
            serde_json::json!({"detail": sentence}),
            serde_json::json!([{"error": {"message": sentence, "type": "invalid_request_error"}}]),
        ] {
            let failure = answered(status, body.to_string().as_bytes());
            // A 404 may be about a value of the request in place of the model.
            if !is_about_money(status, &failure) && failure.rule != "phrase:unknown_value" {
                prop_assert_eq!((failure.class, failure.rule), (bare.class, bare.rule));
            }
        }
    }

    #[test]
    fn a_shape_that_nobody_knows_falls_to_its_status(
        status in 300..600_u16,
        members in prop::collection::btree_map("x_[a-z]{1,8}", json(), 0..6),
    ) {
        let bare = answered(status, b"");
        let body = serde_json::to_vec(&members).expect("JSON");
        let failure = answered(status, &body);
        prop_assert_eq!((failure.class, failure.rule), (bare.class, bare.rule));
    }

    #[test]
    fn no_status_breaks_it(status in any::<u16>(), body in bodies()) {
        prop_assert!(!answered(status, &body).message.is_empty());
    }

    #[test]
    fn no_json_breaks_it_and_no_secret_passes(
        secret in "[A-Za-z0-9]{20,40}",
        words in ".{0,40}",
        shape in 0..6_usize,
        status in 400..600_u16,
    ) {
        let message = serde_json::json!(format!("{words} Authorization: Bearer {secret}"));
        let body = match shape {
            0 => serde_json::json!({"error": {"message": message, "param": format!("sk-{secret}"), "code": format!("sk-{secret}")}}),
            1 => serde_json::json!([{"error": {"message": message}}]),
            2 => serde_json::json!({"detail": [{"loc": ["body", words], "msg": message, "input": secret}]}),
            3 => serde_json::json!({"error": {"message": "m", "metadata": {"raw": message, "flagged_input": secret}}}),
            4 => serde_json::json!({"type": "error", "error": {"type": words, "message": message}}),
            _ => message,
        };
        let text = body.to_string();
        for failure in [answered(status, text.as_bytes()), inside(text.as_bytes())] {
            prop_assert!(!format!("{failure:?}").contains(&secret), "{failure:?}");
        }
    }
}
