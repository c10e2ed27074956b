//! Which of its dialects a provider is called in.

use serde_json::json;

use super::{catalog, message};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

on_both_databases! {
    async fn only_providers_of_the_dialect_count_tokens(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["claude"]).await;
        app.organization.catalog(&fake, &["gpt"]).await;
        fake.always_for("claude-upstream", Script::json(200, &json!({"input_tokens": 12})));
        let prompt = json!([{"role": "user", "content": "Hello"}]);
        let counted = app.post("/v1/messages/count_tokens", &json!({"model": "gpt", "models": ["claude"], "messages": prompt})).await;
        assert_eq!((counted.status, counted.header("x-failsoft-model")), (200, "claude"), "{}", counted.text());
        let refused = app.post("/v1/messages/count_tokens", &json!({"model": "gpt", "messages": prompt})).await;
        assert_eq!((refused.status, &refused.json()["failsoft"]["code"]), (400, &json!("unsupported_dialect")), "{}", refused.text());
        assert_eq!(fake.served(), 1);
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
