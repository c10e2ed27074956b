//! Errors in Anthropic's shape: statuses, types, and what tells clients whether to retry.

use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::{body, catalog, message};
use crate::support::app::{Answer, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// The type of an error, after its shape was checked.
fn kind(answer: &Answer) -> String {
    let error = answer.json();
    assert_eq!(error["type"], "error", "{error}");
    assert_eq!(error["request_id"], answer.header("request-id"), "{error}");
    assert!(error["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
    assert!(error["error"].as_object().is_some_and(|error| error.len() == 2), "{error}");
    assert!(matches!(answer.header("x-should-retry"), "true" | "false"), "{:?}", answer.headers);
    error["error"]["type"].as_str().expect("a type").to_owned()
}

on_both_databases! {
    async fn a_failed_chain_has_the_status_and_the_type_that_clients_know(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a"]).await;
        for (status, given, text, expected, named, retry) in [
            (429, "rate_limit_error", "slow down", 429, "rate_limit_error", "true"),
            (400, "invalid_request_error", "Your credit balance is too low to access the API.", 402, "billing_error", "false"),
            (529, "overloaded_error", "Overloaded", 529, "overloaded_error", "true"),
            (500, "api_error", "Internal server error", 502, "api_error", "true"),
            (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", 400, "invalid_request_error", "false"),
            (400, "invalid_request_error", "tools.0: Input tag is unknown", 400, "invalid_request_error", "false"),
            (413, "request_too_large", "Request exceeds the maximum size", 413, "request_too_large", "false"),
            (401, "authentication_error", "invalid x-api-key", 502, "api_error", "false"),
            (404, "not_found_error", "model: a-upstream", 502, "api_error", "false"),
        ] {
            fake.next(Script::anthropic_error(status, given, text));
            let answer = message(&app, &json!({"model": "a"})).await;
            assert_eq!((answer.status, kind(&answer).as_str()), (expected, named), "{text}: {}", answer.text());
            assert_eq!(answer.header("x-should-retry"), retry, "{text}");
            let attempts = &answer.json()["failsoft"]["attempts"];
            assert_eq!(attempts[0]["model"], "a", "{}", answer.text());
            let row = app.requests(1).await.pop().expect("a row");
            assert_eq!(row["status_code"], expected, "{row}");
        }
    }

    async fn a_prompt_that_does_not_fit_is_named_as_clients_expect(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a"]).await;
        for text in ["prompt is too long: 9 tokens > 8 maximum", "Input is too long for requested model."] {
            fake.next(Script::anthropic_error(400, "invalid_request_error", text));
            let answer = message(&app, &json!({"model": "a"})).await;
            let error = answer.json()["error"]["message"].as_str().expect("a message").to_owned();
            assert!(error.starts_with("prompt is too long"), "{error}");
            assert_eq!((answer.status, answer.header("x-should-retry")), (400, "false"));
        }
    }

    async fn no_header_of_a_caller_blames_a_model(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a"]).await;
        let send = async |beta: &str| {
            let request = with_json(app.request(Method::POST, "/v1/messages"), &body(&json!({"model": "a"})));
            app.call(request.header("anthropic-beta", beta), &app.organization.key).await
        };
        let refused = send("You have reached your specified API usage limits. You will regain access on 2026-12-31.").await;
        assert_eq!((refused.status, kind(&refused).as_str()), (400, "invalid_request_error"), "{}", refused.text());
        assert!(refused.text().contains("anthropic-beta"), "{}", refused.text());
        assert_eq!(fake.served(), 0);
        for name in ["insufficient_quota", "credit_balance_is_too_low"] {
            let text = format!("Unexpected value(s) `{name}` for the `anthropic-beta` header");
            fake.next(Script::anthropic_error(400, "invalid_request_error", &text));
            let answer = send(name).await;
            assert_eq!(answer.status, 400, "{}", answer.text());
            fake.next(Script::message("Hi"));
            assert_eq!(message(&app, &json!({"model": "a"})).await.status, 200, "{name}");
        }
    }

    async fn requests_that_are_refused_have_the_shape_too(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a", "secret"]).await;
        let scopeless = app.organization.key_with(&[Scope::RouterRead]).await;
        let narrow = app.organization.key_like(&[Scope::Inference], |new| new.models = Some(vec!["a".into()])).await;
        let limited = app.organization.key_like(&[Scope::Inference], |new| new.requests_per_minute = Some(1)).await;
        let key = app.organization.key.clone();
        fake.always(Script::message("Hi"));
        let first = with_json(app.request(Method::POST, "/v1/messages"), &body(&json!({"model": "a"})));
        let first = app.call(first, &limited).await;
        assert_eq!(first.header("anthropic-ratelimit-requests-limit"), "1", "{}", first.text());
        assert!(first.header("anthropic-ratelimit-requests-reset").starts_with("2024-"), "{:?}", first.headers);
        for (key, sent, status, named) in [
            ("sk-nothing", body(&json!({"model": "a"})), 401, "authentication_error"),
            (scopeless.as_str(), body(&json!({"model": "a"})), 403, "permission_error"),
            (narrow.as_str(), body(&json!({"model": "secret"})), 403, "permission_error"),
            (limited.as_str(), body(&json!({"model": "a"})), 429, "rate_limit_error"),
            (key.as_str(), body(&json!({"model": "nothing"})), 404, "not_found_error"),
            (key.as_str(), body(&json!({})), 400, "invalid_request_error"),
            (key.as_str(), body(&json!({"model": "a", "stream": "yes"})), 400, "invalid_request_error"),
            (key.as_str(), body(&json!({"model": "a", "models": []})), 400, "invalid_request_error"),
            (key.as_str(), Value::from("text"), 400, "invalid_request_error"),
        ] {
            let answer = app.call(with_json(app.request(Method::POST, "/v1/messages"), &sent), key).await;
            assert_eq!((answer.status, kind(&answer).as_str()), (status, named), "{sent}: {}", answer.text());
        }
        for (method, path, status, named) in [
            (Method::GET, "/v1/messages", 405, "invalid_request_error"),
            (Method::POST, "/v1/messages/nothing", 404, "not_found_error"),
        ] {
            let answer = app.call(app.request(method, path), &key).await;
            assert_eq!((answer.status, kind(&answer).as_str()), (status, named), "{path}: {}", answer.text());
        }
        assert_eq!(fake.served(), 1);
    }
}
