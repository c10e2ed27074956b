//! What a failure says of the request's own user, route, files and models.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::own_fields::of_own_fields;
use super::*;
use crate::dialects::Dialect;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::passed_headers::PassedHeaders;
use FailureScope::{Open, Request};

/// What the fields of a request make of an error of the model `up-5`.
fn scope(fields: &Value, status: u16, error: &Value) -> Option<FailureScope> {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hello there"}]});
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let request = ChatRequest::parse(Bytes::from(body.to_string())).expect("a request");
    scope_of(&request, status, error)
}

/// What the headers of a message make of an error.
fn with_headers(headers: &[(&str, &str)], status: u16, error: &Value) -> Option<FailureScope> {
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]});
    let mut request =
        ChatRequest::parse_as(Dialect::Messages, Bytes::from(body.to_string())).expect("a request");
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    request.passed = PassedHeaders::of(Dialect::Messages, headers).expect("lists of names");
    scope_of(&request, status, error)
}

fn scope_of(request: &ChatRequest, status: u16, error: &Value) -> Option<FailureScope> {
    let body = json!({"error": error}).to_string();
    let error = parse_error(status, &HeaderMap::new(), body.as_bytes(), DateTime::UNIX_EPOCH);
    let failure = read(&Fault::Upstream(Box::new(error.clone())));
    of_own_fields(&failure, &error, request, "up-5")
}

fn said(fields: &Value, status: u16, message: &str) -> Option<FailureScope> {
    scope(fields, status, &json!({"message": message}))
}

#[test]
fn a_limit_of_the_user_that_the_request_names_is_its_own() {
    for fields in [
        json!({"user": "cust-77"}),
        json!({"safety_identifier": "cust-77"}),
        json!({"end_user": "cust-77"}),
        json!({"prompt_cache_key": "cust-77"}),
        json!({"metadata": {"user_id": "cust-77"}}),
        json!({"metadata": {"tags": ["a", "cust-77"]}}),
        json!({"litellm_metadata": {"any": ["cust-77"]}}),
    ] {
        for message in [
            "Rate limit exceeded for user 'cust-77'",
            "Rate limit exceeded for user CUST-77.",
            "User cust-77 has exceeded its rate limit",
            "user_id=cust-77: too many requests",
            "User cust-77 may send 10 requests per minute",
            "Per-user rate limit (cust-77)",
            "Too many requests for safety_identifier cust-77",
        ] {
            assert_eq!(said(&fields, 429, message), Some(Request), "{fields} {message}");
        }
        assert_eq!(said(&fields, 429, "Per-user rate limit exceeded"), Some(Open), "{fields}");
        let coded = json!({"message": "no", "code": "user_rate_limit_exceeded"});
        assert_eq!(scope(&fields, 429, &coded), Some(Open), "{fields}");
        assert_eq!(said(&fields, 429, "Rate limit exceeded for cust-771"), None, "{fields}");
        assert_eq!(said(&fields, 429, "Rate limit exceeded"), None, "{fields}");
    }
    assert_eq!(said(&json!({}), 429, "Rate limit exceeded for user 'cust-77'"), None);
    assert_eq!(said(&json!({"user": ""}), 429, "Per-user rate limit exceeded"), None);
    assert_eq!(said(&json!({"user": "u7"}), 429, "Rate limit exceeded for u7"), Some(Open));
    assert_eq!(said(&json!({"user": "u7"}), 429, "Rate limit exceeded for u71"), None);
}

#[test]
fn a_permission_for_what_the_request_refers_to_is_undecided() {
    let denied = |fields: &Value, message: &str| {
        scope(fields, 403, &json!({"type": "permission_error", "message": message}))
    };
    let resource = "Your API key does not have permission to use the specified resource.";
    let file =
        json!({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f_1"}}]}]});
    for fields in [json!({"container": "container_1"}), file] {
        assert_eq!(denied(&fields, resource), Some(Open), "{fields}");
        assert_eq!(denied(&fields, "You do not have permission to access the model up-5"), None, "{fields}");
        assert_eq!(denied(&fields, "You do not have access to up-5"), None, "{fields}");
    }
    assert_eq!(denied(&json!({"custom": ["thing_1"]}), "No permission to access thing_1"), Some(Open));
    assert_eq!(denied(&json!({}), resource), None);
}

#[test]
fn a_missing_model_that_the_request_names_is_its_own() {
    let missing = |fields: &Value, message: &str| {
        scope(fields, 404, &json!({"code": "model_not_found", "message": message}))
    };
    let tool = json!({"tools": [{"type": "image_generation", "model": "up-5-image"}]});
    assert_eq!(missing(&tool, "The model `up-5-image` does not exist"), Some(Request));
    assert_eq!(missing(&tool, "The requested model does not exist"), Some(Open));
    assert_eq!(missing(&tool, "The model `up-5` does not exist"), None);
    assert_eq!(missing(&json!({"any": "judge-1"}), "The model judge-1 does not exist"), Some(Request));
    assert_eq!(missing(&json!({"any": "judge-1"}), "The requested model does not exist"), None);
    let deployment =
        json!({"code": "DeploymentNotFound", "message": "The API deployment emb-1 does not exist."});
    let sources = json!({"source": {"deployment_name": "emb-1"}});
    assert_eq!(scope(&sources, 404, &deployment), Some(Request));
    assert_eq!(scope(&json!({}), 404, &deployment), None);
}

#[test]
fn what_a_route_or_an_access_of_the_request_fails_at_is_its_own() {
    let route = json!({"provider": {"only": ["x"], "allow_fallbacks": false}});
    // An account without money or credential refuses every route.
    for (status, expected) in [(401, Open), (402, Open), (404, Request), (429, Request)] {
        assert_eq!(said(&route, status, "Provider returned error"), Some(expected), "{status}");
        assert_eq!(said(&json!({"provider": {}}), status, "Provider returned error"), None, "{status}");
    }
    let none = "There is no available model provider that meets your routing requirements";
    assert_eq!(said(&route, 503, none), Some(Request));
    assert_eq!(said(&json!({"provider": "x"}), 503, none), None);
    let sources = json!({"data_sources": [{"parameters": {"authentication": {"key": "k"}}}]});
    assert_eq!(said(&sources, 401, "Access denied"), Some(Request));
    let tags = "No deployments available for selected model. Passed tags=[..]";
    assert_eq!(said(&json!({"metadata": {"tags": ["eu"]}}), 429, tags), Some(Request));
    assert_eq!(said(&json!({"metadata": {"other": "eu"}}), 429, tags), None);
}

#[test]
fn a_limit_of_a_tier_or_a_fast_mode_is_the_requests() {
    for fields in
        [json!({"service_tier": "flex"}), json!({"serviceTier": "priority"}), json!({"speed": "fast"})]
    {
        for status in [429, 503, 529] {
            assert_eq!(said(&fields, status, "Too many requests"), Some(Request), "{fields} {status}");
        }
    }
    let standard = ["auto", "default", "standard", "standard_only", "on_demand"];
    for tier in
        standard.map(|tier| json!({"service_tier": tier})).into_iter().chain([json!({"speed": "standard"})])
    {
        assert_eq!(said(&tier, 429, "Too many requests"), None, "{tier}");
    }
}

#[test]
fn a_refusal_of_a_header_is_the_requests_or_undecided() {
    let errors = [
        (401, json!({"type": "authentication_error", "message": "OAuth authentication is not supported."})),
        (403, json!({"type": "permission_error", "message": "Not allowed."})),
        (404, json!({"type": "not_found_error", "message": "Not found: model up-5"})),
        (429, json!({"type": "rate_limit_error", "message": "This request would exceed the rate limit."})),
    ];
    let usual =
        "claude-code-20250219, interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14";
    let version = ("anthropic-version", "2023-06-01");
    for (status, error) in &errors {
        let scope = |more: (&str, &str)| with_headers(&[version, more], *status, error);
        assert_eq!(scope(("anthropic-workspace-id", "wrkspc_1")), Some(Request), "{status}");
        for features in ["context-1m-2025-08-07", "fast-mode-2026-02-01", "oauth-2025-04-20", "any"] {
            assert_eq!(scope(("anthropic-beta", features)), Some(Open), "{status} {features}");
            assert_eq!(scope(("anthropic-beta", &format!("{usual},{features}"))), Some(Open), "{status}");
        }
        assert_eq!(scope(("anthropic-other", "x")), Some(Open), "{status}");
        for plain in [("anthropic-beta", usual), ("anthropic-dangerous-direct-browser-access", "true")] {
            assert_eq!(scope(plain), None, "{status} {plain:?}");
        }
    }
    let overloaded = json!({"type": "overloaded_error", "message": "Overloaded"});
    assert_eq!(with_headers(&[("anthropic-beta", "context-1m-2025-08-07")], 529, &overloaded), None);
}
