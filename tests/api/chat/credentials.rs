//! Authentication: one valid, active key with the scope. Nothing of a refused request is read or stored.

use std::time::Duration;

use chrono::TimeDelta;
use failsoft::auth::api::api_key;
use failsoft::domain::permission::Scope;
use failsoft::store::pagination::PageRequest;
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::app::{App, beginning, chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

fn chat(app: &App) -> RequestBuilder {
    with_json(app.request(Method::POST, "/v1/chat/completions"), &chat_body(&json!({"model": "a"})))
}

async fn refused(app: &App, request: RequestBuilder) -> (u16, Value) {
    let answer = app.send(request).await;
    let error = answer.json()["error"].clone();
    for member in ["message", "type", "param", "code"] {
        assert!(error.get(member).is_some(), "{member}: {error}");
    }
    assert_eq!(answer.header("x-should-retry"), "false");
    (answer.status, error["code"].clone())
}

on_both_databases! {
    async fn a_key_is_taken_from_either_header(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let key = app.organization.key.clone();
        for request in [
            chat(&app).bearer_auth(&key),
            chat(&app).header("x-api-key", &key),
            chat(&app).header("authorization", format!("bearer {key}")),
            chat(&app).header("x-api-key", &key).bearer_auth(&key),
            chat(&app).header("x-api-key", &key).header("x-api-key", &key),
        ] {
            assert_eq!(app.send(request).await.status, 200);
        }
    }

    async fn any_other_credential_is_401_and_no_provider_is_called(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let key = app.organization.key.clone();
        let other = app.organization.key_with(&[Scope::Inference]).await;
        let unknown = api_key::generate().expect("random bytes").key.expose_secret().to_owned();
        let mut mistyped = key.clone();
        mistyped.replace_range(20..21, if &key[20..21] == "x" { "y" } else { "x" });
        for (name, request) in [
            ("none", chat(&app)),
            ("empty", chat(&app).header("x-api-key", "")),
            ("not ours", chat(&app).bearer_auth("sk-123")),
            ("bad checksum", chat(&app).bearer_auth(&mistyped)),
            ("never issued", chat(&app).bearer_auth(&unknown)),
            ("another scheme", chat(&app).basic_auth(&key, None::<&str>)),
            ("no scheme", chat(&app).header("authorization", &key)),
            ("two keys", chat(&app).header("x-api-key", &key).bearer_auth(&other)),
            ("a key and rubbish", chat(&app).header("x-api-key", &key).bearer_auth("sk-123")),
            ("rubbish and a key", chat(&app).header("x-api-key", "sk-123").bearer_auth(&key)),
            ("the same header twice", chat(&app).header("x-api-key", &key).header("x-api-key", &other)),
            ("in the query", with_json(app.request(Method::POST, &format!("/v1/chat/completions?api_key={key}")), &chat_body(&json!({"model": "a"})))),
        ] {
            assert_eq!(refused(&app, request).await, (401, json!("invalid_api_key")), "{name}");
        }
        assert_eq!(fake.served(), 0);
        assert!(app.requests(0).await.is_empty());
    }

    async fn a_key_without_the_scope_is_403(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| *scope != Scope::Inference).collect();
        let key = app.organization.key_with(&scopes).await;
        for request in [
            chat(&app),
            app.request(Method::GET, "/v1/models"),
            app.request(Method::GET, "/v1/models/a"),
        ] {
            assert_eq!(refused(&app, request.bearer_auth(&key)).await, (403, json!("missing_scope")));
        }
        assert_eq!(fake.served(), 0);
    }

    async fn a_key_ends_by_the_clock(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let end = beginning() + TimeDelta::seconds(60);
        let key = app.organization.key_like(&[Scope::Inference], |new| new.expires_at = Some(end)).await;
        app.clock.advance(Duration::from_micros(59_999_999));
        assert_eq!(app.call(chat(&app), &key).await.status, 200);
        app.clock.advance(Duration::from_micros(1));
        assert_eq!(refused(&app, chat(&app).bearer_auth(&key)).await, (401, json!("invalid_api_key")));
    }

    async fn a_revoked_key_is_refused_at_once(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let key = app.organization.key_with(&[Scope::Inference]).await;
        assert_eq!(app.call(chat(&app), &key).await.status, 200);
        let newest = PageRequest { limit: 1, cursor: None };
        let id = app.organization.store.api_key_list(&newest).await.expect("keys").items[0].id;
        app.organization.store.api_key_revoke(id).await.expect("revoked");
        assert_eq!(refused(&app, chat(&app).bearer_auth(&key)).await, (401, json!("invalid_api_key")));
        assert_eq!(fake.served(), 1);
    }

    async fn the_key_is_looked_at_before_the_body(app: App) {
        let mut caller = Raw::connect(app.address).await;
        caller.head("fsk_wrong", &["content-length: 1000000"]).await;
        let text = caller.read_until("invalid_api_key").await;
        assert!(text.starts_with("HTTP/1.1 401"), "{text}");
    }
}
