//! Every path answers in the format of its dialect, whether it exists or not.

use std::collections::{BTreeMap, BTreeSet};

use failsoft::app::routes::ROUTES;
use reqwest::Method;
use serde_json::Value;

use super::matrix::rows;
use super::victim::Victim;
use crate::support::app::{Answer, App};
use crate::support::database::Kind;

/// The first segments of the paths with OpenAI's errors.
const OPENAI: [&str; 11] = [
    "v1",
    "v2",
    "chat",
    "responses",
    "embeddings",
    "completions",
    "moderations",
    "rerank",
    "images",
    "audio",
    "openai",
];

/// Checks that an error has the format that belongs to its path.
pub(super) fn assert_dressed(path: &str, answer: &Answer) {
    assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
    if is_page(path) && answer.header("content-type") == "application/json" {
        // With an API key the caller is a program, which reads JSON.
        assert!(is_openai(&answer.json()), "{path}: {}", answer.text());
        return;
    }
    if is_page(path) {
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}: {}", answer.text());
        assert!(answer.text().starts_with("<!doctype html>"), "{path}: {}", answer.text());
        return;
    }
    assert_eq!(answer.header("content-type"), "application/json", "{path}: {}", answer.text());
    let body = answer.json();
    let under = |prefix: &str| {
        path == prefix || path.starts_with(&format!("{prefix}/")) || path.starts_with(&format!("{prefix}?"))
    };
    let fits = if under("/v1/model-router") || under("/v1/identity") {
        is_feather(&body, answer.status)
    } else if under("/api/v1") {
        is_openai(&body)
            && body["error"]["code"] == answer.status
            && body["error"]["metadata"]["error_type"].is_string()
    } else if under("/v1/messages") || under("/messages") {
        is_anthropic(&body) && body["request_id"] == answer.header("request-id")
    } else if OPENAI.into_iter().any(|segment| under(&format!("/{segment}"))) {
        is_openai(&body) && body["error"]["code"].is_string()
    } else if under("/fallback") {
        members(&body) == ["detail"]
            && (body["detail"]["error"].is_string() || is_list_of_violations(&body["detail"], answer.status))
    } else {
        is_feather(&body, answer.status)
    };
    assert!(fits, "{path} {}: {body}", answer.status);
}

/// Whether the path is not an API, and answers with HTML.
fn is_page(path: &str) -> bool {
    let others = ["api", "messages", "fallback", "livez", "readyz", "health", "metrics", "openapi.json"];
    let path = path.split('?').next().unwrap_or_default().strip_prefix('/').expect("a path");
    let first = path.split('/').next().unwrap_or_default();
    !OPENAI.contains(&first) && !others.contains(&first)
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

fn is_openai(body: &Value) -> bool {
    let error = &body["error"];
    let names: BTreeSet<&str> = members(error).into_iter().filter(|name| *name != "metadata").collect();
    members(body) == ["error"]
        && names == BTreeSet::from(["code", "message", "param", "type"])
        && error["message"].as_str().is_some_and(|message| message.len() > 10)
        && error["type"].is_string()
}

fn is_anthropic(body: &Value) -> bool {
    members(body) == ["error", "failsoft", "request_id", "type"]
        && members(&body["error"]) == ["message", "type"]
        && body["type"] == "error"
        && body["error"]["message"].as_str().is_some_and(|message| message.len() > 10)
}

fn is_feather(body: &Value, status: u16) -> bool {
    let plain =
        members(body) == ["error", "message"] && body["error"].is_string() && body["message"].is_string();
    plain && status != 422 || members(body) == ["detail"] && is_list_of_violations(&body["detail"], status)
}

fn is_list_of_violations(detail: &Value, status: u16) -> bool {
    let is_violation = |entry: &Value| members(entry) == ["loc", "msg", "type"];
    status == 422 && detail.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(is_violation))
}

/// Sends the request as the usual client: a browser for pages, a key for the API.
async fn send(app: &App, request: reqwest::RequestBuilder, path: &str) -> Answer {
    if is_page(path) { app.send(request).await } else { app.call(request, &app.organization.key).await }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_without_a_route_is_not_found() {
    let app = App::start(Kind::Sqlite).await;
    for path in [
        "/nothing",
        "/v1",
        "/v1/nothing",
        "/v1/chat",
        "/v1/chat/completions/",
        "/v1/chat/completions/x",
        "/v1/models/",
        "/v1/messages/",
        "/v1/messages/x",
        "/v1/responses/x",
        "/v1/embeddings/x",
        "/openai",
        "/openai/nothing",
        "/openai/deployments/gpt-4o",
        "/api",
        "/api/v1",
        "/api/v1/nothing",
        "/chat",
        "/chat/nothing",
        "/fallback/",
        "/fallbacks/",
        "/v1/model-router",
        "/v1/model-router/",
        "/v1/model-router/nothing",
        "/v1/model-router/models/",
        "/v1/model-routers",
        "/v1/model-router/models/a/b",
        "/v1/identity",
        "/v1/identity/nothing",
        "/v1/identity/whoami/x",
        "//",
        "/livez/",
        "/docs/",
        "/docs/api/",
        "/static",
        "/static/a/b",
        "/openapi.yaml",
        "/index.html",
        "/.env",
        "/%2e%2e/x",
        "/a%00b",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = send(&app, app.request(method.clone(), path), path).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
            assert_dressed(path, &answer);
            // A caller with a key is a program, and reads JSON.
            let answer = app.call(app.request(method.clone(), path), &app.organization.key).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
            assert_eq!(answer.header("content-type"), "application/json", "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_a_path_does_not_have_is_answered_with_those_that_it_has() {
    let app = App::start(Kind::Sqlite).await;
    let victim = Victim::create(&app).await;
    let mut methods: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for route in ROUTES {
        methods.entry(route.path).or_default().insert(route.method.as_str());
    }
    let rows = rows(&victim);
    for (path, has) in methods {
        let row = rows.iter().find(|row| row.title.ends_with(&format!(" {path}")));
        let called = row.map_or_else(|| path.replace(['{', '}'], ""), |row| row.path.clone());
        for word in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"] {
            if has.contains(word) {
                continue;
            }
            let method: Method = word.parse().expect("a method");
            let answer = send(&app, app.request(method, &called), &called).await;
            assert_eq!(answer.status, 405, "{word} {path}: {}", answer.text());
            let allow: BTreeSet<&str> = answer.header("allow").split(", ").collect();
            let head = has.contains("GET").then_some("HEAD");
            assert_eq!(allow, has.iter().copied().chain(head).collect(), "{word} {path}");
            assert_dressed(&called, &answer);
        }
    }
    victim.assert_untouched(&app).await;
}
