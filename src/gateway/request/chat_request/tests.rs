//! What a body may say, and what is refused.

use futures_util::FutureExt as _;

use super::*;
use crate::limits::shares::{LARGE, Shares};

fn parse(body: &str) -> Result<ChatRequest> {
    ChatRequest::parse(Bytes::copy_from_slice(body.as_bytes()))
}

fn refusal(body: &str) -> (Option<String>, &'static str) {
    match parse(body) {
        Err(Error::Refused(refusal)) => (refusal.param, refusal.code),
        other => panic!("{body} gave {other:?}"),
    }
}

#[test]
fn a_list_follows_its_model_without_duplicates() {
    let request = parse(r#"{"model":"a","models":["b","a","c","b"]}"#).expect("a request");
    assert_eq!(request.wanted, Wanted::List(vec!["a".into(), "b".into(), "c".into()]));
    let request = parse(r#"{"models":["b","c"]}"#).expect("a request");
    assert_eq!(request.wanted.primary(), "b");
    let request = parse(r#"{"model":"a","fallbacks":["b"]}"#).expect("a request");
    assert_eq!(request.wanted, Wanted::List(vec!["a".into(), "b".into()]));
}

#[test]
fn null_counts_as_absent() {
    let request = parse(
        r#"{"model":"a","models":null,"fallbacks":null,"stream":null,"num_retries":null,"session_id":null}"#,
    )
    .expect("a request");
    assert_eq!(request.wanted, Wanted::Stored("a".into()));
    assert!(!request.stream && request.session.is_none());
}

#[test]
fn what_makes_no_sense_is_refused_by_field() {
    let long = format!(r#"{{"models":[{}]}}"#, vec![r#""m""#; 33].join(","));
    for (body, param, code) in [
        ("{", None, "invalid_json"),
        ("[]", None, "invalid_json"),
        ("", None, "invalid_json"),
        (r#"{"model":"a","model":"b"}"#, Some("model"), "duplicate_field"),
        (r#"{"messages":[]}"#, Some("model"), "missing_field"),
        (r#"{"model":7}"#, Some("model"), "invalid_type"),
        (r#"{"model":["a"]}"#, Some("model"), "invalid_type"),
        (r#"{"model":" "}"#, Some("model"), "invalid_value"),
        (r#"{"model":"a","models":[]}"#, Some("models"), "invalid_value"),
        (r#"{"model":"a","models":"b"}"#, Some("models"), "invalid_type"),
        (r#"{"model":"a","fallbacks":"b"}"#, Some("fallbacks"), "invalid_type"),
        (r#"{"model":"a","fallbacks":[{"model":"b"}]}"#, Some("fallbacks"), "invalid_type"),
        (r#"{"model":"a","models":["b"],"fallbacks":["c"]}"#, Some("fallbacks"), "conflicting_fields"),
        (
            r#"{"model":"a","models":["b"],"disable_fallbacks":true}"#,
            Some("disable_fallbacks"),
            "conflicting_fields",
        ),
        (r#"{"fallbacks":["b"]}"#, Some("model"), "missing_field"),
        (r#"{"model":"a","stream":"yes"}"#, Some("stream"), "invalid_type"),
        (r#"{"model":"a","num_retries":6}"#, Some("num_retries"), "invalid_value"),
        (r#"{"model":"a","max_fallbacks":-1}"#, Some("max_fallbacks"), "invalid_type"),
        (r#"{"model":"a","session_id":""}"#, Some("session_id"), "invalid_value"),
        (long.as_str(), Some("models"), "invalid_value"),
    ] {
        assert_eq!(refusal(body), (param.map(str::to_owned), code), "{body}");
    }
}

#[test]
fn what_is_no_number_of_answers_or_tokens_is_refused_with_its_range() {
    let said = |body: &str| match parse(body) {
        Ok(_) => None,
        Err(Error::Refused(refusal)) => {
            Some((refusal.param.expect("a field"), refusal.code, refusal.message))
        }
        Err(other) => panic!("{body} gave {other:?}"),
    };
    for (names, range, good, bad) in [
        (
            &numbers::CHOICES[..],
            "from 1 to 128",
            &["1", "128", "1.28e2", "2.0", "null"][..],
            &["0", "-1", "129", "1e9", "2.5", "0.5", "99999999999999999999"][..],
        ),
        (
            &numbers::LIMITS[..],
            "1 or more",
            &["1", "1e9", "6e3", "500.0", "99999999999999999999", "0", "-1", "null"],
            &["-2", "-5", "-1.5", "0.5", "1.5", "1e-3"],
        ),
    ] {
        for name in names {
            for value in good {
                assert_eq!(said(&format!(r#"{{"model":"a","{name}":{value}}}"#)), None, "{name} {value}");
            }
            let no_number = [r#""7""#, r#""""#, r#""many""#, "true", "[7]", "{}", "1e999"];
            let bad = bad.iter().map(|value| (value, "invalid_value"));
            for (value, code) in bad.chain(no_number.iter().map(|value| (value, "invalid_type"))) {
                let (param, found, message) =
                    said(&format!(r#"{{"model":"a","{name}":{value}}}"#)).expect(value);
                assert_eq!((param.as_str(), found), (*name, code), "{value}");
                assert!(message.contains(range), "{message}");
            }
        }
    }
}

#[test]
fn a_session_is_found_in_the_metadata_too() {
    let request = parse(r#"{"model":"a","metadata":{"session_id":"s 1"}}"#).expect("a request");
    assert_eq!(request.session.as_deref(), Some("s 1"));
    assert!(parse(r#"{"model":"a","metadata":{"session_id":7}}"#).expect("a request").session.is_none());
}

#[tokio::test]
async fn a_large_body_leaves_the_event_loop_and_a_smaller_one_does_not_wait() {
    let body = |length: usize| {
        let start = r#"{"model":"a","max_tokens":1,"user":""#;
        let body = format!(r#"{start}{}"}}"#, "x".repeat(length - start.len() - 2));
        assert_eq!(body.len(), length);
        Bytes::from(body)
    };
    let share = Shares::ample().of_anonymous();
    let other = share.take_reading().expect("free");
    for dialect in [Dialect::ChatCompletions, Dialect::Messages] {
        let read = ChatRequest::read(&share, dialect, body(LARGE)).now_or_never();
        assert!(read.expect("at once").is_ok(), "{dialect:?}");
        let mut large = Box::pin(ChatRequest::read(&share, dialect, body(LARGE + 1)));
        assert!(large.as_mut().now_or_never().is_none(), "{dialect:?}");
    }
    let mut large =
        Box::pin(ChatRequest::read_operation(&share, Operation::Chat, Some("a".to_owned()), body(LARGE + 1)));
    assert!(large.as_mut().now_or_never().is_none());
    drop(other);
    assert_eq!(large.await.expect("a request").wanted.primary(), "a");
}
