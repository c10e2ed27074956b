//! Stored fallback lists: which one a failure selects, in which order, and where it ends.

use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::Scope;
use failsoft::store::NewFallback;
use reqwest::Method;
use serde_json::json;

use super::{called, pick};
use crate::support::app::{chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

fn broken() -> Script {
    Script::error(500, "server_error", "broken")
}

fn too_long() -> Script {
    Script::error(400, "context_length_exceeded", "Your input exceeds the context window of this model.")
}

fn refused() -> Script {
    Script::error(
        400,
        "content_policy_violation",
        "Your request was rejected as a result of our safety system.",
    )
}

on_both_databases! {
    async fn a_general_list_answers_and_the_event_names_it(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b", "c"]).await;
        let config = app.organization.fallback("a", FallbackType::General, &["b", "c"]).await;
        app.organization.fallback("a", FallbackType::General, &["c", "b"]).await;
        fake.next(broken());
        fake.next(Script::error(429, "rate_limit_exceeded", "slow down"));
        fake.next(Script::answer("From b"));
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "b"), "{}", answer.text());
        assert_eq!(called(&fake), ["a-upstream", "c-upstream", "b-upstream"]);
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=unavailable; hops=2");
        let events = app.events().await;
        assert_eq!(
            pick(&events, &["failed_model", "next_model", "error_class", "router_config_id", "router_config_revision", "hop"]),
            json!([
                ["a", "c", "unavailable", config, 2, 1],
                ["c", "b", "rate_limited", config, 2, 2]
            ])
        );
        assert_eq!(
            pick(&events, &["invocation_type", "origin", "status_code", "matched_rule", "session_id"]),
            json!([
                ["chat_completion", "live", 500, events[0]["matched_rule"], null],
                ["chat_completion", "live", 429, events[1]["matched_rule"], null]
            ])
        );
        assert!(events.iter().all(|event| event["matched_rule"].is_string()));
    }

    async fn the_class_of_the_failure_picks_the_list(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "general", "context", "content"]).await;
        let general = app.organization.fallback("a", FallbackType::General, &["general"]).await;
        let context = app.organization.fallback("a", FallbackType::ContextWindow, &["context"]).await;
        let content = app.organization.fallback("a", FallbackType::ContentPolicy, &["content"]).await;
        for (failure, order, configs) in [
            (broken(), vec!["a", "general"], json!([general, null])),
            (too_long(), vec!["a", "context", "general"], json!([context, general, null])),
            (refused(), vec!["a", "content", "general"], json!([content, general, null])),
        ] {
            let (before, events) = (fake.served(), app.events().await.len());
            fake.next(failure);
            fake.always(broken());
            assert_eq!(app.chat(&json!({"model": "a"})).await.status, 502);
            let expected: Vec<String> = order.iter().map(|name| format!("{name}-upstream")).collect();
            assert_eq!(called(&fake)[before..], expected);
            let found: Vec<_> =
                app.events().await[events..].iter().map(|event| event["router_config_id"].clone()).collect();
            assert_eq!(json!(found), configs);
        }
    }

    async fn strict_typed_lists_are_alone(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "general", "context"]).await;
        app.organization.fallback("a", FallbackType::General, &["general"]).await;
        app.set(&json!({"typed_fallbacks": "strict"})).await;
        fake.always(broken());
        fake.next(too_long());
        app.chat(&json!({"model": "a"})).await;
        assert_eq!(called(&fake), ["a-upstream", "general-upstream"], "there is no list of the type at all");
        app.organization.fallback("a", FallbackType::ContextWindow, &["context"]).await;
        fake.next(too_long());
        app.chat(&json!({"model": "a"})).await;
        assert_eq!(called(&fake)[2..], ["a-upstream", "context-upstream"]);
    }

    async fn lists_behind_fallbacks_are_nested_and_cycles_end(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b", "c", "d", "e", "f"]).await;
        app.organization.fallback("a", FallbackType::General, &["b", "c"]).await;
        app.organization.fallback("a", FallbackType::ContextWindow, &["f"]).await;
        app.organization.fallback("b", FallbackType::General, &["d", "a"]).await;
        app.organization.fallback("b", FallbackType::ContextWindow, &["e", "a"]).await;
        app.organization.fallback("d", FallbackType::General, &["a", "b", "c"]).await;
        fake.always(broken());
        fake.next_for("b-upstream", too_long());
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!(answer.status, 502);
        let order = ["a", "b", "e", "f", "c", "d"];
        assert_eq!(called(&fake), order.map(|name| format!("{name}-upstream")));
        let events = app.events().await;
        let links = pick(&events, &["failed_model", "next_model"]);
        assert_eq!(links, json!([["a", "b"], ["b", "e"], ["e", "f"], ["f", "c"], ["c", "d"], ["d", null]]));
    }

    async fn max_fallbacks_bounds_the_calls(app: App) {
        let fake = FakeProvider::start().await;
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        app.organization.catalog(&fake, &names).await;
        app.organization.fallback("a", FallbackType::General, &names[1..]).await;
        fake.always(broken());
        for (settings, body, calls) in [
            (json!({}), json!({"model": "a"}), 6),
            (json!({}), json!({"model": "a", "max_fallbacks": 2}), 3),
            (json!({}), json!({"model": "a", "max_fallbacks": 50}), 6),
            (json!({}), json!({"model": "a", "max_fallbacks": 0}), 1),
            (json!({"max_fallbacks": 1}), json!({"model": "a", "max_fallbacks": 3}), 2),
            (json!({"max_fallbacks": 7}), json!({"model": "a"}), 8),
        ] {
            app.set(&settings).await;
            let before = fake.served();
            let answer = app.chat(&body).await;
            assert_eq!(fake.served() - before, calls, "{settings} {body}");
            assert_eq!(answer.header("x-failsoft-attempts"), calls.to_string());
        }
    }

    async fn models_that_may_not_be_called_are_skipped(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        for name in ["a", "b", "d"] {
            app.organization.model(name, provider).await;
        }
        app.organization.model_like("off", provider, |model| model.enabled = false).await;
        app.organization.fallback("a", FallbackType::General, &["b", "off", "d"]).await;
        app.organization.fallback("off", FallbackType::General, &["d"]).await;
        let key = app
            .organization
            .key_like(&[Scope::Inference], |new| {
                new.models = Some(["a", "off", "d"].map(str::to_owned).to_vec());
            })
            .await;
        fake.next(broken());
        fake.next(Script::answer("From d"));
        let body = chat_body(&json!({"model": "a"}));
        let answer = app.call(with_json(app.request(Method::POST, "/v1/chat/completions"), &body), &key).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "d"), "{}", answer.text());
        assert_eq!(called(&fake), ["a-upstream", "d-upstream"]);
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=unavailable; hops=3");
        assert_eq!(
            pick(&app.events().await, &["failed_model", "next_model", "error_class", "hop"]),
            json!([["a", "b", "unavailable", 1], ["b", "off", "not_allowed", 2], ["off", "d", "disabled", 3]])
        );
        // A disabled primary uses its fallback list as well.
        fake.next(Script::answer("From d"));
        let answer = app.chat(&json!({"model": "off"})).await;
        assert_eq!(answer.header("x-failsoft-fallback"), "from=off; class=disabled; hops=1");
        assert_eq!(answer.json()["model"], "d");
    }

    async fn a_final_error_is_that_of_the_last_one_called(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        for name in ["a", "b"] {
            app.organization.model(name, provider).await;
        }
        app.organization.model_like("off", provider, |model| model.enabled = false).await;
        app.organization.fallback("a", FallbackType::General, &["b", "off"]).await;
        fake.next(broken());
        fake.next(Script::error(422, "bad_thing", "the thing is bad"));
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (422, json!("bad_thing")));
        let attempts = answer.json()["error"]["metadata"]["attempts"].clone();
        assert_eq!(
            pick(attempts.as_array().expect("a list"), &["model", "error_class", "passed_over"]),
            json!([["a", "unavailable", false], ["b", "invalid_request", false], ["off", "disabled", true]])
        );
        assert_eq!(app.events().await.len(), 3);
        assert_eq!(
            pick(&app.requests(1).await, &["outcome", "error_class", "status_code", "served_model", "cost_nano_dollars"]),
            json!([["failed", "invalid_request", 422, null, 0]])
        );
    }

    async fn triggers_say_what_a_list_is_for(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let narrowed = NewFallback {
            model: "a".to_owned(),
            fallback_models: vec!["b".to_owned()],
            fallback_type: FallbackType::General,
            triggers: Some(vec!["rate_limited".to_owned()]),
        };
        app.organization.store.fallback_set(narrowed, None).await.expect("a configuration");
        fake.always(Script::answer("From b"));
        fake.next(broken());
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 502);
        fake.next(Script::error(429, "rate_limit_exceeded", "slow down"));
        assert_eq!(app.chat(&json!({"model": "a"})).await.header("x-failsoft-model"), "b");
    }

    async fn a_change_of_a_list_takes_effect_at_once(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b", "c"]).await;
        fake.always(Script::answer("Hi"));
        fake.always_for("a-upstream", broken());
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 502);
        for behind in ["b", "c"] {
            app.organization.fallback("a", FallbackType::General, &[behind]).await;
            assert_eq!(app.chat(&json!({"model": "a"})).await.header("x-failsoft-model"), behind);
        }
    }
}
