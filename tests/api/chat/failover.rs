//! A request's own list: which models are tried, what the caller sees, what is recorded.

use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{called, pick};
use crate::support::app::{chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

on_both_databases! {
    async fn the_next_model_answers_and_the_failover_is_on_record(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["first", "second"]).await;
        fake.next_for("first-upstream", Script::error(503, "overloaded", "too busy"));
        fake.next_for("second-upstream", Script::answer("Hello back"));
        let answer = app.chat(&json!({"model": "first", "models": ["second"], "session_id": "s-1"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        assert_eq!(body["model"], "second");
        assert_eq!(body["provider"], "fake");
        assert_eq!(body["choices"][0]["message"]["content"], "Hello back");
        assert_eq!(answer.header("x-failsoft-model"), "second");
        assert_eq!(answer.header("x-failsoft-attempts"), "2");
        assert_eq!(answer.header("x-failsoft-fallback"), "from=first; class=overloaded; hops=1");
        assert!(answer.header("server-timing").contains("gateway;dur="));

        let sent = fake.requests();
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[1].model.as_deref(), Some("second-upstream"));
        for own in ["models", "session_id"] {
            assert!(sent[1].json().get(own).is_none(), "{own} left the gateway");
        }

        let events = app.events().await;
        assert_eq!(events.len(), 1);
        let event = &events[0];
        assert_eq!(event["failed_model"], "first");
        assert_eq!(event["next_model"], "second");
        assert_eq!(event["error_class"], "overloaded");
        assert_eq!(event["router_config_id"], json!(null));
        assert_eq!(event["request_id"], answer.header("x-request-id"));
        assert_eq!(event["session_ref"], "s-1");

        let requests = app.requests(1).await;
        assert_eq!(requests[0]["outcome"], "answered");
        assert_eq!(requests[0]["served_model"], "second");
        assert_eq!(requests[0]["upstream_calls"], 2);
    }
}

on_both_databases! {
    async fn a_list_is_tried_strictly_in_order_without_duplicates(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b", "c"]).await;
        // A stored list does not apply to a request with its own list.
        app.organization.fallback("b", FallbackType::General, &["c"]).await;
        fake.always(Script::error(500, "server_error", "broken"));
        for (body, order) in [
            (json!({"models": ["b", "a", "b"]}), vec!["b", "a"]),
            (json!({"model": "c", "models": ["b", "c", "a", "b"]}), vec!["c", "b", "a"]),
            (json!({"model": "c", "fallbacks": ["a"]}), vec!["c", "a"]),
            (json!({"model": "b", "models": ["b"]}), vec!["b"]),
            (json!({"model": "a", "models": null, "fallbacks": ["b"]}), vec!["a", "b"]),
            (json!({"model": "a", "models": ["b", "c"], "max_fallbacks": 0}), vec!["a", "b", "c"]),
        ] {
            let before = fake.served();
            let answer = app.chat(&body).await;
            assert_eq!(answer.status, 502, "{}", answer.text());
            let expected: Vec<String> = order.iter().map(|name| format!("{name}-upstream")).collect();
            assert_eq!(called(&fake)[before..], expected, "{body}");
            assert_eq!(answer.header("x-failsoft-attempts"), order.len().to_string());
        }
    }

    async fn a_list_with_a_bad_name_makes_no_call_and_no_record(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b", "secret"]).await;
        let other = app.other_organization("other").await;
        other.catalog(&fake, &["theirs"]).await;
        let key = app
            .organization
            .key_like(&[Scope::Inference], |new| new.models = Some(vec!["a".into(), "b".into()]))
            .await;
        for (body, status, code, named) in [
            (json!({"model": "a", "models": ["nobody"]}), 400, "model_not_found", "nobody"),
            (json!({"model": "a", "fallbacks": ["b", "theirs"]}), 400, "model_not_found", "theirs"),
            (json!({"model": "a", "models": ["b", "secret"]}), 403, "model_not_allowed", "secret"),
            (json!({"model": "secret"}), 403, "model_not_allowed", "secret"),
            (json!({"model": "theirs"}), 404, "model_not_found", "theirs"),
            (json!({"model": "nobody", "models": ["a"]}), 404, "model_not_found", "nobody"),
            (json!({"models": ["nobody", "a"]}), 404, "model_not_found", "nobody"),
            (json!({"model": "nobody", "disable_fallbacks": true}), 404, "model_not_found", "nobody"),
        ] {
            let request = with_json(app.request(Method::POST, "/v1/chat/completions"), &chat_body(&body));
            let answer = app.call(request, &key).await;
            let error = answer.json()["error"].clone();
            assert_eq!((answer.status, &error["code"]), (status, &json!(code)), "{body}: {}", answer.text());
            assert!(error["message"].as_str().expect("a message").contains(&format!("'{named}'")), "{error}");
            assert!(error["type"].is_string() && error.get("param").is_some(), "{error}");
            assert_eq!(answer.header("x-should-retry"), "false");
            assert!(!answer.header("x-request-id").is_empty());
        }
        assert_eq!(fake.served(), 0);
        assert!(app.requests(0).await.is_empty() && app.events().await.is_empty());
    }

    async fn a_primary_that_answers_writes_no_event(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always(Script::answer("Hi"));
        let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-failsoft-model"), "a");
        assert_eq!(answer.header("x-failsoft-attempts"), "1");
        assert_eq!(answer.header("x-failsoft-fallback"), "none");
        assert_eq!(called(&fake), ["a-upstream"]);
        assert!(app.events().await.is_empty());
        let rows = app.requests(1).await;
        assert_eq!(
            pick(&rows, &["requested_model", "served_model", "outcome", "hops", "upstream_calls", "status_code"]),
            json!([["a", "a", "answered", 0, 1, 200]])
        );
        assert_eq!(
            pick(&rows, &["input_tokens", "output_tokens", "estimated", "streamed", "error_class"]),
            json!([[3, 2, false, false, null]])
        );
    }

    async fn with_fallbacks_disabled_the_primary_is_alone(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        app.organization.fallback("a", FallbackType::General, &["b"]).await;
        fake.next(Script::answer("Hi"));
        let answer = app.chat(&json!({"model": "a", "disable_fallbacks": true})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "a"));
        fake.next(Script::error(503, "overloaded", "busy"));
        let answer = app.chat(&json!({"model": "a", "disable_fallbacks": true})).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.json()["error"]["code"], "overloaded");
        assert_eq!(called(&fake), ["a-upstream", "a-upstream"]);
        let events = app.events().await;
        assert_eq!(pick(&events, &["failed_model", "next_model", "router_config_id"]), json!([["a", null, null]]));
        fake.next(Script::error(503, "overloaded", "busy"));
        fake.next(Script::answer("From b"));
        let answer = app.chat(&json!({"model": "a", "disable_fallbacks": false})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "b"));
        for list in ["models", "fallbacks"] {
            let answer = app.chat(&json!({"model": "a", "disable_fallbacks": true, list: ["b"]})).await;
            assert_eq!((answer.status, answer.json()["error"]["param"].clone()), (400, json!("disable_fallbacks")));
        }
    }

    async fn a_disabled_model_of_a_list_is_passed_over_on_record(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        app.organization.model("a", provider).await;
        app.organization.model_like("off", provider, |model| model.enabled = false).await;
        app.organization.model("c", provider).await;
        fake.next(Script::error(500, "server_error", "broken"));
        fake.next(Script::answer("From c"));
        let answer = app.chat(&json!({"model": "a", "models": ["off", "c"]})).await;
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=unavailable; hops=2");
        assert_eq!(answer.header("x-failsoft-attempts"), "2");
        let events = app.events().await;
        assert_eq!(
            pick(&events, &["failed_model", "next_model", "error_class", "hop", "attempts", "status_code"]),
            json!([["a", "off", "unavailable", 1, 1, 500], ["off", "c", "disabled", 2, 0, null]])
        );
        assert_eq!(events[1]["matched_rule"], json!(null));
        let attempts = app.requests(1).await[0]["attempts"].clone();
        assert_eq!(
            pick(attempts.as_array().expect("a list"), &["model", "provider", "status", "error_class", "passed_over"]),
            json!([
                ["a", "fake", 500, "unavailable", false],
                ["off", "fake", null, "disabled", true],
                ["c", "fake", 200, null, false]
            ])
        );
    }

    async fn no_callable_model_is_503_and_names_the_last_one(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        for name in ["a", "b"] {
            app.organization.model_like(name, provider, |model| model.enabled = false).await;
        }
        let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await;
        assert_eq!(answer.status, 503);
        let error = answer.json()["error"].clone();
        assert_eq!(error["code"], "disabled");
        assert!(error["message"].as_str().expect("a message").contains("'b'"), "{error}");
        assert_eq!(answer.header("x-should-retry"), "false");
        assert_eq!(answer.header("x-failsoft-attempts"), "0");
        assert_eq!(answer.header("x-failsoft-model"), "");
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=disabled; hops=2");
        let events = app.events().await;
        assert_eq!(pick(&events, &["failed_model", "next_model"]), json!([["a", "b"], ["b", null]]));
        assert_eq!(app.requests(1).await[0]["outcome"], "failed");
    }

    async fn the_session_is_kept_or_made_into_a_uuid(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::error(500, "server_error", "broken"));
        let uuid = "018f3c1e-7a4b-7c3d-9e2f-0123456789ab";
        app.chat(&json!({"model": "a", "session_id": uuid})).await;
        app.chat(&json!({"model": "a", "metadata": {"session_id": "chat 7"}})).await;
        let with_header = |session: &str| {
            with_json(app.request(Method::POST, "/v1/chat/completions"), &chat_body(&json!({"model": "a"})))
                .header("x-session-id", session)
        };
        app.call(with_header("chat 7"), &app.organization.key).await;
        app.chat(&json!({"model": "a"})).await;
        let derived = Uuid::new_v5(&app.organization.id, b"chat 7").to_string();
        let expected = json!([[uuid, null], [derived, "chat 7"], [derived, "chat 7"], [null, null]]);
        assert_eq!(pick(&app.events().await, &["session_id", "session_ref"]), expected);
        assert_eq!(pick(&app.requests(4).await, &["session_id", "session_ref"]), expected);
        let long = app.call(with_header(&"x".repeat(257)), &app.organization.key).await;
        assert_eq!((long.status, long.json()["error"]["param"].clone()), (400, json!("session_id")));
    }
}
