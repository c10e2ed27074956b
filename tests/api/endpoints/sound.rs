//! `POST /v1/audio/speech`: sound passes as it comes, once its first bytes have arrived.

use failsoft::domain::operation::ModelKind;
use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::{pair, with};
use crate::support::app::with_json;
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;

const PATH: &str = "/v1/audio/speech";
/// An error as vendors send it in place of an answer.
const BUSY: &str = r#"{"error":{"message":"busy","code":503}}"#;
const SOUND: &[u8] = b"\xff\xf3\x84\x00sound\x00";

fn body(more: &Value) -> Value {
    with(&json!({"input": "Hello", "voice": "alloy", "speed": 1.5}), "speech-one", more)
}

/// A response of sound in chunks, without its end.
fn begun() -> Script {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n";
    Script::new().send(head).chunk(SOUND)
}

on_both_databases! {
    async fn sound_passes_as_it_comes(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Speech).await;
        let gate = Gate::new();
        fake.next(begun().wait_until(&gate).chunk(b"rest").end());
        let request = with_json(app.request(Method::POST, PATH), &body(&json!({})));
        let response = request.bearer_auth(&app.organization.key).send().await.expect("a response");
        assert_eq!(response.headers()["content-type"], "audio/mpeg");
        let mut bytes = response.bytes_stream();
        // The rest is not there yet.
        assert_eq!(bytes.next().await.expect("bytes").expect("sound"), SOUND);
        gate.open();
        assert_eq!(bytes.next().await.expect("bytes").expect("sound"), "rest");
        assert!(bytes.next().await.is_none());
        let sent = fake.request(0).await;
        assert_eq!((sent.path.as_str(), sent.header("accept")), (PATH, Some("*/*")));
        assert_eq!(sent.json(), with(&body(&json!({})), "speech-one-upstream", &json!({})));
        let row = app.requests(1).await.remove(0);
        assert_eq!((&row["invocation_type"], &row["outcome"]), (&json!("speech"), &json!("answered")));
        assert_eq!(row["cost_nano_dollars"], Value::Null, "its provider counts no tokens");
    }

    async fn until_the_first_bytes_the_next_model_takes_over(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Speech).await;
        fake.always_for("speech-two-upstream", Script::respond(200, &[("content-type", "audio/mpeg")], SOUND));
        for (script, class) in [
            (Script::error(503, "overloaded", "too busy"), "overloaded"),
            (Script::json(200, &json!({"error": {"message": "busy", "code": 503}})), "overloaded"),
            (Script::json(200, &json!({"status": "ok"})), "invalid_response"),
            (Script::respond(200, &[("content-type", "audio/mpeg")], ""), "invalid_response"),
            (Script::respond(200, &[("content-type", "text/html")], "<html>"), "invalid_response"),
            (Script::respond(200, &[("content-type", "audio/mpeg")], "<!DOCTYPE html>\n<p>Sign in"), "invalid_response"),
            (Script::respond(200, &[("content-type", "audio/mpeg")], r#"{"error": {"message": "busy", "code": 503}}"#), "overloaded"),
            (Script::new().send("HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 9\r\n\r\n").close(), "invalid_response"),
            // The bytes decide, whatever the content type says.
            (Script::respond(200, &[("content-type", "audio/mpeg")], BUSY), "overloaded"),
            (Script::respond(200, &[("content-type", "audio/mpeg")], BUSY).trickled(), "overloaded"),
            (Script::respond(200, &[("content-type", "application/octet-stream")], format!("\n[{BUSY}]")), "overloaded"),
            (Script::respond(200, &[], BUSY), "overloaded"),
            (Script::respond(200, &[("content-type", "audio/mpeg")], "<!DOCTYPE html><title>Sorry</title>"), "invalid_response"),
            (Script::respond(200, &[("content-type", "audio/mpeg")], "Internal Server Error"), "invalid_response"),
            (Script::respond(200, &[("content-type", "audio/mpeg")], format!("data: {BUSY}\n\n")), "overloaded"),
            // Without a sample.
            (Script::respond(200, &[("content-type", "audio/wav")], b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0data\0\0\0\0"), "invalid_response"),
        ] {
            fake.next_for("speech-one-upstream", script);
            let answer = app.post(PATH, &body(&json!({"models": ["speech-two"]}))).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "speech-two"), "{}", answer.text());
            assert_eq!(answer.body, SOUND);
            let event = app.events().await.pop().expect("an event");
            assert_eq!((&event["error_class"], &event["next_model"]), (&json!(class), &json!("speech-two")), "{event}");
        }
        let failed = app.post(PATH, &body(&json!({"mock_testing_fallbacks": true}))).await;
        assert_eq!((failed.status, failed.header("content-type")), (502, "application/json"), "{}", failed.text());
    }

    async fn an_unknown_voice_is_of_the_request(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Speech).await;
        let unknown = json!({"detail": {"status": "voice_not_found", "message": "A voice with the voice_id 'x' was not found."}});
        fake.always(Script::json(404, &unknown));
        for turn in 1..8 {
            let answer = app.post(PATH, &body(&json!({"voice": "x", "speed": turn}))).await;
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (400, "1"), "{turn}: {}", answer.text());
            assert!(answer.text().contains("voice_id 'x' was not found"), "{}", answer.text());
            let event = app.events().await.pop().expect("an event");
            assert_eq!((&event["error_class"], &event["matched_rule"]), (&json!("invalid_request"), &json!("phrase:unknown_value")), "{event}");
        }
        fake.always(Script::respond(200, &[("content-type", "audio/mpeg")], SOUND));
        assert_eq!(app.post(PATH, &body(&json!({}))).await.status, 200);
    }

    async fn sound_that_begins_like_a_text_passes(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Speech).await;
        let sound = b"{[<\x00\x01sound".as_slice();
        for (declared, shown) in [("audio/pcm; rate=24000", "audio/pcm; rate=24000"), ("application/json", "application/octet-stream")] {
            let whole = Script::respond(200, &[("content-type", declared)], sound);
            for script in [whole.clone(), whole.trickled()] {
                fake.next(script);
                let answer = app.post(PATH, &body(&json!({"models": ["speech-two"]}))).await;
                assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "speech-one"), "{}", answer.text());
                assert_eq!((&answer.body[..], answer.header("content-type")), (sound, shown));
            }
        }
    }

    async fn sound_may_begin_like_a_text(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Speech).await;
        // Samples of 16 bits may have any bytes.
        let samples: &[u8] = b"{\x22<!\x03\x00\xf0\xffABCDEFGH";
        fake.next(Script::respond(200, &[("content-type", "audio/pcm")], samples));
        let answer = app.post(PATH, &body(&json!({"response_format": "pcm"}))).await;
        assert_eq!((answer.status, &answer.body[..]), (200, samples));
    }

    async fn sound_that_breaks_off_ends_the_response(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Speech).await;
        fake.next(begun().close());
        let request = with_json(app.request(Method::POST, PATH), &body(&json!({"models": ["speech-two"]})));
        let response = request.bearer_auth(&app.organization.key).send().await.expect("a response");
        assert!(response.bytes().await.is_err(), "a caller must see that something is missing");
        let row = app.requests(1).await.remove(0);
        assert_eq!((&row["outcome"], &row["served_model"]), (&json!("interrupted"), &json!("speech-one")));
        assert_eq!(app.events().await.len(), 1);
    }
}
