//! Vendors' payloads mean what they mean, and nothing that arrives breaks the reading of it.

mod brought;
mod by_dialect;
mod documented;
mod own_fields;
mod payloads;
mod properties;
mod references;
mod refused_fields;
mod scopes;
mod unclear_limits;

use std::time::Duration;

use chrono::DateTime;
use http::HeaderMap;

use super::*;
use crate::domain::failure::class::ErrorClass::*;
use crate::providers::{Sentences, error_in_answer, parse_error};
use documented::{DOCUMENTED, IN_ANSWER, WITH_HEADERS};
use payloads::{CONTENT, CONTEXT, OURS_TO_MEND, QUOTA, RATE, REQUEST, SERVER};

/// By the sentences that are built in.
fn read(fault: &Fault) -> Failure {
    classify(fault, (&Sentences::default()).into(), DateTime::UNIX_EPOCH)
}

fn answered(status: u16, body: &[u8]) -> Failure {
    let error = parse_error(status, &HeaderMap::new(), body, DateTime::UNIX_EPOCH);
    read(&Fault::Upstream(Box::new(error)))
}

fn inside(body: &[u8]) -> Failure {
    read(&Fault::Upstream(Box::new(error_in_answer(body))))
}

/// Every payload that came with a status of its own.
fn vectors() -> impl Iterator<Item = &'static payloads::Payload> {
    [CONTEXT, CONTENT, QUOTA, RATE, SERVER, OURS_TO_MEND, REQUEST, DOCUMENTED].into_iter().flatten()
}

#[test]
fn payloads_mean_what_they_mean() {
    for (name, status, body, class, rule) in vectors() {
        let failure = answered(*status, body.as_bytes());
        assert_eq!((failure.class, failure.rule), (*class, *rule), "{name}");
        assert_eq!(failure.status, Some(*status), "{name}");
        assert!(!failure.message.is_empty(), "{name}");
    }
}

#[test]
fn an_error_inside_a_success_is_read_as_that_error() {
    for (body, class, rule, status) in [
        (r#"{"code":429,"message":"slow down"}"#, RateLimited, "status:429", 429),
        (r#"{"code":"502","message":"Provider disconnected"}"#, Unavailable, "status:502", 502),
        (
            r#"{"code":403,"message":"flagged","metadata":{"reasons":["x"]}}"#,
            ContentPolicy,
            "moderation:reported",
            403,
        ),
        (
            r#"{"code":400,"message":"prompt is too long"}"#,
            ContextWindowExceeded,
            "phrase:anthropic_prompt_too_long",
            400,
        ),
        (r#"{"type":"overloaded_error","message":"Overloaded"}"#, Overloaded, "type:overloaded_error", 200),
        (r#"{"type":"server_error","message":"sorry","code":null}"#, Unavailable, "type:server_error", 200),
        (r#"{"type":"api_error","message":"Internal server error"}"#, Unavailable, "type:api_error", 200),
        (r#"{"type":"timeout_error","message":"x"}"#, Timeout, "type:timeout_error", 200),
        (
            r#"{"type":"invalid_request_error","message":"prompt is too long"}"#,
            ContextWindowExceeded,
            "phrase:anthropic_prompt_too_long",
            200,
        ),
        (r#"{"type":"invalid_request_error","message":"no"}"#, InvalidRequest, "answer:bad_request", 200),
        (
            r#"{"message":"prompt is too long"}"#,
            ContextWindowExceeded,
            "phrase:anthropic_prompt_too_long",
            200,
        ),
        (r#"{"type":"server_error","message":"prompt is too long"}"#, Unavailable, "type:server_error", 200),
        (r#"{"code":500,"message":"prompt is too long"}"#, Unavailable, "status:500", 500),
        (r#"{"message":"no"}"#, Unavailable, "answer:error", 200),
        (r#""something broke""#, Unavailable, "answer:error", 200),
        ("{}", Unavailable, "answer:error", 200),
    ] {
        let failure = inside(body.as_bytes());
        assert_eq!((failure.class, failure.rule), (class, rule), "{body}");
        assert_eq!(failure.status, Some(status), "{body}");
    }
}

#[test]
fn an_error_that_says_not_what_it_is_is_called_what_it_is() {
    let said = inside(br#"{"message":"The model is overloaded"}"#);
    assert_eq!((said.class, said.rule), (Unavailable, "answer:error"));
    assert_eq!(said.message, "the provider sent an error in place of an answer: The model is overloaded");
    let silent = inside(b"{}");
    assert_eq!(silent.message, "the provider sent an error in place of an answer, without a message");
    let known = inside(br#"{"type":"overloaded_error","message":"Overloaded"}"#);
    assert_eq!(known.message, "Overloaded");
}

#[test]
fn an_account_without_money_cools_the_model_and_leaves_the_provider() {
    for (status, body) in [
        (
            403,
            r#"{"code":"x","error":"Your team t has either used all available credits or reached its monthly spending limit."}"#,
        ),
        (
            412,
            r#"{"error":{"message":"Account x is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices."}}"#,
        ),
        (403, r#"{"error":{"message":"Key limit exceeded. Manage it using https://openrouter.ai/keys"}}"#),
    ] {
        let failure = answered(status, body.as_bytes());
        assert_eq!((failure.class, failure.scope), (QuotaExhausted, FailureScope::Model), "{body}");
    }
    // One request that is too dear says nothing about the next.
    let dear = r#"{"error":{"message":"user [1] quota [50] preConsumedQuota [150] is not enough","code":"insufficient_user_quota"}}"#;
    assert_eq!(answered(403, dear.as_bytes()).scope, FailureScope::Request);
}

#[test]
fn errors_inside_successes_of_vendors_mean_what_they_mean() {
    for (name, body, class, rule, status) in IN_ANSWER {
        let failure = inside(body.as_bytes());
        assert_eq!((failure.class, failure.rule, failure.status), (*class, *rule, Some(*status)), "{name}");
    }
}

#[test]
fn headers_say_how_long_to_wait() {
    for (name, status, headers, body, class, rule, wait) in WITH_HEADERS {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
            .collect();
        let error = parse_error(*status, &headers, body.as_bytes(), DateTime::UNIX_EPOCH);
        let failure = read(&Fault::Upstream(Box::new(error)));
        assert_eq!((failure.class, failure.rule), (*class, *rule), "{name}");
        assert_eq!(failure.retry_after, Some(Duration::from_millis(*wait)), "{name}");
    }
}

#[test]
fn what_we_saw_ourselves() {
    let error = || Box::new(error_in_answer(br#"{"code":429,"message":"stop"}"#));
    for (fault, class, rule) in [
        (Fault::Connect(ConnectFault::Refused), Unavailable, "connect:refused"),
        (Fault::Connect(ConnectFault::Reset), Unavailable, "connect:reset"),
        (Fault::Connect(ConnectFault::Dns), Unavailable, "connect:dns"),
        (Fault::Connect(ConnectFault::Tls), Unavailable, "connect:tls"),
        (Fault::Connect(ConnectFault::Blocked), Unavailable, "connect:blocked"),
        (Fault::Connect(ConnectFault::Other), Unavailable, "connect:other"),
        (Fault::Timeout(TimeoutKind::Connect), Timeout, "timeout:connect"),
        (Fault::Timeout(TimeoutKind::FirstFrame), Timeout, "timeout:first_frame"),
        (Fault::Timeout(TimeoutKind::Answer), Timeout, "timeout:answer"),
        (Fault::Timeout(TimeoutKind::Idle), Timeout, "timeout:idle"),
        (Fault::TimeBudget(TimeoutKind::FirstFrame), Timeout, "time_budget:first_frame"),
        (Fault::TimeBudget(TimeoutKind::Answer), Timeout, "time_budget:answer"),
        (
            Fault::Filtered(Filter::FinishReason("finish_reason:content_filter")),
            ContentPolicy,
            "finish_reason:content_filter",
        ),
        (Fault::Filtered(Filter::Prompt), ContentPolicy, "prompt:blocked"),
        (Fault::Garbage(Garbage::Html), InvalidResponse, "answer:html"),
        (Fault::Garbage(Garbage::BrokenJson), InvalidResponse, "answer:broken_json"),
        (Fault::Garbage(Garbage::NoChoice), InvalidResponse, "answer:no_choice"),
        (Fault::Garbage(Garbage::MissingChoice), InvalidResponse, "answer:missing_choice"),
        (Fault::Garbage(Garbage::NoContent), InvalidResponse, "answer:no_content"),
        (Fault::Garbage(Garbage::NoCall), InvalidResponse, "answer:no_call"),
        (Fault::Garbage(Garbage::Inference), InvalidResponse, "finish_reason:error"),
        (Fault::Garbage(Garbage::UnknownEnd), InvalidResponse, "finish_reason:unknown"),
        (Fault::Garbage(Garbage::Empty), InvalidResponse, "answer:empty"),
        (Fault::Garbage(Garbage::TooLarge), InvalidResponse, "answer:too_large"),
        (Fault::Garbage(Garbage::NoRoom), RateLimited, "gateway:no_room"),
        (Fault::Garbage(Garbage::Busy), Overloaded, "gateway:busy"),
        (Fault::Garbage(Garbage::EventTooLong), InvalidResponse, "answer:line_too_long"),
        (Fault::Garbage(Garbage::Truncated), InvalidResponse, "answer:truncated"),
        (Fault::Garbage(Garbage::ContentType), InvalidResponse, "answer:content_type"),
        (Fault::Interrupted(Interruption::Reset), StreamInterrupted, "stream:reset"),
        (Fault::Interrupted(Interruption::Ended), StreamInterrupted, "stream:ended"),
        (Fault::Interrupted(Interruption::Idle), StreamInterrupted, "stream:idle"),
        (Fault::Interrupted(Interruption::Deadline), StreamInterrupted, "stream:deadline"),
        (Fault::Interrupted(Interruption::Garbage(Garbage::BrokenJson)), StreamInterrupted, "stream:garbage"),
        (Fault::Interrupted(Interruption::Upstream(error())), StreamInterrupted, "stream:error"),
    ] {
        let failure = read(&fault);
        assert_eq!((failure.class, failure.rule), (class, rule), "{fault:?}");
        assert!(!failure.message.is_empty(), "{fault:?}");
    }
}

#[test]
fn a_drill_is_the_class_that_it_names() {
    for class in ErrorClass::ALL {
        let failure = read(&Fault::Drill(class));
        assert_eq!((failure.class, failure.rule, failure.status), (class, "drill", None));
    }
}

#[test]
fn what_the_caller_may_learn_is_redacted_and_complete() {
    let body = br#"{"error":{"message":"Bad value for sk-abcdefgh1234","type":"invalid_request_error","param":"tools[0].name","code":"some_code"}}"#;
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", http::HeaderValue::from_static("3600"));
    let error = parse_error(400, &headers, body, DateTime::UNIX_EPOCH);
    let failure = read(&Fault::Upstream(Box::new(error)));
    assert_eq!(failure.message, "Bad value for [redacted]");
    assert_eq!(failure.param.as_deref(), Some("tools[0].name"));
    assert_eq!(failure.code.as_deref(), Some("some_code"));
    assert_eq!(failure.retry_after, Some(Duration::from_secs(3600)));
    assert_eq!(answered(503, b"").message, "the provider answered 503 without a message");
}
