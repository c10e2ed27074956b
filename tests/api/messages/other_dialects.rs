//! Models of providers that do not speak the dialect of a request.

use serde_json::json;

use super::{catalog, message};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

on_both_databases! {
    async fn a_model_of_another_dialect_is_passed_over(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["claude"]).await;
        app.organization.catalog(&fake, &["gpt"]).await;
        fake.always_for("claude-upstream", Script::message("Hi"));
        fake.always_for("gpt-upstream", Script::answer("Hi"));
        let message = message(&app, &json!({"model": "gpt", "models": ["claude"]})).await;
        assert_eq!((message.status, message.header("x-failsoft-model")), (200, "claude"), "{}", message.text());
        let chat = app.chat(&json!({"model": "claude", "models": ["gpt"]})).await;
        assert_eq!((chat.status, chat.header("x-failsoft-model")), (200, "gpt"), "{}", chat.text());
        assert_eq!(fake.served(), 2);
        for event in app.events().await {
            assert_eq!(event["error_class"], "lacks_capability");
            assert_eq!(event["matched_rule"], "lacks_capability:dialect");
            assert_eq!(event["attempts"], 0);
        }
        let rows = app.requests(2).await;
        let attempt = &rows[0]["attempts"][0];
        assert_eq!((&attempt["passed_over"], &attempt["matched_rule"]), (&json!(true), &json!("lacks_capability:dialect")), "{attempt}");
    }

    async fn a_chain_without_the_dialect_is_refused_before_any_call(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["claude", "claude2"]).await;
        app.organization.catalog(&fake, &["gpt", "gpt2"]).await;
        let refused = message(&app, &json!({"model": "gpt", "models": ["gpt2"]})).await;
        assert_eq!((refused.status, &refused.json()["error"]["type"]), (400, &json!("invalid_request_error")), "{}", refused.text());
        let text = refused.json()["error"]["message"].as_str().expect("a message").to_owned();
        assert!(text.contains("'gpt'") && text.contains("/v1/chat/completions"), "{text}");
        let refused = app.chat(&json!({"model": "claude", "models": ["claude2"]})).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!("unsupported_dialect")), "{}", refused.text());
        assert_eq!(fake.served(), 0);
        assert!(app.requests(0).await.is_empty() && app.events().await.is_empty());
        // A model is refused for what it is first.
        assert_eq!(message(&app, &json!({"model": "nothing"})).await.status, 404);
    }

    async fn the_dialect_is_no_opinion(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["claude"]).await;
        app.organization.catalog(&fake, &["gpt"]).await;
        // When the only model that speaks it fails, the other one is not called as a last resort.
        fake.always_for("claude-upstream", Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        let answer = message(&app, &json!({"model": "claude", "models": ["gpt"]})).await;
        assert_eq!((answer.status, fake.served()), (529, 1), "{}", answer.text());
    }

    async fn anthropics_own_provider_speaks_both(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("anthropic", "anthropic", Some(&fake.base_url())).await;
        app.organization.model("a", provider).await;
        fake.next(Script::message("Hi"));
        assert_eq!(message(&app, &json!({"model": "a"})).await.status, 200);
        fake.next(Script::answer("Hi"));
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        let [native, compatible] = [fake.request(0).await, fake.request(1).await];
        assert_eq!((native.path.as_str(), compatible.path.as_str()), ("/v1/messages", "/v1/chat/completions"));
        assert_eq!((native.header("x-api-key"), native.header("authorization")), (Some("sk-upstream-secret-0001"), None));
        assert_eq!((compatible.header("x-api-key"), compatible.header("authorization")), (None, Some("Bearer sk-upstream-secret-0001")));
    }
}
