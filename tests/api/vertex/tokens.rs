//! Access tokens of a service account: made once, renewed ahead, and made once more after a refusal.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use super::{
    EMAIL, Google, KEY_ID, PROVIDERS, bearer, granted, key_file, message, message_with, sent_with, token,
};
use crate::support::app::{beginning, eventually};
use crate::support::fake_provider::{FakeProvider, Gate, Received, Script};
use crate::support::on_both_databases;

const PUBLIC: &str = include_str!("../support/service_account/public.pem");

/// The claims of a signed request for a token, after its signature was checked.
fn claims(received: &Received) -> Value {
    let form = String::from_utf8(received.body.clone()).expect("a form");
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    let signed = form.strip_prefix(grant).expect("the grant");
    let lines: String = PUBLIC.lines().filter(|line| !line.starts_with('-')).collect();
    let key = DecodingKey::from_rsa_der(&STANDARD.decode(lines).expect("base64"));
    let mut rules = Validation::new(Algorithm::RS256);
    rules.validate_exp = false;
    rules.validate_aud = false;
    let read = decode::<Value>(signed, &key, &rules).expect("a valid signature");
    assert_eq!(read.header.kid.as_deref(), Some(KEY_ID));
    read.claims
}

/// Google's answer to a call with a token that it does not accept.
fn unauthorized() -> Script {
    let message = "Request had invalid authentication credentials. Expected OAuth 2 access token.";
    Script::json(401, &json!({"error": {"code": 401, "message": message, "status": "UNAUTHENTICATED"}}))
}

on_both_databases! {
    async fn one_token_serves_many_requests(app: App) {
        let google = Google::arrange(&app).await;
        google.tokens.next(granted(1));
        google.vertex.always(Script::message("Hi"));
        for _ in 0..3 {
            assert_eq!(message(&app, &json!({})).await.status, 200);
            app.clock.advance(Duration::from_secs(600));
        }
        assert_eq!(google.tokens.served(), 1);
        assert!(google.vertex.requests().iter().all(|call| sent_with(call) == bearer(1)));
        let asked = google.tokens.request(0).await;
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/token"));
        assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!((asked.header("authorization"), asked.header("via")), (None, None));
        let now = beginning().timestamp();
        let expected = json!({
            "iss": EMAIL, "scope": "https://www.googleapis.com/auth/cloud-platform", "iat": now, "exp": now + 3_600,
            "aud": format!("http://{}/token", google.tokens.address()),
        });
        assert_eq!(claims(&asked), expected);
        // A name is no reason for another token, and neither is another location of the same server.
        let base = format!("http://{}/v1/projects/p-1/locations/global", google.vertex.address());
        let changed = app.patch(&format!("{PROVIDERS}/{}", google.id), &json!({"name": "renamed", "base_url": base})).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        assert_eq!(message(&app, &json!({})).await.status, 200);
        let moved = google.vertex.requests().pop().expect("a call");
        assert!(moved.path.contains("/locations/global/") && sent_with(&moved) == bearer(1), "{}", moved.path);
        assert_eq!(google.tokens.served(), 1);
        // Another key file is.
        let mut other = key_file(&format!("http://{}/token", google.tokens.address()));
        other["client_email"] = json!("other@p-1.iam.gserviceaccount.com");
        let changed = app.patch(&format!("{PROVIDERS}/{}", google.id), &json!({"credential": other.to_string()})).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        google.tokens.next(granted(2));
        assert_eq!(message(&app, &json!({})).await.status, 200);
        assert_eq!(sent_with(&google.vertex.requests().pop().expect("a call")), bearer(2));
    }

    async fn requests_wait_for_the_token_that_is_being_made(app: App) {
        let google = Google::arrange(&app).await;
        let gate = Gate::new();
        google.tokens.next(Script::new().wait_until(&gate).then(granted(1)));
        google.vertex.always(Script::message("Hi"));
        let none = json!({});
        let requests = join_all((0..8).map(|_| message(&app, &none)));
        let opened = async {
            google.tokens.request(0).await;
            gate.open();
        };
        let (answers, ()) = tokio::join!(requests, opened);
        assert!(answers.iter().all(|answer| answer.status == 200));
        assert_eq!((google.tokens.served(), google.vertex.served()), (1, 8));
    }

    async fn the_next_token_is_made_before_the_end_of_one(app: App) {
        let google = Google::arrange(&app).await;
        google.tokens.next(granted(1));
        google.vertex.always(Script::message("Hi"));
        assert_eq!(message(&app, &json!({})).await.status, 200);
        app.clock.advance(Duration::from_secs(2_998));
        assert_eq!(message(&app, &json!({})).await.status, 200);
        assert_eq!(google.tokens.served(), 1);
        // Ten minutes before the end, calls go on with the old one, even if no other can be had.
        app.clock.advance(Duration::from_secs(1));
        google.tokens.next(Script::error(503, "unavailable", "try later"));
        assert_eq!(message(&app, &json!({})).await.status, 200);
        google.tokens.request(1).await;
        for _ in 0..3 {
            assert_eq!(message(&app, &json!({})).await.status, 200);
        }
        assert_eq!(google.tokens.served(), 2, "not with each call");
        app.clock.advance(Duration::from_secs(30));
        google.tokens.next(granted(2));
        assert_eq!(message(&app, &json!({})).await.status, 200);
        google.tokens.request(2).await;
        assert!(google.vertex.requests().iter().all(|call| sent_with(call) == bearer(1)));
        eventually(async || {
            assert_eq!(message(&app, &json!({})).await.status, 200);
            (sent_with(&google.vertex.requests().pop().expect("a call")) == bearer(2)).then_some(())
        })
        .await;
        assert_eq!(google.tokens.served(), 3);
    }

    async fn a_token_that_ended_is_not_used(app: App) {
        let google = Google::arrange(&app).await;
        google.vertex.always(Script::message("Hi"));
        for number in 1..=3 {
            google.tokens.next(granted(number));
            assert_eq!(message(&app, &json!({})).await.status, 200);
            assert_eq!(sent_with(&google.vertex.requests().pop().expect("a call")), bearer(number));
            // A minute before its end.
            app.clock.advance(Duration::from_secs(3_539));
        }
        assert_eq!(google.tokens.served(), 3);
    }

    async fn without_a_token_the_next_model_answers(app: App) {
        let google = Google::arrange(&app).await;
        let refused = |error: &str| Script::json(400, &json!({"error": error, "error_description": "Invalid JWT Signature."}));
        for (script, class) in [
            (refused("invalid_grant"), "authentication"),
            (Script::json(401, &json!({"error": "invalid_client", "error_description": "no"})), "authentication"),
            (Script::respond(404, &[], "<html>"), "authentication"),
            (Script::error(503, "unavailable", "try later"), "overloaded"),
            (Script::json(200, &json!({"id_token": "x"})), "invalid_response"),
            (Script::new().close(), "unavailable"),
        ] {
            google.tokens.next(script);
            let answer = message(&app, &json!({"models": ["b"]})).await;
            assert_eq!(answer.header("x-failsoft-fallback"), format!("from=a; class={class}; hops=1"), "{}", answer.text());
        }
        assert_eq!(google.vertex.served(), 0);
        // Alone, the caller gets no 401: its own key is good.
        google.tokens.next(refused("invalid_grant"));
        let answer = message(&app, &json!({})).await;
        assert_eq!(answer.status, 502, "{}", answer.text());
        let text = answer.text();
        assert!(text.contains("the service account got no access token") && text.contains("Invalid JWT Signature"), "{text}");
        let report = {
            google.tokens.next(refused("invalid_grant"));
            app.post(&format!("{PROVIDERS}/{}/test", google.id), &Value::Null).await.json()
        };
        assert_eq!((&report["ok"], &report["error_class"]), (&json!(false), &json!("authentication")), "{report}");
        // A token is all that was missing.
        google.tokens.next(granted(1));
        google.vertex.next(Script::message("Hi"));
        assert_eq!(message(&app, &json!({})).await.status, 200);
    }

    async fn a_token_service_that_hangs_takes_no_more_than_the_request_has(app: App) {
        let google = Google::arrange(&app).await;
        google.tokens.always(Script::new().hang());
        let answer = message_with(&app, "/v1/messages", &json!({"models": ["b"]}), &[("x-failsoft-deadline-ms", "1500")]).await;
        assert!(answer.status == 504 || answer.header("x-failsoft-model") == "b", "{}: {}", answer.status, answer.text());
    }

    async fn a_refused_token_is_made_once_more(app: App) {
        let google = Google::arrange(&app).await;
        google.tokens.next(granted(1));
        google.vertex.next(Script::message("Hi"));
        assert_eq!(message(&app, &json!({})).await.status, 200);
        // Revoked: the same call succeeds with another one, and nothing failed.
        google.vertex.judge(|call| (call.header("authorization") == Some(bearer(1).as_str())).then(unauthorized));
        google.vertex.always(Script::message("Hi"));
        google.tokens.next(granted(2));
        let answer = message(&app, &json!({"models": ["b"]})).await;
        assert_eq!(answer.header("x-failsoft-model"), "a", "{}", answer.text());
        assert!(app.events().await.is_empty());
        assert_eq!(app.requests(2).await[1]["attempts"].as_array().map(Vec::len), Some(1));
        let calls = google.vertex.requests();
        assert_eq!(calls[1..].iter().map(sent_with).collect::<Vec<_>>(), [bearer(1), bearer(2)]);
        assert_eq!(calls[1].body, calls[2].body);
        // One that is refused as well counts, and so does one that was made for the call.
        google.vertex.judge(|_| Some(unauthorized()));
        google.tokens.next(granted(3));
        let answer = message(&app, &json!({"models": ["b"]})).await;
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=authentication; hops=1", "{}", answer.text());
        assert_eq!((google.vertex.served(), google.tokens.served()), (5, 3));
        app.clock.advance(Duration::from_secs(3_600));
        google.tokens.next(granted(4));
        let answer = message(&app, &json!({"models": ["b"]})).await;
        assert_eq!(answer.header("x-failsoft-model"), "b", "{}", answer.text());
        assert_eq!((google.vertex.served(), google.tokens.served()), (6, 4));
        // Counts and tests of the connection do the same.
        let good = token(6);
        google.vertex.judge(move |call| (sent_with(call) != format!("Bearer {good}")).then(unauthorized));
        google.vertex.always(Script::json(200, &json!({"input_tokens": 1})));
        google.tokens.next(granted(6));
        assert_eq!(message_with(&app, "/v1/messages/count_tokens", &json!({}), &[]).await.status, 200);
        let good = token(7);
        google.vertex.judge(move |call| (sent_with(call) != format!("Bearer {good}")).then(unauthorized));
        google.vertex.always(Script::anthropic_error(400, "invalid_request_error", "messages: Field required"));
        google.tokens.next(granted(7));
        let report = app.post(&format!("{PROVIDERS}/{}/test", google.id), &Value::Null).await.json();
        assert_eq!(report["ok"], json!(true), "{report}");
    }

    async fn a_plain_token_is_sent_as_it_is(app: App) {
        let google = Google::arrange_with(&app, FakeProvider::start().await, &token(9)).await;
        google.vertex.next(Script::message("Hi"));
        assert_eq!(message(&app, &json!({})).await.status, 200);
        assert_eq!(sent_with(&google.vertex.request(0).await), bearer(9));
        google.vertex.next(unauthorized());
        let answer = message(&app, &json!({"models": ["b"]})).await;
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=authentication; hops=1");
        assert_eq!((google.vertex.served(), google.tokens.served()), (2, 0));
    }
}
