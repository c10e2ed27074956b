//! `/v1/identity/api-keys`.

use std::time::Duration;

use chrono::TimeDelta;
use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, beginning, with_json};
use crate::support::management::{assert_absent, assert_guarded, each, items, refusal, violation, walk};
use crate::support::on_both_databases;

const KEYS: &str = "/v1/identity/api-keys";
const WHOAMI: &str = "/v1/identity/whoami";

/// Creates a key over HTTP: its row, its path and the key itself.
async fn made(app: &App, body: &Value) -> (Value, String, String) {
    let answer = app.post(KEYS, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut row = answer.json();
    let key = row.as_object_mut().and_then(|row| row.remove("key")).expect("the key, this once");
    let path = format!("{KEYS}/{}", row["id"].as_str().expect("an id"));
    assert_eq!(answer.header("location"), path);
    (row, path, key.as_str().expect("a text").to_owned())
}

async fn status(app: &App, key: &str) -> u16 {
    app.call(app.request(Method::GET, WHOAMI), key).await.status
}

async fn post_as(app: &App, key: &str, body: &Value) -> Answer {
    app.call(with_json(app.request(Method::POST, KEYS), body), key).await
}

async fn patch_as(app: &App, key: &str, path: &str, body: &Value) -> Answer {
    app.call(with_json(app.request(Method::PATCH, path), body), key).await
}

async fn models(app: &App, names: &[&str]) {
    let provider = app.organization.provider_at("simulated", "simulated", None).await;
    for name in names {
        app.organization.model(name, provider).await;
    }
}

on_both_databases! {
    async fn a_key_lives_from_its_making_to_its_revocation(app: App) {
        models(&app, &["a", "b"]).await;
        let body = json!({
            "name": "shop", "scopes": ["inference", "drill"], "models": ["a"],
            "requests_per_minute": 1_000_000, "concurrent_requests": 100_000, "expires_at": "2024-10-05T02:00:00+02:00"
        });
        let (row, path, key) = made(&app, &body).await;
        assert_eq!(
            row,
            json!({
                "id": row["id"], "name": "shop", "scopes": ["inference", "drill"], "models": ["a"],
                "requests_per_minute": 1_000_000, "concurrent_requests": 100_000, "requests_per_day": null,
                "tokens_per_minute": null, "tokens_per_day": null, "model_limits": {},
                "expires_at": "2024-10-05T00:00:00Z",
                "prefix": &key[..8], "last_four": &key[36..], "last_used_at": null, "revoked_at": null,
                "created_at": row["created_at"], "updated_at": row["created_at"]
            })
        );
        assert!(key.starts_with("fsk_") && key.len() == 40);
        assert_eq!(app.get(&path).await.json(), row);
        assert!(!app.get(KEYS).await.text().contains(&key));

        // It works at once, and its use is recorded.
        app.clock.advance(Duration::from_secs(5));
        assert_eq!(status(&app, &key).await, 200);
        assert_eq!(app.get(&path).await.json()["last_used_at"], "2024-10-04T00:00:05Z");

        // A response may be sent back, and omitted members keep their value.
        let narrower = json!({"scopes": ["inference"], "models": null, "requests_per_minute": null,
                              "prefix": "x",
                              "revoked_at": "2024-10-04T00:00:00Z", "expires_at": null});
        let changed = app.patch(&path, &narrower).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let changed = changed.json();
        assert_eq!((&changed["scopes"], &changed["models"]), (&json!(["inference"]), &json!(null)));
        assert_eq!(
            (&changed["requests_per_minute"], &changed["concurrent_requests"]),
            (&json!(null), &json!(100_000))
        );
        assert_eq!((&changed["prefix"], &changed["revoked_at"]), (&row["prefix"], &json!(null)));
        assert_eq!((&changed["name"], &changed["expires_at"]), (&json!("shop"), &json!(null)));

        let revoked = app.delete(&path).await;
        assert_eq!((revoked.status, revoked.body.len()), (204, 0));
        assert_eq!(status(&app, &key).await, 401, "a revoked key is refused at once");
        assert_eq!(app.delete(&path).await.status, 204, "twice is the same");
        let row = app.get(&path).await.json();
        assert_eq!(row["revoked_at"], "2024-10-04T00:00:05Z");
        assert_eq!(refusal(&app.patch(&path, &json!({"name": "x"})).await), (409, "conflict".to_owned()));
        assert!(each(&items(&app, KEYS).await, "name").contains(&"shop".to_owned()));
    }

    async fn limits_and_lists_of_a_key_hold_at_once(app: App) {
        models(&app, &["a", "b"]).await;
        let (_, path, key) = made(&app, &json!({"name": "k", "scopes": ["inference"]})).await;
        let list = async |key: &str| {
            app.call(app.request(Method::GET, "/v1/models"), key).await.json()["data"].clone()
        };
        assert_eq!(list(&key).await.as_array().map(Vec::len), Some(2));
        app.patch(&path, &json!({"models": ["b"]})).await;
        let seen = list(&key).await;
        assert_eq!((seen.as_array().map(Vec::len), &seen[0]["id"]), (Some(1), &json!("b")));
        app.patch(&path, &json!({"scopes": ["router:read"]})).await;
        let refused = app.call(app.request(Method::GET, "/v1/models"), &key).await;
        assert_eq!(refused.status, 403);
        app.patch(&path, &json!({"expires_at": "2024-10-04T00:00:10Z"})).await;
        assert_eq!(status(&app, &key).await, 200);
        app.clock.advance(Duration::from_secs(10));
        assert_eq!(status(&app, &key).await, 401);
        // The date decides, even if it was wrong in the meantime.
        for (hours, expected) in [(-1, 200), (1, 401)] {
            app.clock.set_date_by(TimeDelta::hours(hours));
            assert_eq!(status(&app, &key).await, expected, "{hours}");
        }
    }

    async fn every_field_is_checked_and_named(app: App) {
        models(&app, &["a"]).await;
        let (row, path, _) = made(&app, &json!({"name": "k", "scopes": ["inference"]})).await;
        let before = items(&app, KEYS).await.len();
        for (member, value, named) in [
            ("name", json!(""), "name value_error"),
            ("name", json!("x".repeat(101)), "name value_error"),
            ("name", json!("a\u{0}b"), "name value_error"),
            ("name", json!(null), "name string_type"),
            ("scopes", json!([]), "scopes too_short"),
            ("scopes", json!("inference"), "scopes list_type"),
            ("scopes", json!(null), "scopes list_type"),
            ("scopes", json!(["inference", "admin"]), "scopes.1 literal_error"),
            ("scopes", json!([7]), "scopes.0 literal_error"),
            ("scopes", json!(["drill", "drill"]), "scopes.1 value_error"),
            ("models", json!(["a", "a"]), "models.1 value_error"),
            ("models", json!(["nobody"]), "models.0 value_error"),
            ("models", json!(["a", "nobody"]), "models.1 value_error"),
            ("models", json!([7]), "models.0 string_type"),
            ("models", json!("a"), "models list_type"),
            ("requests_per_minute", json!(0), "requests_per_minute value_error"),
            ("requests_per_minute", json!(1_000_001), "requests_per_minute value_error"),
            ("requests_per_minute", json!("9"), "requests_per_minute int_type"),
            ("concurrent_requests", json!(-1), "concurrent_requests value_error"),
            ("concurrent_requests", json!(100_001), "concurrent_requests value_error"),
            ("expires_at", json!("2024-10-04T00:00:00Z"), "expires_at value_error"),
            ("expires_at", json!("2024-10-04"), "expires_at datetime_parsing"),
            ("expires_at", json!(1_800_000_000), "expires_at string_type"),
            ("scope", json!("inference"), "scope extra_forbidden"),
            ("key", json!("fsk_mine"), "key extra_forbidden"),
        ] {
            let mut body = json!({"name": "k2", "scopes": ["inference"]});
            body[member] = value.clone();
            let made = violation(&app.post(KEYS, &body).await);
            assert_eq!(made, format!("body.{named}"), "{value}");
            let mut change = json!({});
            change[member] = value.clone();
            let changed = violation(&app.patch(&path, &change).await);
            assert_eq!(changed, format!("body.{named}"), "{value}");
        }
        // A change may repeat an empty list, which is what a key has after its models were deleted.
        let none = json!({"name": "k2", "scopes": ["inference"], "models": []});
        assert_eq!(violation(&app.post(KEYS, &none).await), "body.models too_short");
        assert_eq!(violation(&app.post(KEYS, &json!({"name": "k"})).await), "body.scopes missing");
        assert_eq!(violation(&app.post(KEYS, &json!({"scopes": ["drill"]})).await), "body.name missing");
        assert_eq!(items(&app, KEYS).await.len(), before);
        assert_eq!(app.get(&path).await.json(), row);
    }

    async fn a_key_gives_nothing_that_it_does_not_have(app: App) {
        let manager = app.organization.key_with(&[Scope::KeysManage, Scope::Inference]).await;
        let forbidden = (403, "forbidden".to_owned());
        let body = json!({"name": "mine", "scopes": ["inference", "router:manage"]});
        let answer = post_as(&app, &manager, &body).await;
        assert_eq!(refusal(&answer), forbidden);
        assert!(answer.text().contains("router:manage"), "{}", answer.text());
        let body = json!({"name": "mine", "scopes": ["inference", "keys:manage"]});
        assert_eq!(post_as(&app, &manager, &body).await.status, 201);

        // Neither for itself nor for others; another key may keep the rights that it has, and any right may be
        // removed.
        let who = app.call(app.request(Method::GET, WHOAMI), &manager).await.json();
        let own = format!("{KEYS}/{}", who["api_key"]["id"].as_str().expect("an id"));
        let wider = json!({"scopes": ["keys:manage", "inference", "drill"]});
        assert_eq!(refusal(&patch_as(&app, &manager, &own, &wider).await), forbidden);
        let (_, other, _) = made(&app, &json!({"name": "other", "scopes": ["router:read", "drill"]})).await;
        let wider = json!({"scopes": ["router:read", "router:manage"]});
        assert_eq!(refusal(&patch_as(&app, &manager, &other, &wider).await), forbidden);
        let shifted = json!({"scopes": ["router:read", "inference"], "name": "renamed"});
        let answer = patch_as(&app, &manager, &other, &shifted).await;
        assert_eq!((answer.status, &answer.json()["scopes"]), (200, &json!(["router:read", "inference"])));
        let back = json!({"scopes": ["router:read", "inference", "drill"]});
        assert_eq!(refusal(&patch_as(&app, &manager, &other, &back).await), forbidden);
        assert_eq!(app.get(&own).await.json()["scopes"], json!(["keys:manage", "inference"]));
    }

    async fn a_key_for_some_models_gives_no_others(app: App) {
        models(&app, &["a", "b"]).await;
        let scopes = [Scope::KeysManage, Scope::Inference];
        let some = |key: &mut failsoft::store::NewApiKey| key.models = Some(vec!["a".to_owned()]);
        let manager = app.organization.key_like(&scopes, some).await;
        let forbidden = (403, "forbidden".to_owned());
        let body = |models: Value| json!({"name": "k", "scopes": ["inference"], "models": models});
        assert_eq!(refusal(&post_as(&app, &manager, &body(json!(["a", "b"]))).await), forbidden);
        let all = post_as(&app, &manager, &body(json!(null))).await;
        assert_eq!(violation(&all), "body.models value_error");
        let unsaid = post_as(&app, &manager, &json!({"name": "k", "scopes": ["inference"]})).await;
        assert_eq!(violation(&unsaid), "body.models value_error");
        let made_key = post_as(&app, &manager, &body(json!(["a"]))).await;
        assert_eq!(made_key.status, 201, "{}", made_key.text());
        let path = format!("{KEYS}/{}", made_key.json()["id"].as_str().expect("an id"));
        let wider = patch_as(&app, &manager, &path, &json!({"models": ["a", "b"]})).await;
        assert_eq!(refusal(&wider), forbidden);
        let all = patch_as(&app, &manager, &path, &json!({"models": null})).await;
        assert_eq!(violation(&all), "body.models value_error");

        // A key for all models keeps them, but gets no new right to them.
        let (_, free, _) = made(&app, &json!({"name": "free", "scopes": ["router:read"]})).await;
        assert_eq!(
            patch_as(&app, &manager, &free, &json!({"name": "still free", "models": null})).await.status,
            200
        );
        let more = json!({"scopes": ["router:read", "inference"]});
        assert_eq!(violation(&patch_as(&app, &manager, &free, &more).await), "body.models value_error");
        let more = json!({"scopes": ["router:read", "inference"], "models": ["a"]});
        assert_eq!(patch_as(&app, &manager, &free, &more).await.status, 200);
    }

    async fn a_limited_key_frees_neither_itself_nor_another(app: App) {
        models(&app, &["a"]).await;
        let end = beginning() + chrono::TimeDelta::days(1);
        let limited = |key: &mut failsoft::store::NewApiKey| {
            (key.requests_per_minute, key.concurrent_requests, key.expires_at) = (Some(20), Some(2), Some(end));
        };
        let manager = app.organization.key_like(&[Scope::KeysManage, Scope::Inference], limited).await;
        let who = app.call(app.request(Method::GET, WHOAMI), &manager).await.json();
        let own = format!("{KEYS}/{}", who["api_key"]["id"].as_str().expect("an id"));
        let mate = json!({"name": "mate", "scopes": ["inference"], "requests_per_minute": 5,
                          "concurrent_requests": 1, "expires_at": "2024-10-04T12:00:00Z"});
        let (_, mate, _) = made(&app, &mate).await;
        // It may create keys that call no models, within its limits.
        let within = json!({"name": "child", "scopes": ["keys:manage"], "requests_per_minute": 20,
                            "concurrent_requests": 1, "expires_at": "2024-10-04T12:00:00Z"});
        let child = post_as(&app, &manager, &within).await;
        assert_eq!(child.status, 201, "{}", child.text());
        let child = format!("{KEYS}/{}", child.json()["id"].as_str().expect("an id"));
        let before = app.get(&own).await.json();
        for (field, value) in [
            ("requests_per_minute", json!(null)),
            ("requests_per_minute", json!(21)),
            ("concurrent_requests", json!(null)),
            ("concurrent_requests", json!(3)),
            ("expires_at", json!(null)),
            ("expires_at", json!("2024-10-06T00:00:00Z")),
        ] {
            let named = format!("body.{field} value_error");
            for path in [&own, &child, &mate] {
                assert_eq!(violation(&patch_as(&app, &manager, path, &json!({field: value})).await), named, "{value}");
            }
            let mut body = within.clone();
            body[field] = value.clone();
            assert_eq!(violation(&post_as(&app, &manager, &body).await), named, "{value}");
            // Omitted means unlimited, which is more than the calling key has.
            body.as_object_mut().expect("an object").remove(field);
            assert_eq!(violation(&post_as(&app, &manager, &body).await), named, "{value}");
        }
        assert_eq!(app.get(&own).await.json(), before);
        assert_eq!(items(&app, KEYS).await.len(), 4, "nothing was made");
        // Within its own limit, but still more in total: the other key's calls are not counted with its own.
        let raised = patch_as(&app, &manager, &mate, &json!({"requests_per_minute": 6})).await;
        assert_eq!(violation(&raised), "body.requests_per_minute value_error");
        assert_eq!(patch_as(&app, &manager, &mate, &json!({"requests_per_minute": 4})).await.status, 200);
        let narrower = json!({"requests_per_minute": 10, "name": "slower"});
        assert_eq!(patch_as(&app, &manager, &own, &narrower).await.status, 200);
        let back = patch_as(&app, &manager, &own, &json!({"requests_per_minute": 20})).await;
        assert_eq!(violation(&back), "body.requests_per_minute value_error");
    }

    /// One case for each limit. Several keys within it would multiply it.
    async fn a_limited_key_makes_no_others_that_call_models(app: App) {
        models(&app, &["a", "b"]).await;
        let scopes = [Scope::KeysManage, Scope::Inference];
        let rate = app.organization.key_like(&scopes, |key| key.requests_per_minute = Some(20)).await;
        let at_once = app.organization.key_like(&scopes, |key| key.concurrent_requests = Some(2)).await;
        let money = app.organization.key_with(&scopes).await;
        let who = app.call(app.request(Method::GET, WHOAMI), &money).await.json();
        let budget = json!({"api_key_id": who["api_key"]["id"], "period": "month", "hard_limit_nano_dollars": 1000});
        assert_eq!(app.post("/v1/model-router/budgets", &budget).await.status, 201);
        let (_, mate, _) = made(&app, &json!({"name": "mate", "scopes": ["inference"], "models": ["a"]})).await;
        let (_, reader, _) = made(&app, &json!({"name": "reader", "scopes": ["router:read"]})).await;
        let before = items(&app, KEYS).await.len();
        for (key, limit) in [(rate, "20 requests per minute"), (at_once, "2 requests at once"),
                             (money, "1000 nano-dollars for the month")] {
            let child = json!({"name": "child", "scopes": ["inference"], "models": ["a"], "requests_per_minute": 1,
                               "concurrent_requests": 1});
            let answers = [
                (post_as(&app, &key, &child).await, "scopes"),
                (patch_as(&app, &key, &reader, &json!({"scopes": ["router:read", "inference"]})).await, "scopes"),
                (patch_as(&app, &key, &mate, &json!({"models": ["a", "b"]})).await, "models"),
            ];
            for (answer, field) in answers {
                assert_eq!(violation(&answer), format!("body.{field} value_error"), "{limit}");
                assert!(answer.text().contains(limit), "{}", answer.text());
            }
        }
        assert_eq!(items(&app, KEYS).await.len(), before);
        // A key without a limit creates limited ones, as many as it likes.
        let free = app.organization.key_with(&scopes).await;
        let child = json!({"name": "child", "scopes": ["inference"], "requests_per_minute": 1});
        assert_eq!(post_as(&app, &free, &child).await.status, 201);
    }

    async fn a_key_with_a_budget_does_not_get_around_it(app: App) {
        const BUDGETS: &str = "/v1/model-router/budgets";
        let scopes = [Scope::KeysManage, Scope::BudgetsManage, Scope::Inference];
        let manager = app.organization.key_with(&scopes).await;
        let who = app.call(app.request(Method::GET, WHOAMI), &manager).await.json();
        let id = who["api_key"]["id"].as_str().expect("an id");
        let post = async |key: &str, body: &Value| {
            app.call(with_json(app.request(Method::POST, BUDGETS), body), key).await
        };
        let own = json!({"api_key_id": id, "period": "day", "hard_limit_nano_dollars": 1000});
        let budget = post(&app.organization.key, &own).await;
        assert_eq!(budget.status, 201, "{}", budget.text());
        let path = budget.header("location").to_owned();
        for limit in [json!(1001), json!(null)] {
            let wider = json!({"hard_limit_nano_dollars": limit, "soft_limit_nano_dollars": 1});
            let answer = patch_as(&app, &manager, &path, &wider).await;
            assert_eq!(violation(&answer), "body.hard_limit_nano_dollars value_error");
        }
        assert_eq!(app.call(app.request(Method::DELETE, &path), &manager).await.status, 422);
        assert_eq!(patch_as(&app, &manager, &path, &json!({"hard_limit_nano_dollars": 900})).await.status, 200);
        // Nor does it create a key that spends outside of it.
        let child = json!({"name": "child", "scopes": ["inference"]});
        assert_eq!(violation(&post_as(&app, &manager, &child).await), "body.scopes value_error");
        // A manager that it makes has a limit, and so lifts no other's either.
        let reader = json!({"name": "child", "scopes": ["keys:manage"]});
        assert_eq!(violation(&post_as(&app, &manager, &reader).await), "body.scopes value_error");
        let reader = json!({"name": "child", "scopes": ["keys:manage"], "requests_per_minute": 1});
        assert_eq!(post_as(&app, &manager, &reader).await.status, 201);
        // Nor one that could raise its budget because it has none.
        let raiser = json!({"name": "child", "scopes": ["budgets:manage"]});
        assert_eq!(violation(&post_as(&app, &manager, &raiser).await), "body.scopes value_error");
        // The organization's budget requires the scope for budgets, which keys:manage does not include.
        let whole = json!({"period": "day", "hard_limit_nano_dollars": 5});
        let keys_only = app.organization.key_with(&[Scope::KeysManage, Scope::Inference]).await;
        assert_eq!(refusal(&post(&keys_only, &whole).await), (403, "forbidden".to_owned()));
        let made = post(&manager, &whole).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let whole = made.header("location").to_owned();
        let raised = json!({"hard_limit_nano_dollars": 500});
        assert_eq!(refusal(&patch_as(&app, &keys_only, &whole, &raised).await), (403, "forbidden".to_owned()));
        assert_eq!(app.call(app.request(Method::DELETE, &whole), &keys_only).await.status, 403);
        // A limited key does not widen it, since it binds that key, too.
        assert_eq!(violation(&patch_as(&app, &manager, &whole, &raised).await), "body.hard_limit_nano_dollars value_error");
        let free = app.organization.key_with(&[Scope::BudgetsManage]).await;
        assert_eq!(patch_as(&app, &free, &whole, &raised).await.status, 200);
    }

    async fn a_list_is_read_page_by_page(app: App) {
        for number in 0..7 {
            made(&app, &json!({"name": format!("k{number}"), "scopes": ["drill"]})).await;
        }
        let pages = walk(&app, &format!("{KEYS}?limit=2")).await;
        assert_eq!(pages.len(), 4);
        assert_eq!(each(&pages.concat(), "name"), ["k6", "k5", "k4", "k3", "k2", "k1", "k0", "test key"]);
        assert_eq!(
            violation(&app.get(&format!("{KEYS}?revoked=true")).await),
            "query.revoked extra_forbidden"
        );
        let answer = app.get(&format!("{KEYS}?cursor=abc")).await;
        assert_eq!(refusal(&answer), (400, "invalid_cursor".to_owned()));
    }

    async fn a_key_is_seen_and_changed_by_its_own_organization_only(app: App) {
        let stranger = app.other_organization("stranger").await;
        let theirs = app.call(app.request(Method::GET, WHOAMI), &stranger.key).await.json();
        let foreign = theirs["api_key"]["id"].as_str().expect("an id");
        let path = format!("{KEYS}/{foreign}");
        for method in [Method::GET, Method::PATCH, Method::DELETE] {
            assert_absent(&app, method, KEYS, foreign).await;
        }
        for (method, path) in [
            (Method::GET, KEYS),
            (Method::POST, KEYS),
            (Method::GET, path.as_str()),
            (Method::PATCH, &path),
            (Method::DELETE, &path),
        ] {
            assert_guarded(&app, method, path, "keys:manage").await;
        }
        assert!(items(&app, KEYS).await.iter().all(|row| row["id"] != foreign));
        assert_eq!(status(&app, &stranger.key).await, 200, "it still lives");
    }
}
