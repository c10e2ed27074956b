//! Two servers on one database: each follows the other's changes.

use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::Scope;
use failsoft::store::pagination::PageRequest;
use reqwest::Method;
use serde_json::json;

use crate::support::app::{App, chat_body, eventually, with_json};
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

async fn status(app: &App, key: &str) -> u16 {
    let body = chat_body(&json!({"model": "a"}));
    app.call(with_json(app.request(Method::POST, "/v1/chat/completions"), &body), key).await.status
}

on_both_databases! {
    async fn a_key_revoked_in_one_is_refused_by_the_other(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let key = app.organization.key_with(&[Scope::Inference]).await;
        let other = app.beside(|_| {}).await;
        assert_eq!((status(&app, &key).await, status(&other, &key).await), (200, 200));
        let store = &app.organization.store;
        let id = store.api_key_list(&PageRequest { limit: 1, cursor: None }).await.expect("keys").items[0].id;
        store.api_key_revoke(id).await.expect("revoked");
        assert_eq!(status(&app, &key).await, 401);
        eventually(async || (status(&other, &key).await == 401).then_some(())).await;
    }

    async fn a_list_and_a_model_made_in_one_serve_the_other(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("From b"));
        fake.always_for("a-upstream", Script::error(500, "server_error", "broken"));
        let other = app.beside(|_| {}).await;
        assert_eq!(other.chat(&json!({"model": "a"})).await.status, 502);
        let provider = app.organization.provider("later", &fake).await;
        app.organization.model("b", provider).await;
        app.organization.fallback("a", FallbackType::General, &["b"]).await;
        eventually(async || (other.chat(&json!({"model": "a"})).await.status == 200).then_some(())).await;
        // Both show what one has recorded.
        let rows = app.requests(2).await;
        assert_eq!(rows.len(), other.requests(2).await.len());
    }

    async fn a_server_that_stops_lets_its_streams_end_and_records_them(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let mut stopping = app.beside(|settings| settings.server.drain_seconds = 20).await;
        let gate = Gate::new();
        fake.next(Script::stream().text("Hel").wait_until(&gate).text("lo").finish("stop").usage(3, 2).done());
        let mut caller = Raw::connect(stopping.address).await;
        caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "stream": true}))).await;
        caller.read_until("Hel").await;
        let address = stopping.address;
        let stopped = tokio::spawn(async move { stopping.stop().await });
        // The port is closed while the answer continues.
        eventually(async || tokio::net::TcpStream::connect(address).await.is_err().then_some(())).await;
        gate.open();
        caller.read_until("[DONE]").await;
        stopped.await.expect("a clean stop");
        assert_eq!(app.requests(0).await[0]["outcome"], "answered");
    }
}
