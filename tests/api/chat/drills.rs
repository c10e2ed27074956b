//! Models that fail on purpose: no provider is called for them, and nothing real is affected.

use failsoft::domain::failure::class::ErrorClass;
use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::pick;
use crate::support::app::{Answer, App, chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

async fn drill(app: &App, header: &str, more: &Value, key: &str) -> Answer {
    let request = app.request(Method::POST, "/v1/chat/completions").header("x-failsoft-drill", header);
    app.call(with_json(request, &chat_body(more)), key).await
}

async fn own(app: &App, header: &str, more: &Value) -> Answer {
    drill(app, header, more, &app.organization.key).await
}

on_both_databases! {
    async fn any_candidate_fails_with_any_class_and_is_not_called(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always(Script::answer("Hi"));
        let classes = ErrorClass::ALL.into_iter().take_while(|class| *class != ErrorClass::StreamInterrupted);
        for class in classes {
            let before = fake.served();
            let answer = own(&app, &format!("a={class}"), &json!({"model": "a", "models": ["b"]})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "b"), "{class}");
            assert_eq!(answer.header("x-failsoft-fallback"), format!("from=a; class={class}; hops=1"));
            assert_eq!(answer.header("x-failsoft-attempts"), "1");
            assert_eq!(fake.served() - before, 1);
        }
        let event = app.events().await.remove(0);
        assert_eq!(
            pick(&[event], &["failed_model", "next_model", "error_class", "matched_rule", "origin"]),
            json!([["a", "b", "rate_limited", "drill", "drill"]])
        );
        assert!(app.requests(1).await.iter().all(|row| row["origin"] == "drill"));
        let only = app.get("/v1/model-router/fallback-events?origin=live").await.json();
        assert_eq!(only["items"], json!([]));
    }

    async fn a_drill_of_all_models_looks_like_a_real_failure(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        app.organization.fallback("a", FallbackType::ContextWindow, &["b"]).await;
        let header = "a=context_window_exceeded , b=rate_limited";
        let answer = own(&app, header, &json!({"model": "a"})).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (429, json!("rate_limit_exceeded")));
        assert_eq!(answer.header("x-failsoft-attempts"), "0");
        assert_eq!(fake.served(), 0);
        let events = app.events().await;
        assert_eq!(pick(&events, &["failed_model", "next_model"]), json!([["a", "b"], ["b", null]]));
    }

    async fn litellms_mock_fields_apply_to_the_primary(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "general", "window", "policy"]).await;
        app.organization.fallback("a", FallbackType::General, &["general"]).await;
        app.organization.fallback("a", FallbackType::ContextWindow, &["window"]).await;
        app.organization.fallback("a", FallbackType::ContentPolicy, &["policy"]).await;
        fake.always(Script::answer("Hi"));
        for (field, served) in [
            ("mock_testing_fallbacks", "general"),
            ("mock_testing_context_fallbacks", "window"),
            ("mock_testing_content_policy_fallbacks", "policy"),
        ] {
            let answer = app.chat(&json!({"model": "a", field: true})).await;
            assert_eq!(answer.header("x-failsoft-model"), served, "{}", answer.text());
            let answer = app.chat(&json!({"model": "a", field: false})).await;
            assert_eq!(answer.header("x-failsoft-model"), "a");
        }
        let two = json!({"model": "a", "mock_testing_fallbacks": true, "mock_testing_context_fallbacks": true});
        let answer = app.chat(&two).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["error"]["code"], "conflicting_fields");
        let answer = app.chat(&json!({"model": "a", "mock_testing_fallbacks": "yes"})).await;
        assert_eq!(answer.json()["error"]["param"], "mock_testing_fallbacks");
    }

    async fn without_its_scope_a_drill_is_refused(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::answer("Hi"));
        let key = app.organization.key_with(&[Scope::Inference]).await;
        let answer = drill(&app, "a=timeout", &json!({"model": "a"}), &key).await;
        assert_eq!(answer.status, 403);
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "missing_scope");
        assert!(error["message"].as_str().expect("a text").contains("'drill'"), "{error}");
        // A field that causes no failure needs no scope.
        let request = app.request(Method::POST, "/v1/chat/completions");
        let body = chat_body(&json!({"model": "a", "mock_testing_fallbacks": false}));
        assert_eq!(app.call(with_json(request, &body), &key).await.status, 200);
    }

    async fn an_impossible_drill_is_refused_by_name(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        for (header, code, word) in [
            ("a", "invalid_value", "MODEL=CLASS"),
            ("a=", "invalid_value", "It can be: rate_limited"),
            ("a=sad", "invalid_value", "'sad'"),
            ("a=cooldown", "invalid_value", "It can be"),
            ("a=stream_interrupted", "invalid_value", "sim/cut-midstream"),
            ("a=timeout,a=overloaded", "conflicting_fields", "two ways"),
            ("nobody=timeout", "model_not_found", "'nobody'"),
        ] {
            let answer = own(&app, header, &json!({"model": "a"})).await;
            let error = answer.json()["error"].clone();
            assert_eq!((answer.status, &error["code"]), (400, &json!(code)), "{header}: {error}");
            assert_eq!(error["param"], "x-failsoft-drill");
            assert!(error["message"].as_str().expect("a text").contains(word), "{header}: {error}");
        }
        assert_eq!(fake.served(), 0);
    }

    /// Its caller would take a live request for a drill.
    async fn a_drill_of_no_model_of_the_request_is_refused(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b", "c", "d"]).await;
        app.organization.fallback("a", FallbackType::ContextWindow, &["b"]).await;
        app.organization.fallback("b", FallbackType::General, &["c"]).await;
        fake.always(Script::answer("Hi"));
        for (header, body) in [
            ("d=timeout", json!({"model": "a"})),
            ("b=timeout", json!({"model": "c"})),
            ("b=timeout, c=overloaded", json!({"model": "a", "models": ["d"]})),
            ("b=timeout", json!({"model": "a", "disable_fallbacks": true})),
            ("c=timeout", json!({"models": ["a", "b"]})),
        ] {
            let answer = own(&app, header, &body).await;
            let error = answer.json()["error"].clone();
            assert_eq!((answer.status, &error["code"], &error["param"]), (400, &json!("invalid_value"), &json!("x-failsoft-drill")), "{header} {body}");
            assert!(error["message"].as_str().expect("a text").contains("names only '"), "{error}");
        }
        assert_eq!(fake.served(), 0);
        for (header, body) in [
            ("a=timeout", json!({"model": "a"})),
            ("b=timeout", json!({"model": "a"})),
            // A fallback of a fallback.
            ("c=timeout", json!({"model": "a"})),
            // One model of the request is enough.
            ("d=timeout, a=timeout", json!({"model": "a", "models": ["b"]})),
        ] {
            let answer = own(&app, header, &body).await;
            let error = answer.json()["error"].clone();
            assert_ne!(error["param"], "x-failsoft-drill", "{header} {body}: {error}");
        }
        assert!(app.requests(4).await.iter().all(|row| row["origin"] == "drill"));
        // What does not exist is refused as such.
        let answer = own(&app, "a=timeout", &json!({"model": "nobody"})).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (404, json!("model_not_found")));
    }

    async fn drills_never_touch_the_cooldown(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always(Script::answer("Hi"));
        for _ in 0..6 {
            own(&app, "a=unavailable", &json!({"model": "a"})).await;
            own(&app, "a=quota_exhausted", &json!({"model": "a"})).await;
        }
        assert_eq!(app.chat(&json!({"model": "a"})).await.header("x-failsoft-model"), "a");
        // Models in cooldown fail the requested way, too.
        fake.always_for("a-upstream", Script::error(402, "insufficient_quota", "no money"));
        app.chat(&json!({"model": "a", "models": ["b"]})).await;
        let answer = own(&app, "a=timeout", &json!({"model": "a", "models": ["b"]})).await;
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=timeout; hops=1");
    }
}
