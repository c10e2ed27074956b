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

/// What the fields of a message make of an error.
fn of_message(fields: &Value, status: u16, error: &Value) -> Option<FailureScope> {
    let mut body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]});
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let request = ChatRequest::parse_as(Dialect::Messages, Bytes::from(body.to_string())).expect("a request");
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
    scope_with(request, status, &HeaderMap::new(), error)
}

fn scope_with(
    request: &ChatRequest,
    status: u16,
    headers: &HeaderMap,
    error: &Value,
) -> Option<FailureScope> {
    let body = json!({"error": error}).to_string();
    let error = parse_error(status, headers, body.as_bytes(), DateTime::UNIX_EPOCH);
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
        json!({"metadata": {"session_id": "cust-77"}}),
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
        for label in ["safety identifier", "safety_identifier", "prompt cache key", "session"] {
            let message = format!("Rate limit reached for {label}");
            assert_eq!(said(&fields, 429, &message), Some(Open), "{fields} {message}");
        }
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
    // A member that may choose anything, and a file, leave it undecided, whatever the words.
    for fields in [json!({"container": "container_1"}), file] {
        for words in [
            resource,
            "You do not have permission to access the model up-5",
            "You do not have access to up-5",
        ] {
            assert_eq!(denied(&fields, words), Some(Open), "{fields}: {words}");
        }
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
    assert_eq!(missing(&tool, "The model `up-5` does not exist"), Some(Open));
    assert_eq!(missing(&json!({"any": "judge-1"}), "The model judge-1 does not exist"), Some(Request));
    assert_eq!(missing(&json!({"stop": "judge-1"}), "The requested model does not exist"), None);
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
        assert_eq!(said(&json!({"provider": {}}), status, "Provider returned error"), Some(Open), "{status}");
    }
    let none = "There is no available model provider that meets your routing requirements";
    assert_eq!(said(&route, 503, none), Some(Request));
    assert_eq!(said(&json!({"provider": "x"}), 503, none), Some(Open));
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
        assert_eq!(said(&fields, 429, "Too many requests"), Some(Request), "{fields}");
        for status in [503, 529] {
            assert_eq!(said(&fields, status, "Too many requests"), Some(Open), "{fields} {status}");
        }
        assert_eq!(said(&fields, 404, "The model does not exist"), Some(Open), "{fields}");
    }
    let routed = json!({"service_tier": "flex", "provider": {"only": ["x"]}});
    assert_eq!(said(&routed, 503, "Too many requests"), Some(Request), "the route is its own as well");
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
    assert_eq!(with_headers(&[("anthropic-beta", "context-1m-2025-08-07")], 529, &overloaded), Some(Open));
    assert_eq!(with_headers(&[("anthropic-beta", usual)], 529, &overloaded), None);
}

#[test]
fn a_member_that_may_choose_an_account_leaves_a_failure_undecided() {
    for fields in [
        json!({"inference_geo": "us"}),
        json!({"betas": ["context-1m-2025-08-07"]}),
        json!({"mcp_servers": [{"url": "https://x.example", "authorization_token": "t"}]}),
        json!({"fallbacks": "default"}),
    ] {
        for (status, kind) in [
            (401, "authentication_error"),
            (403, "permission_error"),
            (429, "rate_limit_error"),
            (529, "overloaded_error"),
        ] {
            let error = json!({"type": kind, "message": "This workspace does not allow it"});
            assert_eq!(of_message(&fields, status, &error), Some(Open), "{fields} {status}");
            assert_eq!(of_message(&json!({"top_k": 5}), status, &error), None, "{status}");
        }
    }
    for fields in [
        json!({"extra_body": {"api_key": "k"}}),
        json!({"litellm_credential_name": "c"}),
        json!({"aws_access_key_id": "a"}),
        json!({"performanceConfig": {"latency": "optimized"}}),
        json!({"plugins": [{"id": "web"}]}),
        json!({"tools": [{"type": "mcp", "server_label": "x", "server_url": "https://x.example", "headers": {}}]}),
    ] {
        for status in [401, 402, 403, 404, 429, 503] {
            assert_eq!(said(&fields, status, "No."), Some(Open), "{fields} {status}");
        }
    }
    for name in ["api_key", "Api_Key", "api_base", "headers", "extra_headers"] {
        for status in [401, 402, 403, 404, 429, 500, 503] {
            assert_eq!(said(&json!({name: {"x": "y"}}), status, "No."), Some(Request), "{name} {status}");
            assert_eq!(said(&json!({name: null}), status, "No."), None, "{name} {status}");
        }
    }
}

#[test]
fn a_limit_or_a_refusal_may_be_of_a_feature_that_the_request_uses() {
    let content = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    let audio = content(json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}));
    let limit =
        json!({"code": "rate_limit_exceeded", "message": "Rate limit reached on audio seconds per hour"});
    assert_eq!(scope(&audio, 429, &limit), Some(Open));
    assert_eq!(scope(&json!({"reasoning_effort": "high"}), 429, &limit), Some(Open));
    assert_eq!(scope(&json!({}), 429, &limit), None);
    let pdf = content(json!({"type": "document", "source": {"type": "base64", "data": "AAAA"}}));
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 2_000}});
    for fields in [pdf, thinking] {
        for (status, kind, expected) in [
            (403, "permission_error", Some(Open)),
            (402, "billing_error", Some(Open)),
            (404, "not_found_error", Some(Open)),
            (429, "rate_limit_error", Some(Open)),
            (401, "authentication_error", None),
            (529, "overloaded_error", None),
        ] {
            let error = json!({"type": kind, "message": "Your organization does not have access"});
            assert_eq!(of_message(&fields, status, &error), expected, "{fields} {status}");
        }
    }
    // A file that the provider fetches may need a credential.
    let image = |url: &str| content(json!({"type": "image_url", "image_url": {"url": url}}));
    assert_eq!(said(&image("https://x.example/a.png"), 401, "Unauthorized"), Some(Open));
    assert_eq!(said(&image("data:image/png;base64,AA=="), 401, "Unauthorized"), None);
}

#[test]
fn a_part_of_a_users_name_says_that_a_limit_is_the_users() {
    let account = "11111111-2222-3333-4444-555555555555";
    let limit =
        json!({"type": "rate_limit_error", "message": format!("Rate limit reached for account {account}")});
    for user in [
        format!("user_0a1b2c3d4e5f_account_{account}_session_99999999-0000-0000-0000-000000000000"),
        json!({"device_id": "d", "account_uuid": account}).to_string(),
    ] {
        assert_eq!(of_message(&json!({"metadata": {"user_id": user}}), 429, &limit), Some(Request), "{user}");
        assert_eq!(scope(&json!({"user": user}), 429, &limit), Some(Request), "{user}");
    }
    let other = json!({"metadata": {"user_id": "user_account_reached"}});
    assert_eq!(of_message(&other, 429, &limit), None, "words are no proof");
}

#[test]
fn an_outage_of_an_address_of_the_request_is_its_own() {
    let image = |url: &str| json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]});
    let own = image("https://user@Evil.example:8443/x?y=1");
    for message in [
        "503, message='Service Unavailable', url='https://evil.example/x'",
        "Server error '503 Service Unavailable' for url 'https://evil.example:8443/x'",
        "HTTPSConnectionPool(host='evil.example', port=443): [Errno 111] Connection refused",
        "500, message='The model is currently overloaded', url='https://evil.example/x'",
    ] {
        for status in [500, 502, 503] {
            assert_eq!(said(&own, status, message), Some(Request), "{message}");
            assert_eq!(said(&json!({}), status, message), None, "{message}");
            // A server may redirect.
            assert_eq!(said(&image("https://other.example/x"), status, message), Some(Open), "{message}");
            assert_eq!(said(&image("data:image/png;base64,AA//"), status, message), None, "{message}");
        }
    }
    let text = json!({"messages": [{"role": "user", "content": "See https://evil.example/x, please."}]});
    assert_eq!(said(&text, 500, "evil.example: connection refused"), Some(Request));
    assert_eq!(said(&text, 500, "The server is overloaded"), None);
}

#[test]
fn a_limit_that_the_request_alone_reaches_is_its_own() {
    let of_words = |words: usize, more: Value| {
        let mut body =
            json!({"model": "m", "messages": [{"role": "user", "content": "word and ".repeat(words / 2)}]});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        ChatRequest::parse(Bytes::from(body.to_string())).expect("a request")
    };
    let headers = |left: &str| {
        let pairs = [("x-ratelimit-limit-tokens", "30000"), ("x-ratelimit-remaining-tokens", left)];
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
        pairs.collect::<HeaderMap>()
    };
    let error = json!({"code": "rate_limit_exceeded", "message": "Rate limit exceeded: tokens per minute."});
    let sentence = json!({"type": "rate_limit_error", "message": "This request would exceed your rate limit of 30,000 input tokens per minute."});
    let scope = |request: &ChatRequest, left: &str| scope_with(request, 429, &headers(left), &error);
    let (large, half, small) =
        (of_words(48_000, json!({})), of_words(20_000, json!({})), of_words(200, json!({})));
    assert_eq!((scope(&large, "0"), scope_of(&large, 429, &sentence)), (Some(Request), Some(Request)));
    assert_eq!((scope(&half, "0"), scope_of(&half, 429, &sentence)), (Some(Open), Some(Open)));
    assert_eq!((scope(&small, "0"), scope_of(&small, 429, &sentence)), (None, None));
    // No other request used any of it.
    assert_eq!(scope(&small, "30000"), Some(Request));
    let long_answer = of_words(200, json!({"max_tokens": 32_000}));
    assert_eq!(scope(&long_answer, "0"), Some(Open));
    // A limit without a number may have room for a smaller request.
    assert_eq!((scope_of(&large, 429, &error), scope_of(&small, 429, &error)), (Some(Open), None));
    assert_eq!(scope_of(&long_answer, 429, &json!({"message": "Too many tokens, please wait."})), Some(Open));
    assert_eq!(scope_of(&large, 429, &json!({"message": "Crossed TPM limit for key"})), Some(Open));
    assert_eq!(scope_of(&large, 429, &json!({"message": "Too many requests"})), None);
    let google = |limit: u64| json!({"status": "RESOURCE_EXHAUSTED", "message": format!("You exceeded your current quota. * Quota exceeded for metric: x.googleapis.com/generate_content_free_tier_input_token_count, limit: {limit}")});
    assert_eq!(scope_of(&large, 429, &google(16_000)), Some(Request));
    assert_eq!(scope_of(&small, 429, &google(16_000)), None);
    assert_eq!(scope_of(&small, 429, &google(0)), None, "the model is not in the plan");
}

#[test]
fn what_of_an_error_was_not_read_proves_nothing_against_the_model() {
    let scope = |body: &str| {
        let headers = [("retry-after".parse().expect("a name"), "86400".parse().expect("a value"))];
        let headers = headers.into_iter().collect::<HeaderMap>();
        let error = parse_error(429, &headers, body.as_bytes(), DateTime::UNIX_EPOCH);
        let failure = read(&Fault::Upstream(Box::new(error)));
        (failure.scope, failure.retry_after.is_some())
    };
    let limit =
        |message: &str| json!({"error": {"code": "rate_limit_exceeded", "message": message}}).to_string();
    assert_eq!(scope(&limit("Rate limit")), (FailureScope::Model, true));
    for unread in [
        limit(&format!("{} User has exceeded", "echo ".repeat(4_000))),
        json!({"input": "echo ".repeat(14_000), "error": {"message": "no"}}).to_string(),
        r#"{"error": {"message": "User x has"#.to_owned(),
        "{'error': {'message': 'User x has'}}".to_owned(),
    ] {
        assert_eq!(scope(&unread), (Open, false), "{}", unread.len());
    }
    // Half of a character does not hide the rest.
    let half =
        r#"{"error":{"message":"Request too large: Limit 30000, Requested 342389 \ud83d","code":"x"}}"#;
    assert_eq!(scope(half).0, Request);
}
