//! `/v1/model-router/providers/{id}/credentials` and `/v1/model-router/credentials`: several credentials of one provider, and
//! which of them a request is sent with.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::app::{Answer, App, eventually};
use crate::support::browser::Browser;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::management::violation;
use crate::support::on_both_databases;

/// The secrets of the first credential of a test's provider, and of those that tests add.
const FIRST: &str = "sk-upstream-secret-0001";
const SECOND: &str = "sk-second-secret-0002";
const THIRD: &str = "sk-third-secret-0003";

fn list_of(provider: &str) -> String {
    format!("/v1/model-router/providers/{provider}/credentials")
}

fn path_of(id: &Value) -> String {
    format!("/v1/model-router/credentials/{}", id.as_str().expect("an id"))
}

/// The status of an answer, and its text.
fn said(answer: &Answer) -> (u16, String) {
    (answer.status, answer.text())
}

/// A provider with the model `a`, and its id.
async fn provider(app: &App, fake: &FakeProvider) -> String {
    let id = app.organization.provider("fake", fake).await;
    app.organization.model("a", id).await;
    id.to_string()
}

async fn added(app: &App, provider: &str, body: &Value) -> Value {
    let answer = app.post(&list_of(provider), body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let row = answer.json();
    assert_eq!(answer.header("location"), path_of(&row["id"]));
    row
}

async fn all(app: &App, provider: &str) -> Vec<Value> {
    let answer = app.get(&list_of(provider)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["items"].as_array().expect("a list").clone()
}

/// Lets the provider answer calls with one credential by a script, and the others with an answer.
fn refuse(fake: &FakeProvider, secret: &'static str, script: impl Fn() -> Script + Send + Sync + 'static) {
    let bearer = format!("Bearer {secret}");
    fake.judge(move |received| {
        let refused = received.header("authorization") == Some(bearer.as_str());
        Some(if refused { script() } else { Script::answer("Hi") })
    });
}

/// The secret of each call, in order.
fn used(fake: &FakeProvider) -> Vec<String> {
    let secret = |header: &str| header.strip_prefix("Bearer ").expect("a bearer token").to_owned();
    fake.requests().iter().map(|sent| secret(sent.header("authorization").expect("a header"))).collect()
}

/// The credential, the reason and the status of each attempt of the last request.
fn attempts(row: &Value) -> Value {
    let attempts = row["attempts"].as_array().expect("a list");
    let shown = |one: &Value| json!([one["credential"], one["chosen"], one["status"]]);
    attempts.iter().map(shown).collect()
}

async fn chat(app: &App) -> Answer {
    app.chat(&json!({"model": "a"})).await
}

on_both_databases! {
    async fn a_credential_lives_from_its_adding_to_its_removal(app: App) {
        let fake = FakeProvider::start().await;
        let provider = provider(&app, &fake).await;
        let first = all(&app, &provider).await.remove(0);
        assert_eq!((&first["id"], &first["provider_id"]), (&json!(provider), &json!(provider)));
        assert_eq!((&first["name"], &first["weight"], &first["tier"]), (&json!("default"), &json!(1), &json!(0)));
        assert_eq!((&first["credential_hint"], &first["health"]), (&json!("0001"), &json!("unknown")));

        let second = json!({"name": "On demand", "credential": SECOND, "weight": 2, "tier": 1});
        let second = added(&app, &provider, &second).await;
        assert_eq!((&second["credential_hint"], &second["tier"]), (&json!("0002"), &json!(1)));
        assert_eq!(all(&app, &provider).await, [first.clone(), second.clone()]);
        assert_eq!(app.get(&path_of(&second["id"])).await.json(), second);
        assert_eq!(app.get(&path_of(&first["id"])).await.json(), first);

        let taken = app.post(&list_of(&provider), &json!({"name": "On demand", "credential": THIRD})).await;
        let (status, message) = said(&taken);
        assert!(status == 409 && message.contains("'On demand'"), "{message}");
        app.clock.advance(std::time::Duration::from_secs(1));
        let body = json!({"name": "Spare", "weight": 5, "credential": THIRD});
        let changed = app.patch(&path_of(&second["id"]), &body).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let changed = changed.json();
        assert_eq!((&changed["name"], &changed["weight"], &changed["tier"]), (&json!("Spare"), &json!(5), &json!(1)));
        assert_eq!(changed["credential_hint"], "0003");
        assert_ne!(changed["updated_at"], second["updated_at"]);
        let renamed = app.patch(&path_of(&first["id"]), &json!({"name": "Reserved"})).await.json();
        assert_eq!((&renamed["name"], &renamed["credential_hint"]), (&json!("Reserved"), &json!("0001")));

        // The first one may go as well, and then the next one is used in its place.
        assert_eq!(app.delete(&path_of(&first["id"])).await.status, 204);
        assert_eq!(app.get(&path_of(&first["id"])).await.status, 404);
        fake.always(Script::answer("Hi"));
        assert_eq!(chat(&app).await.status, 200);
        assert_eq!(used(&fake), [THIRD]);
        let (status, message) = said(&app.delete(&path_of(&second["id"])).await);
        assert!(status == 409 && message.contains("the only credential"), "{message}");
        // One that is added takes the first place again.
        let again = added(&app, &provider, &json!({"name": "Reserved", "credential": FIRST})).await;
        assert_eq!(again["id"], json!(provider));
        for secret in [SECOND, THIRD, FIRST] {
            let shown = app.get(&list_of(&provider)).await.text();
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    async fn a_body_of_a_credential_is_checked(app: App) {
        let fake = FakeProvider::start().await;
        let provider = provider(&app, &fake).await;
        for (change, expected) in [
            (json!({"name": ""}), "name"),
            (json!({"credential": null}), "credential"),
            (json!({"weight": 0}), "weight"),
            (json!({"weight": 1_001}), "weight"),
            (json!({"tier": -1}), "tier"),
            (json!({"color": "red"}), "color"),
        ] {
            let mut body = json!({"name": "On demand", "credential": SECOND});
            for (name, value) in change.as_object().expect("an object") {
                body[name] = value.clone();
            }
            let answer = app.post(&list_of(&provider), &body).await;
            assert_eq!(answer.status, 422, "{body}: {}", answer.text());
            assert!(violation(&answer).contains(expected), "{body}: {}", answer.text());
        }
        let simulated = app.organization.provider_at("sim", "simulated", None).await.to_string();
        let answer = app.post(&list_of(&simulated), &json!({"name": "One", "credential": SECOND})).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert_eq!(all(&app, &provider).await.len(), 1);
    }

    async fn a_limit_of_one_credential_is_answered_by_another_at_once(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = provider(&app, &fake).await;
        added(&app, &provider, &json!({"name": "On demand", "credential": SECOND, "tier": 1})).await;
        refuse(&fake, FIRST, || Script::error(429, "rate_limit_exceeded", "slow down"));
        let answer = chat(&app).await;
        assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "2"), "{}", answer.text());
        assert_eq!(answer.header("x-failsoft-fallback"), "none", "it is inside one candidate");
        assert_eq!(used(&fake), [FIRST, SECOND]);
        let row = app.requests(1).await.remove(0);
        let expected = json!([["default", "weight", 429], ["On demand", "failover", 200]]);
        assert_eq!(attempts(&row), expected, "{row}");
        assert!(!row.to_string().contains("secret"), "{row}");
        assert!(app.events().await.is_empty());

        // Only the first one is not called; the model is not in cooldown.
        let answer = chat(&app).await;
        assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "1"), "{}", answer.text());
        assert_eq!(attempts(&app.requests(2).await[1]), json!([["On demand", "spill", 200]]));
        let model = app.get("/v1/model-router/models?name=a").await.json();
        assert_eq!(model["items"][0]["cooldown"]["open"], json!(false));

        // A change of the credential ends its cooldown.
        app.clock.advance(std::time::Duration::from_secs(1));
        let path = format!("/v1/model-router/credentials/{provider}");
        assert_eq!(app.patch(&path, &json!({"weight": 2})).await.status, 200);
        fake.judge(|_| Some(Script::answer("Hi")));
        assert_eq!(chat(&app).await.status, 200);
        assert_eq!(attempts(&app.requests(3).await[2]), json!([["default", "weight", 200]]));
    }

    async fn each_credential_has_a_health_of_its_own(app: App) {
        let fake = FakeProvider::start().await;
        let provider = provider(&app, &fake).await;
        let second = json!({"name": "On demand", "credential": SECOND, "tier": 1});
        let second = added(&app, &provider, &second).await;
        refuse(&fake, FIRST, || Script::error(401, "invalid_api_key", "Incorrect API key"));
        assert_eq!(chat(&app).await.status, 200);
        let healths = async || -> Vec<Value> {
            all(&app, &provider).await.iter().map(|row| row["health"].clone()).collect()
        };
        eventually(async || (healths().await == ["failing", "ok"]).then_some(())).await;
        let second = app.get(&path_of(&second["id"])).await.json();
        assert_eq!((&second["health_message"], &second["health"]), (&Value::Null, &json!("ok")));

        // A test is of one credential, and so is its result.
        refuse(&fake, SECOND, || Script::error(401, "invalid_api_key", "Incorrect API key"));
        let tested = app.post(&format!("{}/test", path_of(&second["id"])), &Value::Null).await;
        assert_eq!((tested.status, &tested.json()["ok"]), (200, &json!(false)), "{}", tested.text());
        let sent = fake.requests().pop().expect("a request");
        assert_eq!(sent.header("authorization"), Some(format!("Bearer {SECOND}").as_str()));
        assert_eq!(healths().await, ["failing", "failing"]);
        let changed = app.patch(&path_of(&second["id"]), &json!({"credential": THIRD})).await.json();
        assert_eq!(changed["health"], "unknown");
    }

    async fn the_chain_moves_on_when_every_credential_failed(app: App) {
        let fake = FakeProvider::start().await;
        let provider = provider(&app, &fake).await;
        added(&app, &provider, &json!({"name": "On demand", "credential": SECOND})).await;
        app.organization.model("b", provider.parse().expect("an id")).await;
        fake.always_for("a-upstream", Script::error(429, "rate_limit_exceeded", "slow down"));
        fake.always_for("b-upstream", Script::answer("From b"));
        let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (200, "3"), "{}", answer.text());
        let mut both = used(&fake);
        both.truncate(2);
        both.sort();
        assert_eq!(both, [SECOND, FIRST]);
        let event = app.events().await.remove(0);
        assert_eq!((&event["failed_model"], &event["attempts"]), (&json!("a"), &json!(2)));

        // What the request caused is not tried with another credential.
        fake.always_for("a-upstream", Script::error(400, "context_length_exceeded", "too long"));
        let before = fake.served();
        app.chat(&json!({"model": "a", "models": ["b"]})).await;
        assert_eq!(fake.served() - before, 2);
    }

    async fn the_requests_of_a_session_keep_their_credential(app: App) {
        let fake = FakeProvider::start().await;
        let provider = provider(&app, &fake).await;
        for (name, secret) in [("two", SECOND), ("three", THIRD)] {
            added(&app, &provider, &json!({"name": name, "credential": secret})).await;
        }
        fake.always(Script::answer("Hi"));
        let ask = async |body: Value| {
            assert_eq!(app.chat(&body).await.status, 200);
            used(&fake).pop().expect("a call")
        };
        let mut seen = BTreeSet::new();
        for session in 0..24 {
            let named = json!({"model": "a", "session_id": format!("session-{session}")});
            let first = ask(named.clone()).await;
            assert_eq!(ask(named).await, first);
            let cached = json!({"model": "a", "prompt_cache_key": format!("cache-{session}")});
            let first_cached = ask(cached.clone()).await;
            assert_eq!(ask(cached).await, first_cached);
            seen.extend([first, first_cached]);
        }
        assert_eq!(seen.len(), 3, "sessions are spread over all");
        let row = app.requests(96).await.remove(0);
        assert_eq!(row["attempts"][0]["chosen"], "session", "{row}");
    }

    async fn a_dry_run_shows_the_credentials(app: App) {
        let fake = FakeProvider::start().await;
        let provider = provider(&app, &fake).await;
        let explain = async |more: Value| {
            let mut body = json!({"model": "a", "messages": [{"role": "user", "content": "Hi"}]});
            for (name, value) in more.as_object().expect("an object") {
                body[name] = value.clone();
            }
            let answer = app.post("/v1/model-router/explain", &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            answer.json()["candidates"][0]["credentials"].clone()
        };
        assert_eq!(explain(json!({})).await, json!([]), "one credential needs no choice");
        added(&app, &provider, &json!({"name": "On demand", "credential": SECOND, "weight": 3, "tier": 1})).await;
        let shown = explain(json!({})).await;
        let expected = json!([
            {"name": "default", "weight": 1, "tier": 0, "in_cooldown": null, "chosen": "weight"},
            {"name": "On demand", "weight": 3, "tier": 1, "in_cooldown": null, "chosen": null},
        ]);
        assert_eq!(shown, expected);
        added(&app, &provider, &json!({"name": "Equal", "credential": THIRD})).await;
        let chosen = |shown: &Value| -> usize {
            shown.as_array().expect("a list").iter().filter(|one| !one["chosen"].is_null()).count()
        };
        assert_eq!(chosen(&explain(json!({})).await), 0, "chance decides");
        assert_eq!(chosen(&explain(json!({"session_id": "s"})).await), 1);
    }

    async fn further_credentials_go_to_no_other_address(app: App) {
        let fake = FakeProvider::start().await;
        let id = provider(&app, &fake).await;
        let second = added(&app, &id, &json!({"name": "On demand", "credential": SECOND})).await;
        let path = format!("/v1/model-router/providers/{id}");
        let elsewhere = FakeProvider::start().await;
        let moved = json!({"base_url": elsewhere.base_url(), "credential": THIRD});
        let (status, message) = said(&app.patch(&path, &moved).await);
        assert!(status == 409 && message.contains("further credentials"), "{message}");
        assert_eq!(app.delete(&path_of(&second["id"])).await.status, 204);
        let free = app.patch(&path, &moved).await;
        assert_eq!(free.status, 200, "{}", free.text());
    }

    async fn the_console_adds_changes_and_removes_a_credential(app: App) {
        let fake = FakeProvider::start().await;
        let provider = provider(&app, &fake).await;
        let email = app.organization.member(failsoft::domain::permission::Role::Owner).await;
        let owner = Browser::logged_in(&app, &email).await;
        let list = format!("/providers/{provider}/credentials");
        let fields = [("name", "On demand"), ("credential", SECOND), ("weight", "2"), ("tier", "")];
        let wrong = owner.submit(&list, &list, &[("name", "On demand"), ("weight", "none")]).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.shows("The weight must be a whole number") && wrong.shows("Enter the credential"), "{}", wrong.html);
        let made = owner.submit(&list, &list, &fields).await;
        assert_eq!(made.status, 303, "{}", made.html);
        let page = owner.get(&made.location).await.expect(200);
        assert!(page.shows("On demand") && !page.html.contains(SECOND), "{}", page.html);
        let saved = owner.submit(&made.location, &made.location, &[("name", "Spare"), ("weight", "3"), ("tier", "1")]).await;
        assert_eq!(saved.status, 303, "{}", saved.html);
        let rows = all(&app, &provider).await;
        assert_eq!((&rows[1]["name"], &rows[1]["credential_hint"], &rows[1]["tier"]), (&json!("Spare"), &json!("0002"), &json!(1)));
        let remove = format!("{}/delete", made.location);
        let removed = owner.submit(&remove, &remove, &[]).await;
        assert_eq!((removed.status, removed.location.as_str()), (303, list.as_str()), "{}", removed.html);
        assert_eq!(all(&app, &provider).await.len(), 1);
    }
}
