//! `POST /v1/audio/transcriptions` and `/v1/audio/translations`: forms with a recording.

use failsoft::domain::operation::ModelKind;
use reqwest::Method;
use serde_json::{Value, json};

use super::{pair, with};
use crate::support::app::{Answer, App};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::forms::with_form;
use crate::support::on_both_databases;

const PATH: &str = "/v1/audio/transcriptions";

/// Sends a form with `more` in it.
async fn hear(app: &App, path: &str, more: &Value) -> Answer {
    let fields = with(&json!({"file": "\r\nsound\r\n", "language": "en"}), "transcription-one", more);
    app.call(with_form(app.request(Method::POST, path), &fields), &app.organization.key).await
}

const FORM: &str = "multipart/form-data; boundary=FORM";
const MODEL: (&str, &str) = ("name=\"model\"", "transcription-one");
const RECORDING: (&str, &str) = ("name=\"file\"; filename=\"a.mp3\"", "sound");

/// Sends a form of these parts, each with the end of its `Content-Disposition` and its content, under these content types.
async fn send(app: &App, kinds: &[&str], parts: &[(&str, &str)]) -> Answer {
    let field = |(head, text): &(&str, &str)| {
        format!("--FORM\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n")
    };
    let body: String = parts.iter().map(field).collect();
    let request = app.request(Method::POST, PATH).body(format!("{body}--FORM--\r\n"));
    let request = kinds.iter().fold(request, |request, kind| request.header("content-type", *kind));
    app.call(request, &app.organization.key).await
}

on_both_databases! {
    async fn a_form_passes_with_the_providers_name_of_the_model(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Transcription).await;
        for (number, (path, kind)) in [(PATH, "transcription"), ("/v1/audio/translations", "translation")].into_iter().enumerate() {
            fake.next(Script::json(200, &json!({"text": "Hello", "usage": {"type": "duration", "seconds": 3}})));
            let answer = hear(&app, path, &json!({"num_retries": 0, "session_id": "s-1"})).await;
            assert_eq!((answer.status, &answer.json()["text"]), (200, &json!("Hello")), "{}", answer.text());
            let sent = fake.request(number).await;
            assert_eq!(sent.path, path);
            assert_eq!(sent.header("content-type"), Some("multipart/form-data; boundary=\"FORM\""));
            let text = String::from_utf8(sent.body).expect("a text");
            assert!(text.contains("name=\"model\"\r\n\r\ntranscription-one-upstream\r\n"), "{text}");
            assert!(text.contains("\r\n\r\n\r\nsound\r\n\r\n--FORM"), "{text}");
            assert!(text.contains("name=\"language\"") && text.ends_with("--FORM--\r\n"), "{text}");
            assert!(!text.contains("num_retries") && !text.contains("session_id"), "{text}");
            let row = app.requests(number + 1).await.pop().expect("a row");
            assert_eq!((&row["endpoint"], &row["invocation_type"]), (&json!(path), &json!(kind)));
            assert_eq!((&row["cost_nano_dollars"], &row["session_ref"]), (&Value::Null, &json!("s-1")), "{row}");
        }
    }

    async fn the_next_model_gets_the_same_recording(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Transcription).await;
        for script in [
            Script::error(503, "overloaded", "too busy"),
            Script::json(200, &json!({"status": "ok"})),
            Script::respond(200, &[("content-type", "text/html")], "<html>"),
        ] {
            let before = fake.served();
            fake.next(script);
            let usage = json!({"type": "tokens", "input_tokens": 5, "output_tokens": 2, "total_tokens": 7});
            fake.next(Script::json(200, &json!({"text": "", "usage": usage})));
            let answer = hear(&app, PATH, &json!({"models": ["transcription-two"]})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "transcription-two"), "{}", answer.text());
            let sent = fake.requests();
            let second = String::from_utf8_lossy(&sent[before + 1].body).into_owned();
            assert!(second.contains("transcription-two-upstream") && second.contains("\r\nsound\r\n"), "{second}");
        }
        let row = app.requests(3).await.pop().expect("a row");
        assert_eq!((&row["input_tokens"], &row["cost_nano_dollars"]), (&json!(5), &json!(7_000)));
        let drilled = hear(&app, PATH, &json!({"mock_testing_fallbacks": true})).await;
        assert_eq!((drilled.status, &drilled.json()["error"]["code"]), (502, &json!("unavailable")));
    }

    async fn subtitles_and_streams_pass_as_they_are(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Transcription).await;
        let subtitles = "1\n00:00:00,000 --> 00:00:01,000\nHello {you}\n";
        fake.next(Script::respond(200, &[("content-type", "text/plain")], subtitles));
        let answer = hear(&app, PATH, &json!({"response_format": "srt"})).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, subtitles));
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        let done = json!({"type": "transcript.text.done", "text": "Hello", "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}});
        fake.next(Script::stream().event(&json!({"type": "transcript.text.delta", "delta": "Hel"})).event(&done).end());
        let streamed = hear(&app, PATH, &json!({"stream": true})).await;
        assert_eq!((streamed.status, streamed.events().len()), (200, 2), "{}", streamed.text());
        let row = app.requests(2).await.pop().expect("a row");
        assert_eq!((&row["invocation_type"], &row["cost_nano_dollars"]), (&json!("transcription_stream"), &json!(7_000)));
    }

    async fn an_error_in_place_of_a_transcript_is_a_failure(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Transcription).await;
        for (format, text, class) in [
            ("json", r#"{"text":"","success":false,"msg":"no"}"#, "unavailable"),
            ("json", r#"{"text":null,"code":503,"message":"busy"}"#, "overloaded"),
            ("text", r#"{"error":{"message":"busy","code":503}}"#, "overloaded"),
            ("text", r#" [{"error":{"message":"busy","code":503}}]"#, "overloaded"),
            ("text", "<html>", "invalid_response"),
            ("srt", "upstream connect error", "invalid_response"),
            ("vtt", "upstream connect error", "invalid_response"),
        ] {
            fake.next(Script::respond(200, &[("content-type", "text/plain")], text));
            fake.next(Script::json(200, &json!({"text": "Hello"})));
            let answer = hear(&app, PATH, &json!({"models": ["transcription-two"], "response_format": format})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "transcription-two"), "{text}: {}", answer.text());
            let event = app.events().await.pop().expect("an event");
            assert_eq!(event["error_class"], class, "{text}: {event}");
        }
        for (format, text) in [("text", "[Music]"), ("vtt", "WEBVTT\n\n"), ("srt", "1\n00:00:00,000 --> 00:00:01,000\nHi\n")] {
            fake.next(Script::respond(200, &[("content-type", "text/plain")], text));
            let answer = hear(&app, PATH, &json!({"response_format": format})).await;
            assert_eq!((answer.status, answer.text().as_str()), (200, text));
        }
    }

    async fn a_part_that_its_provider_may_read_as_the_model_is_refused(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Transcription).await;
        for (head, param) in [
            ("name=\"x\"; name=\"model\"", "model"),
            ("name=\"x\"; NAME=\"model\"", "model"),
            ("name=\"x\"\r\nContent-Disposition: form-data; name=\"model\"", "model"),
            ("name=\"Model\"", "model"),
            ("name=\"model \"", "model"),
            ("name='model'", "model"),
            ("name=\"model[]\"", "model"),
            ("name=\"model[0]\"", "model"),
            ("name=\"mod\\el\"", "model"),
            ("name=\"=?utf-8?B?bW9kZWw=?=\"", "model"),
            ("name*=utf-8''model", "model"),
            ("name=\"x\"; name*=utf-8''mod%65l", "model"),
            ("name=\"\u{ff4d}\u{ff4f}\u{ff44}\u{ff45}\u{ff4c}\"", "model"),
            ("name=\"stream[]\"", "stream"),
            ("name=\"stream\"; filename=\"a\"", "stream"),
            ("name=\"stream\"\r\nContent-Transfer-Encoding: base64", "stream"),
            ("name=\"Response.Format\"", "response_format"),
            ("name=\"N\"", "n"),
            ("name=\"file[]\"; filename=\"a.mp3\"", "file"),
        ] {
            let answer = send(&app, &[FORM], &[MODEL, RECORDING, (head, "dearer")]).await;
            let error = &answer.json()["error"];
            assert_eq!((answer.status, &error["code"], &error["param"]), (400, &json!("invalid_form"), &json!(param)), "{head}");
        }
        for twice in [MODEL, RECORDING, ("name=\"stream\"", "false")] {
            let answer = send(&app, &[FORM], &[MODEL, RECORDING, twice, twice]).await;
            assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!("duplicate_field")), "{twice:?}");
        }
        for kinds in [
            &["multipart/form-data; boundary=FORM; boundary=OTHER"][..],
            &["multipart/form-data; boundary=OTHER; boundary=FORM"],
            &["multipart/form-data; boundary*=utf-8''FORM"],
            &[FORM, "multipart/form-data; boundary=OTHER"],
            &[FORM, FORM],
        ] {
            let answer = send(&app, kinds, &[MODEL, RECORDING]).await;
            assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!("invalid_form")), "{kinds:?}");
        }
        assert_eq!(fake.served(), 0);
    }

    async fn what_is_no_form_is_refused(app: App) {
        let fake = FakeProvider::start().await;
        pair(&app, &fake, ModelKind::Transcription).await;
        app.organization.catalog(&fake, &["chat"]).await;
        let json = app.post(PATH, &json!({"model": "transcription-one", "file": "x"})).await;
        assert_eq!((json.status, &json.json()["error"]["code"]), (400, &json!("invalid_form")));
        let other = hear(&app, PATH, &json!({"model": "chat"})).await;
        assert_eq!((other.status, &other.json()["error"]["code"]), (400, &json!("wrong_model_kind")));
        let azure = app.request(Method::POST, "/openai/deployments/transcription-one/audio/transcriptions");
        fake.next(Script::json(200, &json!({"text": "Hello"})));
        let answer = app.call(with_form(azure, &json!({"file": "x"})), &app.organization.key).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(fake.served(), 1);
    }
}
