//! Invalid, hostile, endless or missing bodies: a clear refusal, no calls, nothing stored.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, chat_body, eventually};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

async fn post(app: &App, body: impl Into<reqwest::Body>) -> Answer {
    let request =
        app.request(Method::POST, "/v1/chat/completions").header("content-type", "application/json");
    app.call(request.body(body), &app.organization.key).await
}

fn error(answer: &Answer) -> Value {
    let error = answer.json()["error"].clone();
    for member in ["message", "type", "param", "code"] {
        assert!(error.get(member).is_some(), "{member}: {error}");
    }
    assert!(answer.body.len() < 2_000, "a refusal of {} bytes", answer.body.len());
    error
}

on_both_databases! {
    async fn an_invalid_request_is_400_and_names_the_field(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let deep = "[".repeat(1_000_000);
        let many: String = (0..400_000).map(|number| format!("\"{number}\":0,")).collect();
        let long = "x".repeat(100_000);
        for (body, param, code) in [
            (String::new(), None, "invalid_json"),
            ("{".into(), None, "invalid_json"),
            ("[]".into(), None, "invalid_json"),
            ("null".into(), None, "invalid_json"),
            ("\"a\"".into(), None, "invalid_json"),
            ("{} {}".into(), None, "invalid_json"),
            ("{'model': 'a'}".into(), None, "invalid_json"),
            ("{\"model\": \"a\",}".into(), None, "invalid_json"),
            ("{\"model\": \"a\u{1}\"}".into(), None, "invalid_json"),
            ("model=a".into(), None, "invalid_json"),
            (deep.clone(), None, "invalid_json"),
            (format!("{{\"model\":\"a\",\"messages\":{deep}"), None, "invalid_json"),
            (format!("{{{many}\"model\":\"a\"}}"), None, "invalid_json"),
            (r#"{"model":"a","model":"b"}"#.into(), Some("model"), "duplicate_field"),
            (r#"{"model":"a","messages":[],"m\u006fdel":"b"}"#.into(), Some("model"), "duplicate_field"),
            (r#"{"model":"a","messages":[],"messages":[]}"#.into(), Some("messages"), "duplicate_field"),
            (format!("{{\"model\":\"a\",\"{long}\":1,\"{long}\":2}}"), None, "duplicate_field"),
            (r#"{"messages":[]}"#.into(), Some("model"), "missing_field"),
            (r#"{"model":null}"#.into(), Some("model"), "missing_field"),
            (r#"{"model":""}"#.into(), Some("model"), "invalid_value"),
            (r#"{"model":7}"#.into(), Some("model"), "invalid_type"),
            (r#"{"model":{"a":1}}"#.into(), Some("model"), "invalid_type"),
            (format!("{{\"model\":\"{long}\"}}"), Some("model"), "invalid_value"),
            (r#"{"model":"a","models":[]}"#.into(), Some("models"), "invalid_value"),
            (r#"{"model":"a","models":{}}"#.into(), Some("models"), "invalid_type"),
            (r#"{"model":"a","models":"b"}"#.into(), Some("models"), "invalid_type"),
            (r#"{"model":"a","models":["b",null]}"#.into(), Some("models"), "invalid_type"),
            (r#"{"model":"a","models":["b",["b"]]}"#.into(), Some("models"), "invalid_type"),
            (r#"{"model":"a","models":[" "]}"#.into(), Some("models"), "invalid_value"),
            (format!("{{\"model\":\"a\",\"models\":[\"{long}\"]}}"), Some("models"), "invalid_value"),
            (format!("{{\"model\":\"a\",\"models\":[{}1]}}", "1,".repeat(500_000)), Some("models"), "invalid_value"),
            (format!("{{\"model\":\"a\",\"models\":[{}\"b\"]}}", "\"b\",".repeat(32)), Some("models"), "invalid_value"),
            (r#"{"model":"a","fallbacks":[{"model":"b"}]}"#.into(), Some("fallbacks"), "invalid_type"),
            (r#"{"model":"a","fallbacks":["b"],"models":["b"]}"#.into(), Some("fallbacks"), "conflicting_fields"),
            (r#"{"fallbacks":["b"]}"#.into(), Some("model"), "missing_field"),
            (r#"{"model":"a","stream":"true"}"#.into(), Some("stream"), "invalid_type"),
            (r#"{"model":"a","stream":1}"#.into(), Some("stream"), "invalid_type"),
            (r#"{"model":"a","stream":true,"stream_options":true}"#.into(), Some("stream_options"), "invalid_type"),
            (format!("{{\"model\":\"a\",\"stream\":true,\"stream_options\":{deep}{}}}", "]".repeat(1_000_000)), Some("stream_options"), "invalid_type"),
            (r#"{"model":"a","max_fallbacks":"2"}"#.into(), Some("max_fallbacks"), "invalid_type"),
            (r#"{"model":"a","max_fallbacks":-1}"#.into(), Some("max_fallbacks"), "invalid_type"),
            (r#"{"model":"a","max_fallbacks":1.5}"#.into(), Some("max_fallbacks"), "invalid_type"),
            (r#"{"model":"a","num_retries":6}"#.into(), Some("num_retries"), "invalid_value"),
            (r#"{"model":"a","num_retries":99999999999}"#.into(), Some("num_retries"), "invalid_type"),
            (r#"{"model":"a","n":"2"}"#.into(), Some("n"), "invalid_type"),
            (r#"{"model":"a","n":0}"#.into(), Some("n"), "invalid_value"),
            (r#"{"model":"a","n":-1}"#.into(), Some("n"), "invalid_value"),
            (r#"{"model":"a","n":1.5}"#.into(), Some("n"), "invalid_value"),
            (r#"{"model":"a","n":129}"#.into(), Some("n"), "invalid_value"),
            (r#"{"model":"a","max_tokens":"100"}"#.into(), Some("max_tokens"), "invalid_type"),
            (r#"{"model":"a","max_tokens":-5}"#.into(), Some("max_tokens"), "invalid_value"),
            (r#"{"model":"a","max_completion_tokens":1.5}"#.into(), Some("max_completion_tokens"), "invalid_value"),
            (r#"{"model":"a","disable_fallbacks":"yes"}"#.into(), Some("disable_fallbacks"), "invalid_type"),
            (r#"{"model":"a","session_id":7}"#.into(), Some("session_id"), "invalid_type"),
            (r#"{"model":"a","session_id":""}"#.into(), Some("session_id"), "invalid_value"),
            (format!("{{\"model\":\"a\",\"session_id\":\"{}\"}}", "é".repeat(257)), Some("session_id"), "invalid_value"),
        ] {
            let shown: String = body.chars().take(80).collect();
            let answer = post(&app, body).await;
            let error = error(&answer);
            assert_eq!((answer.status, &error["code"]), (400, &json!(code)), "{shown}: {error}");
            assert_eq!(error["param"], json!(param), "{shown}: {error}");
            assert_eq!(error["type"], "invalid_request_error");
            assert_eq!(answer.header("x-should-retry"), "false");
        }
        // Half of a character is read as U+FFFD, which is in no model's name.
        let answer = post(&app, r#"{"model":"\ud800"}"#).await;
        assert_eq!((answer.status, &error(&answer)["code"]), (404, &json!("model_not_found")));
        assert_eq!(error(&answer)["param"], "model");
        for bytes in [&b"{\"model\":\"\xff\"}"[..], b"\xef\xbb\xbf", b"\0", b"{\"model\":\"a\"}\0"] {
            assert_eq!(error(&post(&app, bytes.to_vec()).await)["code"], "invalid_json");
        }
        assert_eq!(fake.served(), 0);
        assert!(app.requests(0).await.is_empty() && app.events().await.is_empty());
    }

    async fn fields_that_only_providers_validate_are_forwarded(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for body in [
            format!("{{\"model\":\"a\",\"messages\":{deep}}}"),
            format!("{{\"model\":\"a\",\"metadata\":{deep}}}"),
            format!("{{\"model\":\"a\",\"metadata\":{{\"session_id\":{deep}}}}}"),
            format!("{{\"model\":\"a\",\"stream_options\":{deep}}}"),
            r#"{"model":"a","messages":"no list","temperature":"hot","":1}"#.into(),
            r#"{"model":"a","x":{"y":1,"y":2}}"#.into(),
            r#" {"model" : "a"} "#.into(),
            r#"{"model":"\u0061"}"#.into(),
        ] {
            assert_eq!(post(&app, body).await.status, 200);
        }
        let bytes = fake.requests()[0].body.len();
        assert!(bytes > 200_000, "{bytes}");
    }

    async fn a_body_over_the_limit_is_413_before_it_is_there(app: App) {
        let mut caller = Raw::connect(app.address).await;
        caller.head(&app.organization.key, &[&format!("content-length: {}", 32 * 1024 * 1024 + 1)]).await;
        let text = caller.read_until("request_too_large").await;
        assert!(text.starts_with("HTTP/1.1 413"), "{text}");

        // Without a length, bytes are counted as they arrive.
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let small = app.beside(|settings| settings.server.chat_body_limit = 10_000).await;
        let mut caller = Raw::connect(small.address).await;
        caller.head(&app.organization.key, &["transfer-encoding: chunked"]).await;
        let piece = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        for _ in 0..3 {
            caller.send(&piece).await;
        }
        let text = caller.read_until("10000 bytes").await;
        assert!(text.starts_with("HTTP/1.1 413"), "{text}");

        let frame = json!({"model": "a", "x": ""}).to_string().len();
        let exactly = |length: usize| json!({"model": "a", "x": "y".repeat(length - frame)}).to_string();
        assert_eq!(post(&small, exactly(10_000)).await.status, 200);
        let over = post(&small, exactly(10_001)).await;
        assert_eq!((over.status, over.json()["error"]["code"].clone()), (413, json!("request_too_large")));
    }

    async fn a_compressed_body_is_415_before_it_is_there(app: App) {
        for encoding in ["gzip", "zstd", "br", "deflate", "identity, gzip", "x"] {
            let mut caller = Raw::connect(app.address).await;
            caller.head(&app.organization.key, &["content-length: 1000", &format!("content-encoding: {encoding}")]).await;
            let text = caller.read_until("unsupported_content_encoding").await;
            assert!(text.starts_with("HTTP/1.1 415"), "{encoding}: {text}");
        }
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.next(Script::answer("Hi"));
        let request = app.request(Method::POST, "/v1/chat/completions").header("content-encoding", "identity");
        let request = request.body(chat_body(&json!({"model": "a"})).to_string());
        assert_eq!(app.call(request, &app.organization.key).await.status, 200);
    }

    async fn a_stalled_body_is_abandoned(app: App) {
        let hasty = app.beside(|settings| settings.server.body_idle_seconds = 1).await;
        let mut caller = Raw::connect(hasty.address).await;
        caller.head(&app.organization.key, &["content-length: 1000"]).await;
        caller.send("{\"model\":").await;
        let text = caller.read_until("request_timeout").await;
        assert!(text.starts_with("HTTP/1.1 408") && text.contains("x-should-retry: false"), "{text}");
        // The connection can no longer be used.
        caller.read_to_end().await;
        assert!(hasty.requests(0).await.is_empty());
    }

    async fn a_body_that_breaks_off_or_is_framed_wrongly_leaves_nothing(app: App) {
        let mut caller = Raw::connect(app.address).await;
        caller.head(&app.organization.key, &["content-length: 1000"]).await;
        caller.send("{\"model\":").await;
        caller.finish().await;
        caller.read_to_end().await;
        let mut caller = Raw::connect(app.address).await;
        caller.head(&app.organization.key, &["transfer-encoding: chunked"]).await;
        caller.try_send("zz\r\nhello\r\n").await;
        let text = caller.read_to_end().await;
        assert!(text.starts_with("HTTP/1.1 400"), "{text}");
        assert!(app.requests(0).await.is_empty());
    }

    async fn an_unread_body_is_never_taken_for_a_request(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let body = chat_body(&json!({"model": "a"})).to_string();
        let inner = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
            app.organization.key,
            body.len()
        );
        let length = format!("content-length: {}", inner.len());
        for (key, headers) in [
            ("fsk_wrong", vec![length.as_str()]),
            (app.organization.key.as_str(), vec![length.as_str(), "content-encoding: gzip"]),
            (app.organization.key.as_str(), vec!["content-length: 99999999"]),
            (app.organization.key.as_str(), vec!["content-length: 5", "transfer-encoding: chunked"]),
            (app.organization.key.as_str(), vec!["content-length: 5", "content-length: 6"]),
        ] {
            let mut caller = Raw::connect(app.address).await;
            caller.head(key, &headers).await;
            caller.try_send(&inner).await;
            caller.read_until("HTTP/1.1 4").await;
            caller.finish().await;
            let text = caller.read_to_end().await;
            assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{headers:?}: {text}");
        }
        assert_eq!(fake.served(), 0);
    }

    async fn announced_bodies_delay_no_one_and_real_ones_are_bounded(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let small = app.beside(|settings| settings.server.body_budget = 200_000).await;
        let mut stalled = Vec::new();
        for _ in 0..8 {
            let mut caller = Raw::connect(small.address).await;
            caller.head(&app.organization.key, &["content-length: 60000"]).await;
            caller.send("{").await;
            stalled.push(caller);
        }
        assert_eq!(small.chat(&json!({"model": "a"})).await.status, 200);
        stalled[0].try_send("x".repeat(47_500)).await;
        // Bodies without room are refused with a retry time; small ones are still admitted.
        let large = json!({"model": "a", "x": "y".repeat(60_000)});
        let refused = eventually(async || {
            let answer = small.chat(&large).await;
            (answer.status == 429).then_some(answer)
        })
        .await;
        assert_eq!((refused.header("retry-after"), refused.header("x-should-retry")), ("1", "true"));
        assert_eq!(small.chat(&json!({"model": "a", "x": "y".repeat(5_000)})).await.status, 200);
        for caller in &mut stalled {
            caller.finish().await;
        }
        eventually(async || (small.chat(&large).await.status == 200).then_some(())).await;
    }
}
