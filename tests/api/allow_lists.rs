//! Allow-lists of keys name models: the names follow a rename, and end with the model.

use std::time::Duration;

use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::{Role, Scope};
use failsoft::store::AuditFilter;
use failsoft::store::pagination::Direction;
use reqwest::Method;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{App, chat_body, eventually, with_json};
use crate::support::browser::Browser;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::management::items;
use crate::support::on_both_databases;

const KEYS: &str = "/v1/identity/api-keys";
const MODELS: &str = "/v1/model-router/models";

async fn key(app: &App, name: &str, models: Option<&[&str]>) -> String {
    let names = models.map(|models| models.iter().map(|name| (*name).to_owned()).collect());
    app.organization
        .key_like(&[Scope::Inference], |key| (key.name, key.models) = (name.to_owned(), names))
        .await
}

async fn status(app: &App, key: &str, model: &str) -> u16 {
    let request =
        with_json(app.request(Method::POST, "/v1/chat/completions"), &chat_body(&json!({"model": model})));
    app.call(request, key).await.status
}

async fn lists(app: &App) -> Value {
    let mut rows = items(app, KEYS).await;
    rows.retain(|row| !row["models"].is_null());
    rows.sort_by_key(|row| row["name"].to_string());
    rows.iter().map(|row| json!([row["name"], row["models"]])).collect()
}

async fn delete(app: &App, model: Uuid) {
    assert_eq!(app.delete(&format!("{MODELS}/{model}")).await.status, 204);
}

/// What the audit log says of keys, newest first: action, name, list before, list after, request.
async fn audited(app: &App) -> Vec<(String, Value, Value, Option<String>)> {
    let page = app.organization.store.audit_page(&AuditFilter::default(), Direction::First, 100).await;
    let entries = page.expect("the audit").items.into_iter();
    let of_keys = entries.filter(|entry| matches!(entry.action.as_str(), "api_key.change" | "model.delete"));
    let list = |row: &Option<Value>| row.as_ref().map_or(Value::Null, |row| row["models"].clone());
    of_keys
        .map(|entry| {
            (
                format!("{} {}", entry.action, entry.resource_name),
                list(&entry.before),
                list(&entry.after),
                entry.request_id.map(|id| id.to_string()),
            )
        })
        .collect()
}

on_both_databases! {
    async fn a_new_model_of_an_old_name_is_on_no_old_list(app: App) {
        let fake = FakeProvider::start().await;
        fake.always(Script::answer("Hi"));
        let provider = app.organization.provider("fake", &fake).await;
        let old = app.organization.model("a", provider).await;
        app.organization.model("b", provider).await;
        let (only, both, all) = (key(&app, "only", Some(&["a"])).await, key(&app, "two", Some(&["b", "a"])).await, key(&app, "x", None).await);
        let other = app.beside(|_| {}).await;
        assert_eq!(status(&app, &only, "a").await, 200);

        delete(&app, old).await;
        assert_eq!(lists(&app).await, json!([["only", []], ["two", ["b"]]]));
        let entries = audited(&app).await;
        let expected = [
            ("model.delete a", Value::Null, Value::Null),
            ("api_key.change two", json!(["b", "a"]), json!(["b"])),
            ("api_key.change only", json!(["a"]), json!([])),
        ];
        for (action, before, after) in &expected {
            let found = entries.iter().find(|entry| entry.0 == *action).unwrap_or_else(|| panic!("{action}: {entries:?}"));
            assert_eq!((&found.1, &found.2), (before, after), "{action}");
            // They are parts of one change.
            assert_eq!(found.3, entries[0].3, "{action}");
        }
        // An empty list allows nothing, not everything.
        assert_eq!(status(&app, &only, "b").await, 403);
        let seen = app.call(app.request(Method::GET, "/v1/models"), &only).await.json();
        assert_eq!(seen["data"], json!([]));

        app.organization.model("a", provider).await;
        assert_eq!(lists(&app).await, json!([["only", []], ["two", ["b"]]]));
        for app in [&app, &other] {
            // The other process learns of the new model and of the lists at once. Without the model, this was a 404.
            eventually(async || (status(app, &only, "a").await == 403).then_some(())).await;
            assert_eq!(status(app, &all, "a").await, 200);
            assert_eq!((status(app, &only, "a").await, status(app, &only, "b").await), (403, 403));
            assert_eq!((status(app, &both, "a").await, status(app, &both, "b").await), (403, 200));
        }
        let third = app.beside(|_| {}).await;
        assert_eq!(status(&third, &only, "a").await, 403);
    }

    async fn a_key_whose_models_are_gone_can_be_renamed_and_still_uses_none(app: App) {
        let fake = FakeProvider::start().await;
        fake.always(Script::answer("Hi"));
        let provider = app.organization.provider("fake", &fake).await;
        let a = app.organization.model("a", provider).await;
        app.organization.model("b", provider).await;
        // It is the newest key of the list.
        app.clock.advance(Duration::from_secs(1));
        let secret = key(&app, "k", Some(&["a"])).await;
        let browser = Browser::logged_in(&app, &app.organization.member(Role::Owner).await).await;
        let confirm = browser.get(&format!("/models/{a}/delete")).await.expect(200);
        assert!(confirm.shows("1 key names it in the list of models (k); it is removed there."), "{}", confirm.html);
        delete(&app, a).await;
        let path = browser.get("/keys").await.link("/keys/0");
        assert!(browser.get(&path).await.expect(200).shows("<dd>none</dd>"));
        let fields = [("name", "renamed"), ("scopes", "inference"), ("which", "some")];
        browser.submit(&path, &path, &fields).await.leads_to(&path);
        assert_eq!(lists(&app).await, json!([["renamed", []]]));
        assert_eq!((status(&app, &secret, "a").await, status(&app, &secret, "b").await), (404, 403));
        // What was read can be sent back. A new key names at least one model.
        let row = items(&app, KEYS).await.into_iter().find(|row| row["name"] == "renamed").expect("the key");
        let back = app.patch(&format!("{KEYS}/{}", row["id"].as_str().expect("an id")), &row).await;
        assert_eq!((back.status, &back.json()["models"]), (200, &json!([])), "{}", back.text());
        let new = app.post(KEYS, &json!({"name": "n", "scopes": ["inference"], "models": []})).await;
        assert_eq!(new.status, 422, "{}", new.text());
        // Only the choice of all models widens it.
        browser.submit(&path, &path, &[("name", "renamed"), ("scopes", "inference"), ("which", "")]).await.leads_to(&path);
        assert_eq!((lists(&app).await, status(&app, &secret, "b").await), (json!([]), 200));
    }

    async fn a_refused_deletion_changes_no_list(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let model = app.organization.model("a", provider).await;
        app.organization.model("b", provider).await;
        app.organization.fallback("b", FallbackType::General, &["a"]).await;
        key(&app, "k", Some(&["a"])).await;
        assert_eq!(app.delete(&format!("{MODELS}/{model}")).await.status, 409);
        assert_eq!(lists(&app).await, json!([["k", ["a"]]]));
    }

    /// Releases before left the names of deleted models in the lists.
    async fn a_name_that_a_list_has_without_a_model_means_no_later_model(app: App) {
        let fake = FakeProvider::start().await;
        fake.always(Script::answer("Hi"));
        let provider = app.organization.provider("fake", &fake).await;
        let a = app.organization.model("a", provider).await;
        let b = app.organization.model("b", provider).await;
        let (one, two) = (key(&app, "one", Some(&["a"])).await, key(&app, "two", Some(&["a", "b"])).await);
        let dangling = "UPDATE api_keys SET models = '[\"gone\", \"lost\"]' WHERE name = 'one'";
        app.database().await.execute_unprepared(dangling).await.expect("written");

        app.organization.model("gone", provider).await;
        assert_eq!(lists(&app).await, json!([["one", ["lost"]], ["two", ["a", "b"]]]));
        assert_eq!(status(&app, &one, "gone").await, 403);
        // A rename takes a name, too, and the lists that mean the model follow.
        assert_eq!(app.patch(&format!("{MODELS}/{b}"), &json!({"name": "lost"})).await.status, 200);
        assert_eq!(lists(&app).await, json!([["one", []], ["two", ["a", "lost"]]]));
        assert_eq!((status(&app, &one, "lost").await, status(&app, &two, "lost").await), (403, 200));
        // Another model takes the name that the first one leaves.
        assert_eq!(app.patch(&format!("{MODELS}/{a}"), &json!({"name": "b"})).await.status, 200);
        assert_eq!(lists(&app).await, json!([["one", []], ["two", ["b", "lost"]]]));
        app.organization.model("a", provider).await;
        assert_eq!(status(&app, &two, "a").await, 403);
    }
}
