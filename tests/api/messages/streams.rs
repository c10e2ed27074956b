//! How streams end: with `message_stop`, or with one `error` event after content.

use serde_json::json;

use super::{catalog, message, names};
use crate::support::app::{Answer, App, with_json};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;

/// An event that clients ignore.
const PING: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";

on_both_databases! {
    async fn a_break_after_content_is_one_error_event(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a", "b"]).await;
        let begun = || Script::message_start().text_start().text_delta("Hel");
        let overloaded = json!({"error": {"type": "overloaded_error", "message": "Overloaded"}});
        for script in [
            begun().end(),
            begun().close(),
            begun().chunk("event: content_block_delta\ndata: {\"type\":\"content_bl").close(),
            begun().named("error", overloaded).end(),
            begun().message_delta("error").message_stop(),
            begun().chunk("event: content_block_delta\ndata: {\"type\":\n\n").end(),
        ] {
            fake.next_for("a-upstream", script);
            let answer = message(&app, &json!({"model": "a", "models": ["b"], "stream": true})).await;
            let names = names(&answer);
            assert_eq!(names.last().map(String::as_str), Some("error"), "{}", answer.text());
            assert_eq!(names.iter().filter(|name| *name == "error").count(), 1, "{}", answer.text());
            assert!(!names.contains(&"message_stop".to_owned()), "{}", answer.text());
            let error: serde_json::Value =
                serde_json::from_str(answer.events().last().expect("an event")).expect("JSON");
            assert_eq!(error["type"], "error");
            assert_eq!(error["request_id"], answer.header("request-id"));
            assert!(error["error"]["message"].as_str().is_some_and(|text| text.starts_with("The stream broke")), "{error}");
            assert!(answer.text().ends_with("\n\n"));
        }
        let rows = app.requests(6).await;
        assert!(rows.iter().all(|row| row["outcome"] == "interrupted"), "{rows:?}");
        assert_eq!(app.events().await.len(), 6);
    }

    async fn a_finished_message_ends_even_if_its_provider_forgets_it(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a"]).await;
        let whole = || Script::message_start().text_start().text_delta("Hi").message_delta("end_turn");
        for script in [whole().end(), whole().close(), whole().chunk("data: [DONE]\n\n").end()] {
            fake.next(script);
            let answer = message(&app, &json!({"model": "a", "stream": true})).await;
            assert_eq!(names(&answer).last().map(String::as_str), Some("message_stop"), "{}", answer.text());
            assert!(!answer.text().contains("[DONE]"));
        }
        // Nothing follows the end.
        fake.next(whole().named("message_stop", json!({})).named("ping", json!({})).chunk("data: [DONE]\n\n").end());
        let answer = message(&app, &json!({"model": "a", "stream": true})).await;
        assert!(answer.text().ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), "{}", answer.text());
        assert!(app.requests(4).await.iter().all(|row| row["outcome"] == "answered"));
    }

    async fn a_stream_that_falls_silent_after_content_is_kept_open_too(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a"]).await;
        let quick = app.beside(|settings| settings.gateway.keepalive_interval_ms = 20).await;
        let gate = Gate::new();
        // The first half of an event has arrived when the provider falls silent.
        fake.next(
            Script::message_start().text_start().text_delta("Hel").chunk("event: content_block_delta\ndata: {\"type\":")
                .wait_until(&gate)
                .chunk("\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"lo\"}}\n\n")
                .message_delta("end_turn")
                .message_stop(),
        );
        let mut response = begun(&quick).await;
        let before = read_until(&mut response, &PING.repeat(2)).await;
        assert!(before.contains("Hel") && before.ends_with("\n\n"), "{before}");
        gate.open();
        let after = read_until(&mut response, "message_stop\"}\n\n").await;
        assert!(after.contains(r#""text":"lo""#), "{after}");
        assert_eq!(app.requests(1).await[0]["outcome"], "answered");
        // Without keepalives before an answer, there are none in it.
        app.set(&json!({"keepalive_after_ms": 0})).await;
        let quick = quick.beside(|settings| settings.gateway.keepalive_interval_ms = 1).await;
        let gate = Gate::new();
        fake.next(Script::message_start().text_start().text_delta("Hel").wait_until(&gate).message_delta("end_turn").message_stop());
        let mut response = begun(&quick).await;
        read_until(&mut response, "Hel").await;
        // This takes longer than that.
        assert_eq!(quick.get("/v1/models").await.status, 200);
        gate.open();
        let after = read_until(&mut response, "message_stop\"}\n\n").await;
        assert!(!after.contains("ping"), "{after}");
    }

    async fn a_slow_stream_is_kept_open_with_pings(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a", "b"]).await;
        app.set(&json!({"keepalive_after_ms": 1})).await;
        let app = app.beside(|settings| settings.gateway.keepalive_interval_ms = 20).await;
        let answer = slow(&app, &fake, Script::message_stream("Hi")).await;
        assert_eq!(names(&answer)[0], "ping", "{}", answer.text());
        let kinds = names(&answer);
        assert_eq!(kinds[kinds.len() - 2..], ["failsoft", "message_stop"], "{}", answer.text());
        let failed = slow(&app, &fake, Script::anthropic_error(529, "overloaded_error", "Overloaded")).await;
        assert_eq!(names(&failed).last().map(String::as_str), Some("error"), "{}", failed.text());
        assert!(failed.text().contains(r#""type":"overloaded_error""#), "{}", failed.text());
    }
}

/// The response to a stream, of which nothing was read.
async fn begun(app: &App) -> reqwest::Response {
    let body = super::body(&json!({"model": "a", "stream": true}));
    let request = with_json(app.request(reqwest::Method::POST, "/v1/messages"), &body);
    request.bearer_auth(&app.organization.key).send().await.expect("an answer")
}

/// Reads until a text has come.
async fn read_until(response: &mut reqwest::Response, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let chunk =
            response.chunk().await.expect("a chunk").unwrap_or_else(|| panic!("no {wanted} in {text}"));
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    text
}

/// The answer to a stream if its provider plays the script only after the response has begun.
async fn slow(app: &App, fake: &FakeProvider, script: Script) -> Answer {
    let gate = Gate::new();
    fake.always(Script::new().wait_until(&gate).then(script));
    let mut response = begun(app).await;
    assert_eq!(response.headers()["x-failsoft-committed"], "keepalive");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut text = response.chunk().await.expect("a chunk").expect("a ping").to_vec();
    gate.open();
    while let Some(chunk) = response.chunk().await.expect("a chunk") {
        text.extend_from_slice(&chunk);
    }
    Answer { status, headers, body: text.into() }
}
