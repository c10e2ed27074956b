//! Models that keep failing are skipped for a while, and then a single request probes them.

use std::time::Duration;

use chrono::TimeDelta;
use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::{called, pick};
use crate::support::app::{App, chat_body, with_json};
use crate::support::database::Kind;
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;

fn broken() -> Script {
    Script::error(500, "server_error", "broken")
}

async fn cooldown_of(app: &App, name: &str) -> Value {
    let page = app.get(&format!("/v1/model-router/models?name={name}")).await.json();
    page["items"][0]["cooldown"].clone()
}

on_both_databases! {
    async fn five_failures_in_a_row_and_the_next_request_goes_straight_to_the_fallback(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always_for("a-upstream", broken());
        fake.always_for("b-upstream", Script::answer("From b"));
        let body = json!({"model": "a", "models": ["b"]});
        for turn in 0..5 {
            assert_eq!(app.chat_number(turn, &body).await.header("x-failsoft-attempts"), "2");
        }
        let answer = app.chat(&body).await;
        assert_eq!(answer.header("x-failsoft-attempts"), "1");
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=cooldown; hops=1");
        let last = app.events().await.pop().expect("an event");
        assert_eq!(
            pick(std::slice::from_ref(&last), &["failed_model", "next_model", "error_class", "matched_rule", "attempts", "status_code"]),
            json!([["a", "b", "cooldown", "cooldown:unavailable", 0, null]])
        );
        let message = last["error_message"].as_str().expect("a message");
        assert!(message.contains("(unavailable; 30 s left)"), "{message}");

        let shown = cooldown_of(&app, "a").await;
        assert_eq!((&shown["open"], &shown["error_class"]), (&json!(true), &json!("unavailable")));
        assert_eq!(cooldown_of(&app, "b").await["open"], json!(false));
    }

    async fn the_retries_of_one_request_close_no_model_for_others(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(broken());
        let answer = app.chat(&json!({"model": "a", "num_retries": 5})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (502, "6"));
        assert_eq!(cooldown_of(&app, "a").await["open"], json!(false));
        for turn in 0..4 {
            assert_eq!(cooldown_of(&app, "a").await["open"], json!(false), "{turn}");
            let key = app.organization.key_with(&[Scope::Inference]).await;
            let request = app.request(Method::POST, "/v1/chat/completions");
            let answer = app.call(with_json(request, &chat_body(&json!({"model": "a"}))), &key).await;
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (502, "1"), "{turn}");
        }
        assert_eq!(cooldown_of(&app, "a").await["open"], json!(true));
    }

    async fn one_probe_finds_out_that_it_works_again(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always_for("b-upstream", Script::answer("From b"));
        let body = json!({"model": "a", "models": ["b"]});
        for turn in 0..5 {
            fake.next_for("a-upstream", broken());
            app.chat_number(turn, &body).await;
        }
        app.clock.advance(Duration::from_secs(30));
        let gate = Gate::new();
        fake.next_for("a-upstream", Script::new().wait_until(&gate).send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        fake.always_for("a-upstream", Script::answer("From a"));
        let before = fake.served();
        let probe = app.chat(&body);
        let others = async {
            fake.request(before).await;
            // The probe is in flight: all other requests skip the model.
            for _ in 0..3 {
                assert_eq!(app.chat(&body).await.header("x-failsoft-model"), "b");
            }
            gate.open();
        };
        let (probe, ()) = futures_util::join!(probe, others);
        // It failed, so the next window is twice as long.
        assert_eq!(probe.header("x-failsoft-fallback"), "from=a; class=invalid_response; hops=1");
        app.clock.advance(Duration::from_secs(59));
        assert_eq!(app.chat(&body).await.header("x-failsoft-model"), "b");
        app.clock.advance(Duration::from_secs(1));
        assert_eq!(app.chat(&body).await.header("x-failsoft-model"), "a");
        assert_eq!(app.chat(&body).await.header("x-failsoft-model"), "a");
        assert_eq!(cooldown_of(&app, "a").await, json!({"open": false, "until": null, "error_class": null}));
    }

    async fn a_date_that_is_set_neither_ends_nor_extends_a_cooldown(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always_for("b-upstream", Script::answer("From b"));
        let body = json!({"model": "a", "models": ["b"]});
        for turn in 0..5 {
            fake.next_for("a-upstream", broken());
            app.chat_number(turn, &body).await;
        }
        fake.always_for("a-upstream", Script::answer("From a"));
        for hours in [-1, 2, -25] {
            app.clock.set_date_by(TimeDelta::hours(hours));
            assert_eq!(app.chat(&body).await.header("x-failsoft-model"), "b", "{hours}");
        }
        app.clock.advance(Duration::from_secs(29));
        assert_eq!(app.chat(&body).await.header("x-failsoft-model"), "b");
        app.clock.advance(Duration::from_secs(1));
        assert_eq!(app.chat(&body).await.header("x-failsoft-model"), "a");
    }

    async fn a_single_model_cools_down_too_and_returns_its_last_error(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::respond(
            429,
            &[("retry-after", "40"), ("content-type", "application/json")],
            r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#,
        ));
        // A lone 429 is no different: an SDK would sleep as long as it says.
        let lone = app.chat(&json!({"model": "a"})).await;
        assert_eq!((lone.status, lone.header("x-failsoft-attempts")), (429, "1"));
        assert_eq!((lone.header("retry-after"), lone.header("x-should-retry")), ("40", "false"));
        // The probe of this window may be used at once if no other model is left.
        assert_eq!(app.chat(&json!({"model": "a"})).await.header("x-failsoft-attempts"), "1");
        app.clock.advance(Duration::from_secs(10));
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (429, "0"), "{}", answer.text());
        assert_eq!((answer.header("retry-after"), answer.header("x-should-retry")), ("30", "false"));
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "rate_limit_exceeded");
        assert!(error["message"].as_str().expect("a text").starts_with("No model was called"), "{error}");
        assert_eq!(error["metadata"]["attempts"][0]["passed_over"], true);
        assert_eq!(fake.served(), 2);
        app.clock.advance(Duration::from_secs(30));
        assert_eq!(app.chat(&json!({"model": "a"})).await.header("x-failsoft-attempts"), "1");
    }

    async fn an_sdk_tries_again_by_itself_only_if_the_wait_is_short(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::error(503, "overloaded", "busy"));
        for _ in 0..5 {
            assert_eq!(app.chat(&json!({"model": "a"})).await.header("x-should-retry"), "true");
        }
        // The only early probe.
        app.chat(&json!({"model": "a"})).await;
        for (passed, left, again) in [(0, "30", "false"), (27, "3", "false"), (1, "2", "true"), (1, "1", "true")] {
            app.clock.advance(Duration::from_secs(passed));
            let answer = app.chat(&json!({"model": "a"})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (503, "0"), "{}", answer.text());
            assert_eq!((answer.header("retry-after"), answer.header("x-should-retry")), (left, again));
        }
    }

    async fn a_call_that_was_not_made_did_not_fail(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::error(401, "invalid_api_key", "no"));
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 502);
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 502);
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-attempts")), (503, "0"), "{}", answer.text());
        assert_eq!(answer.json()["error"]["code"], "upstream_authentication");
    }

    async fn a_distant_reset_is_honored_and_can_be_ended_manually(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let model = app.organization.model("a", provider).await;
        app.organization.model("b", provider).await;
        fake.always_for("b-upstream", Script::answer("From b"));
        fake.next_for("a-upstream", Script::respond(
            429,
            &[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "5h30m0s"), ("content-type", "application/json")],
            r#"{"error":{"message":"The limit of the account is reached","code":"rate_limit_exceeded"}}"#,
        ));
        let body = json!({"model": "a", "models": ["b"]});
        assert_eq!(app.chat(&body).await.header("x-failsoft-attempts"), "2");
        for _ in 0..5 {
            app.clock.advance(Duration::from_secs(3_600));
            assert_eq!(app.chat(&body).await.header("x-failsoft-attempts"), "1");
        }
        let shown = cooldown_of(&app, "a").await;
        assert_eq!((&shown["open"], &shown["by_provider"]), (&json!(true), &json!(true)), "{shown}");
        let until: chrono::DateTime<chrono::Utc> = serde_json::from_value(shown["until"].clone()).expect("a date");
        assert_eq!(until, crate::support::app::beginning() + chrono::TimeDelta::minutes(330));
        assert_eq!(called(&fake).iter().filter(|model| *model == "a-upstream").count(), 1, "no probe before its end");

        let other = app.organization.key_with(&[failsoft::domain::permission::Scope::RouterRead]).await;
        let path = format!("/v1/model-router/models/{model}/cooldown");
        assert_eq!(app.call(app.request(Method::DELETE, &path), &other).await.status, 403);
        let ended = app.delete(&path).await;
        assert_eq!((ended.status, &ended.json()["cooldown"]["open"]), (200, &json!(false)), "{}", ended.text());
        assert_eq!(cooldown_of(&app, "a").await["open"], json!(false));
        fake.always_for("a-upstream", Script::answer("From a"));
        assert_eq!(app.chat(&body).await.header("x-failsoft-model"), "a");
        let entries = {
            use entity::audit_entries::{Column, Entity};
            use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
            let mine = Entity::find().filter(Column::Action.eq("model.end_cooldown"));
            mine.filter(Column::ResourceId.eq(model)).count(&app.database().await).await.expect("the audit log")
        };
        assert_eq!(entries, 1);
    }

    async fn the_console_ends_a_cooldown(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let model = app.organization.model("a", provider).await;
        fake.next(Script::respond(429, &[("retry-after", "7200")], "{}"));
        app.chat(&json!({"model": "a"})).await;
        let email = app.organization.member(failsoft::domain::permission::Role::Admin).await;
        let browser = crate::support::browser::Browser::logged_in(&app, &email).await;
        let path = format!("/models/{model}");
        let page = browser.get(&path).await.expect(200);
        assert!(page.shows("left according to the provider") && page.shows("End cooldown"), "{}", page.html);
        browser.submit(&path, &format!("{path}/cooldown/end"), &[]).await.expect(303);
        let page = browser.get(&path).await.expect(200);
        assert!(!page.shows("End cooldown") && page.shows("has ended"), "{}", page.html);
        fake.always(Script::answer("Hi"));
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
    }

    async fn a_cooldown_that_has_ended_looks_ended(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let model = app.organization.model("a", provider).await;
        fake.next(Script::respond(429, &[("retry-after", "60")], "{}"));
        app.chat(&json!({"model": "a"})).await;
        let email = app.organization.member(failsoft::domain::permission::Role::Admin).await;
        let browser = crate::support::browser::Browser::logged_in(&app, &email).await;
        let pages = ["/".to_owned(), "/models".to_owned(), format!("/models/{model}")];
        for path in &pages {
            let page = browser.get(path).await.expect(200);
            assert!(!page.shows("Cooldown ended"), "{path}: {}", page.html);
        }
        app.clock.advance(Duration::from_secs(61));
        for path in &pages {
            let page = browser.get(path).await.expect(200);
            assert!(page.shows("Cooldown ended") && !page.shows("End cooldown"), "{path}: {}", page.html);
            assert!(!page.html.contains(">Cooling down<"), "{path}: {}", page.html);
        }
        fake.always(Script::answer("Hi"));
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        let page = browser.get(&pages[2]).await.expect(200);
        assert!(page.shows("Ready") && !page.shows("Cooldown ended"), "{}", page.html);
    }

    async fn changing_the_model_or_its_provider_clears_it_and_each_organization_has_its_own(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let model = app.organization.model("a", provider).await;
        let other = app.other_organization("other").await;
        other.catalog(&fake, &["a"]).await;
        let refuse = async || {
            fake.next(Script::error(402, "insufficient_quota", "no money"));
            fake.next(Script::error(402, "insufficient_quota", "no money"));
            app.chat(&json!({"model": "a"})).await;
            app.chat(&json!({"model": "a"})).await;
            assert_eq!(cooldown_of(&app, "a").await["error_class"], json!("quota_exhausted"));
            app.clock.advance(Duration::from_secs(1));
        };
        let path = format!("/v1/model-router/models/{model}");
        refuse().await;
        assert_eq!(app.patch(&path, &json!({"num_retries": 2})).await.status, 200);
        assert_eq!(cooldown_of(&app, "a").await["open"], json!(false));
        refuse().await;
        let path = format!("/v1/model-router/providers/{provider}");
        assert_eq!(app.patch(&path, &json!({"credential": "sk-upstream-secret-0002"})).await.status, 200);
        assert_eq!(cooldown_of(&app, "a").await["open"], json!(false));
        refuse().await;
        fake.next(Script::answer("Hi"));
        let request = app.request(Method::POST, "/v1/chat/completions");
        let answer = app.call(crate::support::app::with_json(request, &json!({"model": "a"})), &other.key).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    async fn a_model_that_always_breaks_its_streams_cools_down(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always_for("a-upstream", Script::stream().text("Hel").reset());
        fake.always_for("b-upstream", Script::stream().text("Hello").finish("stop").done());
        let body = json!({"model": "a", "models": ["b"], "stream": true});
        for turn in 0..5 {
            assert!(app.chat_number(turn, &body).await.text().contains("\"finish_reason\":\"error\""));
        }
        assert_eq!(app.chat(&body).await.header("x-failsoft-model"), "b");
        assert_eq!(called(&fake).iter().filter(|model| *model == "a-upstream").count(), 5);
    }
}

#[tokio::test]
async fn the_metrics_count_the_models_that_are_left_alone() {
    let app = App::start_with(Kind::Sqlite, |settings| {
        settings.gateway.cooldown = true;
        settings.telemetry.metrics_token = Some("metrics-token-0123456789".into());
    })
    .await;
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["a", "b"]).await;
    fake.always(Script::error(402, "insufficient_quota", "no money"));
    app.chat(&json!({"model": "a", "models": ["b"]})).await;
    let count = async || {
        let request = app.request(Method::GET, "/metrics");
        let text = app.call(request, "metrics-token-0123456789").await.text();
        let line = text.lines().find(|line| line.starts_with("failsoft_models_in_cooldown "));
        line.expect(&text).to_owned()
    };
    assert_eq!(count().await, "failsoft_models_in_cooldown 2");
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(count().await, "failsoft_models_in_cooldown 0");
}
