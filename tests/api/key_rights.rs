//! A key with any limit lifts no limit of another key, of whatever kind: models, requests, expiry or money. Nor does it
//! widen the organization's budget.

use std::time::Duration;

use failsoft::domain::permission::Scope;
use failsoft::store::NewApiKey;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{App, beginning, chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const KEYS: &str = "/v1/identity/api-keys";
const BUDGETS: &str = "/v1/model-router/budgets";
const MANAGER: [Scope; 3] = [Scope::KeysManage, Scope::BudgetsManage, Scope::Inference];

async fn path_of(app: &App, key: &str) -> String {
    let who = app.call(app.request(Method::GET, "/v1/identity/whoami"), key).await.json();
    format!("{KEYS}/{}", who["api_key"]["id"].as_str().expect("an id"))
}

/// Limits the key at a path by a budget; the path of the budget.
async fn budget(app: &App, key: &str, period: &str) -> String {
    let id = key.rsplit('/').next();
    let answer = app
        .post(BUDGETS, &json!({"api_key_id": id, "period": period, "hard_limit_nano_dollars": 1_000_000}))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.header("location").to_owned()
}

async fn catalog(app: &App) -> FakeProvider {
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["a", "b"]).await;
    fake.always(Script::answer("Hi"));
    fake
}

fn later(days: i64) -> chrono::DateTime<chrono::Utc> {
    beginning() + chrono::TimeDelta::days(days)
}

/// A manager of keys and budgets for each kind of limit.
async fn limited(app: &App) -> Vec<(&'static str, String)> {
    let key = async |change: fn(&mut NewApiKey)| app.organization.key_like(&MANAGER, change).await;
    let (day, month) = (key(|_| {}).await, key(|_| {}).await);
    budget(app, &path_of(app, &day).await, "day").await;
    budget(app, &path_of(app, &month).await, "month").await;
    vec![
        ("models", key(|key| key.models = Some(vec!["a".to_owned()])).await),
        ("requests per minute", key(|key| key.requests_per_minute = Some(1_000)).await),
        ("requests at once", key(|key| key.concurrent_requests = Some(1_000)).await),
        ("expiry", key(|key| key.expires_at = Some(later(9))).await),
        ("day", day),
        ("month", month),
    ]
}

/// The status of a change.
async fn change(app: &App, key: &str, path: &str, body: &Value) -> u16 {
    app.call(with_json(app.request(Method::PATCH, path), body), key).await.status
}

async fn call(app: &App, key: &str, model: &str) -> u16 {
    let request = app.request(Method::POST, "/v1/chat/completions");
    app.call(with_json(request, &chat_body(&json!({"model": model}))), key).await.status
}

on_both_databases! {
    async fn a_key_with_any_limit_widens_no_budget_of_the_organization(app: App) {
        let _fake = catalog(&app).await;
        let limited = limited(&app).await;
        let free = app.organization.key_with(&MANAGER).await;
        let budget = async |key: &str, period: &str| {
            let body = json!({"period": period, "hard_limit_nano_dollars": 1_000});
            let request = with_json(app.request(Method::POST, BUDGETS), &body);
            let answer = app.call(request, key).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
            answer.header("location").to_owned()
        };
        // A new budget narrows, so each may make one.
        let paths = [budget(&limited[0].1, "day").await, budget(&limited[1].1, "month").await];
        let wider = [
            json!({"hard_limit_nano_dollars": 1_001}),
            json!({"hard_limit_nano_dollars": null, "soft_limit_nano_dollars": 1}),
        ];
        let before = app.get(BUDGETS).await.json();
        for (limit, key) in &limited {
            for path in &paths {
                for body in &wider {
                    assert_eq!(change(&app, key, path, body).await, 422, "{limit}: {body}");
                }
                let deleted = app.call(app.request(Method::DELETE, path), key).await;
                assert_eq!(deleted.status, 422, "{limit}: {}", deleted.text());
            }
        }
        assert_eq!(app.get(BUDGETS).await.json(), before);
        for (number, (limit, key)) in limited.iter().enumerate() {
            let body = json!({"hard_limit_nano_dollars": 999 - number, "soft_limit_nano_dollars": 1});
            assert_eq!(change(&app, key, &paths[0], &body).await, 200, "{limit}");
        }
        for body in &wider {
            assert_eq!(change(&app, &free, &paths[0], body).await, 200, "{body}");
        }
        assert_eq!(app.call(app.request(Method::DELETE, &paths[1]), &free).await.status, 204);
    }

    async fn a_key_with_any_limit_lifts_none_of_another_key(app: App) {
        let _fake = catalog(&app).await;
        let mate = app.organization.key_like(&[Scope::Inference], |key| {
            key.models = Some(vec!["a".to_owned()]);
            (key.requests_per_minute, key.concurrent_requests) = (Some(5), Some(1));
            key.expires_at = Some(later(2));
        }).await;
        let mate = path_of(&app, &mate).await;
        let budgets = [budget(&app, &mate, "day").await, budget(&app, &mate, "month").await];
        let wider = [
            json!({"models": ["a", "b"]}), json!({"models": null}),
            json!({"requests_per_minute": 6}), json!({"requests_per_minute": null}),
            json!({"concurrent_requests": 2}), json!({"concurrent_requests": null}),
            json!({"expires_at": later(3)}), json!({"expires_at": null}),
        ];
        let dearer = [
            json!({"hard_limit_nano_dollars": 1_000_001}),
            json!({"hard_limit_nano_dollars": null, "soft_limit_nano_dollars": 1}),
        ];
        let state = async || (app.get(&mate).await.json(), app.get(BUDGETS).await.json());
        let limited = limited(&app).await;
        let before = state().await;
        for (limit, key) in &limited {
            for body in &wider {
                let status = change(&app, key, &mate, body).await;
                assert!(matches!(status, 403 | 422), "{limit}: {body}: {status}");
            }
            for path in &budgets {
                for body in &dearer {
                    assert_eq!(change(&app, key, path, body).await, 422, "{limit}: {body}");
                }
                assert_eq!(app.call(app.request(Method::DELETE, path), key).await.status, 422, "{limit}");
            }
        }
        assert_eq!(state().await, before);
        // Each may narrow, and what has no limit may do all of it.
        for (number, (limit, key)) in limited.iter().enumerate() {
            let amount = 999_999 - number;
            assert_eq!(change(&app, key, &mate, &json!({"expires_at": later(2), "name": limit})).await, 200, "{limit}");
            for path in &budgets {
                assert_eq!(change(&app, key, path, &json!({"hard_limit_nano_dollars": amount})).await, 200, "{limit}");
            }
        }
        assert_eq!(change(&app, &limited[0].1, &mate, &json!({"requests_per_minute": 4})).await, 200);
        let free = app.organization.key_with(&MANAGER).await;
        for body in &wider {
            assert_eq!(change(&app, &free, &mate, body).await, 200, "{body}");
        }
        for path in &budgets {
            for body in &dearer {
                assert_eq!(change(&app, &free, path, body).await, 200, "{body}");
            }
            assert_eq!(app.call(app.request(Method::DELETE, path), &free).await.status, 204);
        }
    }

    async fn a_key_with_any_limit_brings_back_no_expired_key(app: App) {
        let _fake = catalog(&app).await;
        let limited = limited(&app).await;
        let expired = app.organization.key_like(&[Scope::Inference], |key| key.expires_at = Some(later(1))).await;
        let path = path_of(&app, &expired).await;
        assert_eq!(call(&app, &expired, "b").await, 200);
        app.clock.advance(Duration::from_secs(2 * 86_400));
        assert_eq!(call(&app, &expired, "b").await, 401);
        for (limit, key) in &limited {
            for end in [json!(null), json!(later(8))] {
                let body = json!({"expires_at": end});
                assert_eq!(change(&app, key, &path, &body).await, 422, "{limit}: {body}");
            }
        }
        assert_eq!(call(&app, &expired, "b").await, 401);
        let free = app.organization.key_with(&MANAGER).await;
        assert_eq!(change(&app, &free, &path, &json!({"expires_at": null})).await, 200);
        assert_eq!(call(&app, &expired, "b").await, 200);
    }
}
