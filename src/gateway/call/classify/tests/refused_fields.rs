//! Refusals that name a field of the request.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::own_fields::of_own_fields;
use super::*;
use crate::gateway::request::chat_request::ChatRequest;
use FailureScope::{Open, Request};

/// What the fields of a request make of an error of the model `up-5`.
fn scope(fields: &Value, status: u16, error: &Value) -> Option<FailureScope> {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hello there"}]});
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let request = ChatRequest::parse(Bytes::from(body.to_string())).expect("a request");
    let body = json!({"error": error}).to_string();
    let error = parse_error(status, &HeaderMap::new(), body.as_bytes(), DateTime::UNIX_EPOCH);
    let failure = read(&Fault::Upstream(Box::new(error.clone())));
    of_own_fields(&failure, &error, &request, "up-5")
}

#[test]
fn a_refusal_that_names_a_field_of_the_request_is_its_own() {
    let long = json!({"max_tokens": 9_000});
    for (status, code) in [(401, "unauthorized"), (402, "payment_required"), (403, "permission_denied")] {
        let said =
            |fields: &Value, message: &str| scope(fields, status, &json!({"code": code, "message": message}));
        for message in [
            "`max_tokens` is not permitted for your account",
            "'max_tokens' above 4096 is not in your plan",
            "max_tokens: values above 8192 are not permitted for your organization",
            "max_tokens above 4096 requires a paid plan",
        ] {
            assert_eq!(said(&long, message), Some(Request), "{status} {message}");
            assert_eq!(said(&json!({}), message), None, "{status} {message}");
            assert_eq!(said(&json!({"max_tokens": null}), message), None, "{status} {message}");
        }
        let no = |param: &str| json!({"code": code, "message": "No.", "param": param});
        assert_eq!(scope(&long, status, &no("max_tokens")), Some(Request), "{status}");
        assert_eq!(scope(&json!({"tools": []}), status, &no("tools[0].name")), Some(Request), "{status}");
        assert_eq!(scope(&long, status, &no("model")), None, "{status}");
        let streaming = "Streaming is not enabled for your organization";
        assert_eq!(said(&json!({"stream": true}), streaming), Some(Open), "{status}");
        assert_eq!(said(&json!({"stream": false}), streaming), None, "{status}");
        let contexts = "Contexts above 32,000 tokens require a paid plan";
        let prompt = json!({"messages": [{"role": "user", "content": "word and ".repeat(24_000)}]});
        assert_eq!(said(&prompt, contexts), Some(Request), "{status}");
        assert_eq!(said(&long, contexts), None, "{status}");
    }
}

#[test]
fn a_refusal_of_the_model_is_not_the_requests() {
    for message in [
        "The `model` is not permitted for your account",
        "model: up-5 is not in your plan",
        "Incorrect API key provided",
    ] {
        let fields = json!({"max_tokens": 9, "temperature": 1, "user": "cust-77"});
        for status in [401, 403] {
            let error = json!({"code": "permission_denied", "message": message});
            assert_eq!(scope(&fields, status, &error), None, "{status} {message}");
        }
    }
}
