//! Limits that do not say what is limited, by how much the request asks for.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::own_fields::of_own_fields;
use super::*;
use crate::domain::operation::Operation;
use crate::gateway::call::classify_and_redact::Classifier;
use crate::gateway::call::endpoint::Endpoints;
use crate::gateway::request::chat_request::ChatRequest;
use crate::store::snapshot::samples;
use FailureScope::{Model, Open, UnclearLimit};

fn chat(fields: &Value) -> ChatRequest {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hello there"}]});
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    ChatRequest::parse(Bytes::from(body.to_string())).expect("a request")
}

fn asked(operation: Operation, mut fields: Value) -> ChatRequest {
    fields["model"] = json!("m");
    ChatRequest::parse_operation(operation, Bytes::from(fields.to_string())).expect("a request")
}

/// What a request makes of an error with `Retry-After`, unless that is empty.
fn scope(request: &ChatRequest, status: u16, wait: &'static str, error: &str) -> Option<FailureScope> {
    let mut headers = HeaderMap::new();
    if !wait.is_empty() {
        headers.insert("retry-after", http::HeaderValue::from_static(wait));
    }
    let error = parse_error(status, &headers, error.as_bytes(), DateTime::UNIX_EPOCH);
    let failure = read(&Fault::Upstream(Box::new(error.clone())));
    of_own_fields(&failure, &error, request, "up-5")
}

/// Requests that ask for more than most.
fn much() -> Vec<ChatRequest> {
    let texts = vec!["a"; 2_000];
    vec![
        asked(Operation::Embeddings, json!({"input": texts})),
        asked(Operation::Rerank, json!({"query": "q", "documents": texts})),
        asked(Operation::Moderations, json!({"input": texts})),
        asked(Operation::Images, json!({"prompt": "a fox", "n": 10})),
        asked(Operation::Completions, json!({"prompt": ["a", "b"]})),
        asked(Operation::Speech, json!({"input": "word ".repeat(300), "voice": "v"})),
        chat(&json!({"messages": [{"role": "user", "content": "word and ".repeat(10_000)}]})),
        chat(&json!({"max_tokens": 64_000})),
        chat(&json!({"n": 8})),
    ]
}

/// Requests that ask for as little as any.
fn little() -> Vec<ChatRequest> {
    vec![
        asked(Operation::Embeddings, json!({"input": ["a", "b"]})),
        asked(Operation::Rerank, json!({"query": "q", "documents": ["a", "b"]})),
        asked(Operation::Images, json!({"prompt": "a fox", "n": 1})),
        asked(Operation::Speech, json!({"input": "Hello", "voice": "v"})),
        chat(&json!({})),
        chat(&json!({"max_tokens": 1_000, "temperature": 1, "n": 1, "tools": []})),
    ]
}

#[test]
fn a_limit_that_says_nothing_may_be_of_a_request_that_asks_for_much() {
    let coded = r#"{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}"#;
    for (status, error) in [(429, ""), (429, "Too Many Requests"), (429, coded), (402, "")] {
        for request in much() {
            let what = format!("{:?} {status} {error}", request.operation);
            assert_eq!(scope(&request, status, "3600", error), Some(UnclearLimit), "{what}");
            assert_eq!(scope(&request, status, "", error), None, "{what}: without an end");
        }
        for request in little() {
            assert_eq!(scope(&request, status, "3600", error), None, "{:?} {error}", request.operation);
        }
    }
}

#[test]
fn tools_count_only_where_nothing_says_that_it_is_a_limit_of_requests() {
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}});
    let request = chat(&json!({"tools": [tool]}));
    assert_eq!(scope(&request, 429, "3600", ""), Some(UnclearLimit));
    let coded = r#"{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}"#;
    assert_eq!(scope(&request, 429, "3600", coded), None);
    assert_eq!(scope(&request, 402, "3600", ""), None);
}

#[test]
fn a_limit_that_says_what_it_is_of_is_the_models() {
    let coded =
        |message: &str| json!({"error": {"message": message, "code": "rate_limit_exceeded"}}).to_string();
    for error in [
        coded("Rate limit reached for x on requests per day (RPD): Limit 1000, Used 1000, Requested 1."),
        coded("The quota of your account is exceeded"),
        coded("The server is at capacity"),
        r#"{"error":{"message":"no","code":"insufficient_quota"}}"#.to_owned(),
    ] {
        for request in much().into_iter().filter(|request| request.operation != Operation::Chat) {
            assert_eq!(scope(&request, 429, "3600", &error), None, "{error}");
        }
    }
    // What may be of a feature needs more evidence, as before.
    assert_eq!(scope(&chat(&json!({"reasoning_effort": "high"})), 429, "3600", ""), Some(Open));
}

#[test]
fn the_whole_classification_keeps_what_is_unclear() {
    let provider = Arc::new(samples::provider("custom"));
    let (endpoints, sentences) = (Endpoints::new("test").expect("a name"), Sentences::default());
    let now = DateTime::UNIX_EPOCH;
    let classifier = Classifier { provider: &provider, endpoints: &endpoints, sentences: &sentences, now };
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", http::HeaderValue::from_static("3600"));
    let error = parse_error(429, &headers, b"", DateTime::UNIX_EPOCH);
    let fault = Fault::Upstream(Box::new(error));
    let found = |request: &ChatRequest| {
        let failure = classifier.classify_of(&fault, request, "up-5");
        (failure.scope, failure.retry_after)
    };
    let hour = Some(Duration::from_secs(3_600));
    assert_eq!(found(&chat(&json!({"n": 8}))), (UnclearLimit, hour));
    assert_eq!(found(&chat(&json!({}))), (Model, hour));
}
