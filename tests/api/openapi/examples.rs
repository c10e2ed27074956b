//! The examples of what is sent to models are accepted at every path, and so is that of an error mapping.

use reqwest::Method;
use serde_json::json;

use super::{document, operations, with_id};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

on_both_databases! {
    async fn what_the_examples_send_to_models_is_accepted(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("claude", "custom-messages", Some(&fake.base_url())).await;
        for name in ["smart", "steady"] {
            app.organization.model(name, provider).await;
        }
        fake.judge(|received| {
            let counts = received.path.ends_with("/count_tokens");
            counts.then(|| Script::json(200, &json!({"input_tokens": 12})))
        });
        fake.always(Script::message("Hello"));
        let operations = operations(&document(&app).await);
        for path in [
            "/v1/messages",
            "/messages",
            "/v1/messages/count_tokens",
            "/messages/count_tokens",
            "/openai/v1/chat/completions",
            "/openai/deployments/{model}/chat/completions",
            "/v1/model-router/error-mappings",
        ] {
            let example = &operations[&format!("POST {path}")]["requestBody"]["content"]["application/json"]["example"];
            assert!(example.is_object(), "POST {path} has no example");
            let called = path.replace("{model}", "smart");
            let request = app.request(Method::POST, &called).header("content-type", "application/json");
            let answer = app.call(request.body(with_id(example, &provider.to_string())), &app.organization.key).await;
            let expected = if path.ends_with("/error-mappings") { 201 } else { 200 };
            assert_eq!(answer.status, expected, "POST {path}: {}", answer.text());
        }
        // All but the mapping went to the provider.
        assert_eq!(fake.served(), 6);
    }
}
