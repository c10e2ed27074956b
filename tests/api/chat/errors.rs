//! The response when no model answered: the final error, without anything that the caller must not see.

use reqwest::Method;
use serde_json::{Value, json};

use super::pick;
use crate::support::app::chat_body;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// The credential that [`crate::support::app::Organization::provider_at`] sets for every provider.
const CREDENTIAL: &str = "sk-upstream-secret-0001";

struct Row {
    script: Script,
    class: &'static str,
    status: u16,
    code: &'static str,
    again: &'static str,
}

fn row(script: Script, class: &'static str, status: u16, code: &'static str, again: &'static str) -> Row {
    Row { script, class, status, code, again }
}

fn plain(status: u16) -> Script {
    Script::respond(status, &[], "no")
}

fn table() -> Vec<Row> {
    let limit = "rate_limit_exceeded";
    vec![
        row(Script::error(429, limit, "slow down"), "rate_limited", 429, limit, "true"),
        row(plain(429), "rate_limited", 429, limit, "true"),
        row(
            Script::error(429, "insufficient_quota", "no money"),
            "quota_exhausted",
            429,
            "insufficient_quota",
            "false",
        ),
        row(plain(402), "quota_exhausted", 429, "insufficient_quota", "false"),
        row(plain(503), "overloaded", 503, "overloaded", "true"),
        row(plain(529), "overloaded", 503, "overloaded", "true"),
        row(plain(500), "unavailable", 502, "unavailable", "true"),
        row(plain(502), "unavailable", 502, "unavailable", "true"),
        row(plain(504), "unavailable", 502, "unavailable", "true"),
        row(plain(522), "unavailable", 502, "unavailable", "true"),
        row(Script::new().reset(), "unavailable", 502, "unavailable", "true"),
        row(
            Script::respond(200, &[], "<html>no</html>"),
            "invalid_response",
            502,
            "invalid_response",
            "true",
        ),
        row(Script::respond(200, &[], ""), "invalid_response", 502, "invalid_response", "true"),
        row(
            Script::respond(200, &[], "{\"choices\": ["),
            "invalid_response",
            502,
            "invalid_response",
            "true",
        ),
        row(Script::respond(204, &[], ""), "invalid_response", 502, "invalid_response", "true"),
        row(Script::answer("cut").cut_at(150), "invalid_response", 502, "invalid_response", "true"),
        row(plain(408), "timeout", 504, "timeout", "false"),
        row(
            Script::error(400, "context_length_exceeded", "too long"),
            "context_window_exceeded",
            400,
            "context_length_exceeded",
            "false",
        ),
        row(
            Script::error(400, "content_policy_violation", "not nice"),
            "content_policy",
            400,
            "content_policy_violation",
            "false",
        ),
        row(
            Script::error(401, "invalid_api_key", "who?"),
            "authentication",
            502,
            "upstream_authentication",
            "false",
        ),
        row(plain(403), "authentication", 502, "upstream_authentication", "false"),
        row(plain(404), "model_not_found", 502, "upstream_model_not_found", "false"),
        row(Script::error(400, "odd", "odd"), "invalid_request", 400, "odd", "false"),
        row(Script::error(409, "odd", "odd"), "invalid_request", 409, "odd", "false"),
        row(Script::error(422, "odd", "odd"), "invalid_request", 422, "odd", "false"),
        row(plain(407), "invalid_request", 400, "invalid_request", "false"),
        row(plain(418), "invalid_request", 418, "invalid_request", "false"),
        row(
            Script::json(200, &json!({"error": {"message": "no", "code": 429}})),
            "rate_limited",
            429,
            limit,
            "true",
        ),
        row(
            Script::json(200, &json!({"error": {"message": "no", "code": 503}})),
            "overloaded",
            503,
            "overloaded",
            "true",
        ),
        row(
            Script::json(200, &json!({"choices": [{"message": {"content": ""}, "finish_reason": "error"}]})),
            "invalid_response",
            502,
            "invalid_response",
            "true",
        ),
    ]
}

on_both_databases! {
    async fn every_class_has_its_status_code_and_advice(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let mut expected = Vec::new();
        for stream in [false, true] {
            for Row { script, class, status, code, again } in table() {
                fake.next(script.clone());
                let answer = app.chat(&json!({"model": "a", "stream": stream})).await;
                let error = answer.json()["error"].clone();
                assert_eq!((answer.status, &error["code"]), (status, &json!(code)), "{script:?} {}", answer.text());
                assert_eq!(answer.header("x-should-retry"), again, "{script:?}");
                assert_eq!(answer.header("content-type"), "application/json");
                assert!(["message", "type"].iter().all(|name| error[name].is_string()), "{error}");
                assert!(error.get("param").is_some(), "{error}");
                assert_eq!(
                    pick(error["metadata"]["attempts"].as_array().expect("a list"), &["model", "error_class", "passed_over"]),
                    json!([["a", class, false]]),
                    "{script:?}"
                );
                assert_eq!(answer.header("x-failsoft-fallback"), format!("from=a; class={class}; hops=1"));
                assert_eq!(answer.header("x-failsoft-attempts"), "1");
                assert!(answer.headers.get("x-failsoft-model").is_none() && answer.headers.get("retry-after").is_none());
                assert!(answer.header("server-timing").contains("upstream;dur="));
                expected.push(json!([class, status]));
            }
        }
        let rows = app.requests(expected.len()).await;
        assert_eq!(pick(&rows, &["error_class", "status_code"]), json!(expected));
        assert!(rows.iter().all(|row| row["outcome"] == "failed" && row["cost_nano_dollars"] == 0));
    }

    async fn an_answer_over_64_mib_is_a_failure(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        // Without a length, bytes are counted as they arrive.
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"choices\":[{\"message\":{\"content\":\"";
        fake.next(Script::new().send(head).send(vec![b'x'; 64 * 1024 * 1024]).hang());
        fake.next(Script::answer("From b"));
        let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await;
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=invalid_response; hops=1");
        fake.client_gone(0).await;
        assert_eq!(app.events().await[0]["matched_rule"], "answer:too_large");
    }

    async fn an_endless_error_body_does_not_block_the_failover(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.next(Script::new().send("HTTP/1.1 503 Busy\r\ncontent-length: 1000\r\n\r\n{\"error\":").hang());
        fake.next(Script::answer("From b"));
        let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await;
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=overloaded; hops=1");
        fake.client_gone(0).await;
    }

    async fn a_provider_that_cannot_be_reached_is_unavailable(app: App) {
        let fake = FakeProvider::start().await;
        let gone = fake.base_url();
        drop(fake);
        let provider = app.organization.provider_at("gone", "custom", Some(&gone)).await;
        app.organization.model("a", provider).await;
        let unknown = app.organization.provider_at("unknown", "custom", Some("https://nowhere.invalid/v1")).await;
        app.organization.model("b", unknown).await;
        for model in ["a", "b"] {
            let answer = app.chat(&json!({"model": model})).await;
            assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (502, json!("unavailable")));
        }
        assert_eq!(
            pick(&app.events().await, &["matched_rule", "status_code"]),
            json!([["connect:refused", null], ["connect:dns", null]])
        );
    }

    async fn the_shortest_wait_is_reported_in_whole_seconds(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b", "c"]).await;
        let limited = |header: (&str, &str)| Script::respond(429, &[header], "{}");
        fake.next(limited(("retry-after", "30")));
        fake.next(limited(("retry-after-ms", "4200")));
        fake.next(plain(500));
        let answer = app.chat(&json!({"model": "a", "models": ["b", "c"]})).await;
        assert_eq!((answer.status, answer.header("retry-after")), (502, "5"));
        fake.next(plain(500));
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!(answer.header("retry-after"), "");
    }

    async fn an_invalid_request_keeps_the_upstreams_words(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let said = json!({"error": {
            "message": "Invalid value for 'temperature'", "type": "invalid_request_error",
            "param": "temperature", "code": "invalid_value"
        }});
        fake.next(Script::json(400, &said));
        let answer = app.chat(&json!({"model": "a"})).await;
        let mut error = answer.json()["error"].clone();
        error.as_object_mut().expect("an object").remove("metadata");
        assert_eq!(error, said["error"]);
    }

    async fn a_model_or_a_credential_that_a_provider_refuses_is_named(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("acme", "custom", Some(&fake.base_url())).await;
        app.organization.model("a", provider).await;
        for (status, code, said) in [(404, "model_not_found", "The model `x` does not exist"), (401, "invalid_api_key", "Who are you?")] {
            fake.next(Script::error(status, code, said));
            let error = app.chat(&json!({"model": "a"})).await.json()["error"].clone();
            let message = format!("The provider 'acme' refused the call of the model 'a': {said}");
            assert_eq!(error["message"], json!(message), "{error}");
            let event = app.events().await.pop().expect("an event");
            assert_eq!(event["error_message"], json!(said), "{event}");
        }
    }

    async fn under_api_v1_the_code_is_a_number(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(plain(429));
        let post = async |path: &str, body: Value| -> (u16, Value) {
            let answer = app.post(path, &chat_body(&body)).await;
            (answer.status, answer.json()["error"].clone())
        };
        let (status, error) = post("/api/v1/chat/completions", json!({"model": "a"})).await;
        assert_eq!((status, &error["code"]), (429, &json!(429)));
        assert_eq!(error["metadata"]["error_type"], "rate_limit_exceeded");
        assert_eq!(error["metadata"]["attempts"][0]["model"], "a");
        let (status, error) = post("/api/v1/chat/completions", json!({"model": "nobody"})).await;
        assert_eq!((status, &error["code"], &error["metadata"]["error_type"]), (404, &json!(404), &json!("model_not_found")));
        let (status, error) = post("/api/v1/nothing", json!({})).await;
        assert_eq!((status, &error["code"]), (404, &json!(404)));
        let answer = app.send(app.request(Method::GET, "/api/v1/models")).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (401, json!(401)));
        let (status, error) = post("/chat/completions", json!({"model": "a"})).await;
        assert_eq!((status, &error["code"]), (429, &json!("rate_limit_exceeded")));
        fake.next(Script::answer("Hi"));
        let answer = app.post("/api/v1/chat/completions", &chat_body(&json!({"model": "a"}))).await;
        assert_eq!((answer.status, answer.json()["model"].clone()), (200, json!("a")));
    }

    async fn absent_resources_get_the_same_error(app: App) {
        for (method, path, status, code) in [
            (Method::POST, "/v1/nothing", 404, "unknown_url"),
            (Method::GET, "/v1/chat/completions", 405, "method_not_allowed"),
            (Method::DELETE, "/v1/models", 405, "method_not_allowed"),
            (Method::GET, "/chat/nothing", 404, "unknown_url"),
        ] {
            let answer = app.call(app.request(method, path), &app.organization.key).await;
            assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (status, json!(code)), "{path}");
            assert_eq!(answer.headers.contains_key("allow"), status == 405, "{path}");
            assert!(!answer.header("x-request-id").is_empty());
        }
    }

    async fn no_secret_of_ours_or_theirs_comes_back(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let odd = app.organization.provider("odd", &fake).await;
        let change = failsoft::store::ProviderChange {
            credential: Some(Some("correct horse".replace(' ', "-").into())),
            ..Default::default()
        };
        app.organization.store.provider_change(odd.into(), change).await.expect("a provider");
        app.organization.model("odd", odd).await;
        let long = "the caller's own words ".repeat(10);
        let mut said = Vec::new();
        for (model, status, message) in [
            ("a", 401, format!("Incorrect API key provided: {CREDENTIAL}. See https://u:p@example.com/?key=abc")),
            ("a", 400, format!("Bearer {CREDENTIAL} is bad; api_key={CREDENTIAL}")),
            ("a", 400, format!("Invalid prompt: '{long}'")),
            ("a", 500, "at handler (/srv/app.py) token=abcdefghijklmnop".to_owned()),
            ("odd", 401, "the credential correct-horse is unknown".to_owned()),
            ("odd", 400, "correct-horse".to_owned()),
        ] {
            for body in [
                json!({"error": {"message": message, "type": "x", "param": message, "code": message}}).to_string(),
                message.clone(),
                format!("<html><title>{message}</title></html>"),
            ] {
                fake.next(Script::respond(status, &[("x-secret", CREDENTIAL)], &body));
                let answer = app.chat(&json!({"model": model})).await;
                said.push(format!("{:?} {}", answer.headers, answer.text()));
                let inside = json!({"error": {"message": message, "code": 400, "param": message}});
                fake.next(Script::stream().event(&inside).end());
                let answer = app.chat(&json!({"model": model, "stream": true})).await;
                said.push(answer.text());
                fake.next(Script::stream().text("Hel").event(&inside).end());
                let answer = app.chat(&json!({"model": model, "stream": true})).await;
                assert!(answer.text().contains("Hel"));
                said.push(answer.text());
            }
        }
        said.extend(app.events().await.iter().map(Value::to_string));
        said.extend(app.requests(said.len() / 2).await.iter().map(Value::to_string));
        for text in &said {
            for secret in [CREDENTIAL, "u:p@", "key=abc", "abcdefghijklmnop", "correct-horse", long.trim()] {
                assert!(!text.contains(secret), "{secret}: {text}");
            }
        }
    }
}
