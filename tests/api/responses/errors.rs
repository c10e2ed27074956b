//! Errors: in OpenAI's shape, and in streams with the codes on which Codex acts.

use reqwest::Method;
use serde_json::{Value, json};

use super::{body, catalog, events, respond};
use crate::support::app::{Answer, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// The code of an error, after its shape was checked.
fn code(answer: &Answer) -> String {
    let error = &answer.json()["error"];
    let mut members: Vec<&str> = error.as_object().expect("an error").keys().map(String::as_str).collect();
    members.retain(|name| *name != "metadata");
    assert_eq!(members, ["code", "message", "param", "type"], "{error}");
    error["code"].as_str().expect("a code").to_owned()
}

on_both_databases! {
    async fn a_failed_chain_has_openais_shape(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        for (status, given, text, expected, named) in [
            (429, "rate_limit_exceeded", "slow down", 429, "rate_limit_exceeded"),
            (429, "insufficient_quota", "You exceeded your current quota", 429, "insufficient_quota"),
            (400, "context_length_exceeded", "Your input exceeds the context window of this model.", 400, "context_length_exceeded"),
            (400, "invalid_value", "temperature is wrong", 400, "invalid_value"),
            (500, "server_error", "Internal server error", 502, "unavailable"),
        ] {
            fake.next(Script::error(status, given, text));
            let answer = respond(&app, &json!({"model": "gpt", "num_retries": 0})).await;
            assert_eq!((answer.status, code(&answer).as_str()), (expected, named), "{text}: {}", answer.text());
        }
    }

    async fn a_stream_says_that_the_prompt_does_not_fit(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let text = "Your input exceeds the context window of this model.";
        fake.next(Script::error(400, "context_length_exceeded", text));
        let answer = respond(&app, &json!({"model": "gpt", "stream": true})).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream; charset=utf-8"), "{}", answer.text());
        assert_eq!(answer.header("x-failsoft-attempts"), "1");
        let events = events(&answer);
        let response = &events.last().expect("an end")["response"];
        assert_eq!(response["error"]["code"], "context_length_exceeded", "{response}");
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!((&row["outcome"], &row["status_code"]), (&json!("failed"), &json!(400)), "{row}");
        // Others have a status, by which SDKs wait and repeat.
        fake.next(Script::error(429, "rate_limit_exceeded", "slow down"));
        let limited = respond(&app, &json!({"model": "gpt", "stream": true, "num_retries": 0})).await;
        assert_eq!((limited.status, code(&limited).as_str()), (429, "rate_limit_exceeded"), "{}", limited.text());
    }

    async fn requests_that_are_refused_have_the_shape_too(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake).await;
        let key = app.organization.key.clone();
        for (key, sent, status, named) in [
            ("sk-nothing", body(&json!({"model": "gpt"})), 401, "invalid_api_key"),
            (key.as_str(), body(&json!({"model": "nothing"})), 404, "model_not_found"),
            (key.as_str(), body(&json!({})), 400, "missing_field"),
            (key.as_str(), body(&json!({"model": "gpt", "stream": "yes"})), 400, "invalid_type"),
            (key.as_str(), body(&json!({"model": "gpt", "max_output_tokens": 1.5})), 400, "invalid_value"),
            (key.as_str(), Value::from("text"), 400, "invalid_json"),
        ] {
            for path in ["/v1/responses", "/responses", "/openai/v1/responses"] {
                let answer = app.call(with_json(app.request(Method::POST, path), &sent), key).await;
                assert_eq!((answer.status, code(&answer).as_str()), (status, named), "{sent}: {}", answer.text());
            }
        }
        let stored = app.call(app.request(Method::GET, "/v1/responses/resp_1"), &key).await;
        assert_eq!((stored.status, code(&stored).as_str()), (404, "unknown_url"), "{}", stored.text());
        assert_eq!(fake.served(), 0);
    }

    async fn a_websocket_is_refused_at_once(app: App) {
        let key = app.organization.key.clone();
        for path in ["/v1/responses", "/responses"] {
            let request = app.request(Method::GET, path);
            let upgrade = request.header("connection", "Upgrade").header("upgrade", "websocket").header("sec-websocket-version", "13");
            let answer = app.call(upgrade.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), &key).await;
            assert_eq!((answer.status, code(&answer).as_str()), (426, "websockets_not_supported"), "{}", answer.text());
            let plain = app.call(app.request(Method::GET, path), &key).await;
            assert_eq!((plain.status, plain.header("allow")), (405, "POST"), "{}", plain.text());
        }
    }
}
