//! Models that do not meet a request's requirements are skipped, as far as the catalog knows.

use failsoft::domain::fallback_type::FallbackType;
use failsoft::providers::Capabilities;
use serde_json::{Value, json};

use super::{called, pick};
use crate::support::app::App;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// Models with windows of 100, 1,000 and 10,000 tokens, and one without vision and tools.
async fn catalog(app: &App) -> FakeProvider {
    let fake = FakeProvider::start().await;
    let provider = app.organization.provider("fake", &fake).await;
    for (name, window) in [("small", 100), ("middle", 1_000), ("large", 10_000)] {
        app.organization
            .model_like(name, provider, |model| model.settings.context_window = Some(window))
            .await;
    }
    let plain = Capabilities { tools: Some(false), vision: Some(false), ..Capabilities::default() };
    app.organization.model_like("plain", provider, |model| model.settings.capabilities = plain).await;
    fake.always(Script::answer("Hi"));
    fake
}

fn prompt(characters: usize) -> Value {
    json!([{"role": "user", "content": "a ".repeat(characters / 2)}])
}

on_both_databases! {
    async fn a_prompt_that_cannot_fit_goes_to_the_list_for_context_windows(app: App) {
        let fake = catalog(&app).await;
        app.organization.fallback("small", FallbackType::General, &["middle"]).await;
        app.organization.fallback("small", FallbackType::ContextWindow, &["large"]).await;
        let answer = app.chat(&json!({"model": "small", "messages": prompt(700)})).await;
        assert_eq!(answer.header("x-failsoft-model"), "small", "it may fit: it is the provider's to judge");
        let answer = app.chat(&json!({"model": "small", "messages": prompt(900)})).await;
        assert_eq!(answer.header("x-failsoft-model"), "large");
        assert_eq!(answer.header("x-failsoft-fallback"), "from=small; class=too_large; hops=1");
        assert_eq!(called(&fake), ["small-upstream", "large-upstream"]);
        assert_eq!(
            pick(&app.events().await, &["failed_model", "next_model", "error_class", "attempts"]),
            json!([["small", "large", "too_large", 0]])
        );
    }

    async fn files_and_sound_by_their_ids_are_at_the_provider_of_the_first_model(app: App) {
        let (here, there) = (FakeProvider::start().await, FakeProvider::start().await);
        for (name, fake) in [("first", &here), ("second", &there)] {
            let provider = app.organization.provider(&format!("{name}-provider"), fake).await;
            app.organization.model(name, provider).await;
        }
        there.always(Script::answer("Hi"));
        let file = |file: Value| json!([{"role": "user", "content": [{"type": "file", "file": file}]}]);
        let ask = async |messages: &Value| {
            here.next(Script::error(503, "overloaded", "busy"));
            app.chat(&json!({"models": ["first", "second"], "num_retries": 0, "messages": messages})).await
        };
        for messages in [
            file(json!({"file_id": "file-1"})),
            json!([{"role": "assistant", "audio": {"id": "audio_1"}}, {"role": "user", "content": "Again, please."}]),
        ] {
            let answer = ask(&messages).await;
            assert_eq!((answer.status, there.served()), (503, 0), "{messages}: {}", answer.text());
            let event = app.events().await.pop().expect("an event");
            assert_eq!((&event["failed_model"], &event["error_class"]), (&json!("second"), &json!("lacks_capability")), "{event}");
            assert!(event["error_message"].as_str().is_some_and(|message| message.contains("does not store")), "{event}");
        }
        let answer = ask(&file(json!({"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}))).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "second"), "{}", answer.text());
    }

    async fn images_and_tools_go_to_models_that_can(app: App) {
        let _fake = catalog(&app).await;
        let image = json!([{"role": "user", "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]);
        let tools = json!([{"type": "function", "function": {"name": "look", "parameters": {}}}]);
        for more in [json!({"messages": image}), json!({"tools": tools})] {
            let mut body = json!({"model": "plain", "models": ["large"]});
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            let answer = app.chat(&body).await;
            assert_eq!(answer.header("x-failsoft-fallback"), "from=plain; class=lacks_capability; hops=1");
        }
        let answer = app.chat(&json!({"model": "plain", "models": ["large"]})).await;
        assert_eq!(answer.header("x-failsoft-model"), "plain");
    }

    /// Prose instead of JSON looks like an answer, so a model without schema support comes last.
    async fn a_schema_goes_to_models_that_can_be_held_to_it(app: App) {
        let fake = catalog(&app).await;
        let provider = app.organization.provider_at("claude", "anthropic", Some(&fake.base_url())).await;
        app.organization.model("claude", provider).await;
        let prose = Capabilities { structured_output: Some(false), ..Capabilities::default() };
        let custom = app.organization.provider("other", &fake).await;
        app.organization.model_like("prose", custom, |model| model.settings.capabilities = prose).await;
        fake.always_for("small-upstream", Script::error(400, "no", "never"));
        let schema = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}});
        let ask = async |models: Value, format: &Value| {
            app.chat(&json!({"models": models, "response_format": format})).await
        };
        for unable in ["prose", "claude"] {
            let answer = ask(json!(["small", unable, "large"]), &schema).await;
            assert_eq!(answer.header("x-failsoft-model"), "large", "{unable}: {}", answer.text());
            assert_eq!(answer.header("x-failsoft-attempts"), "2", "{unable}");
            let answer = ask(json!(["small", unable, "large"]), &json!({"type": "text"})).await;
            assert_eq!(answer.header("x-failsoft-model"), unable);
            // No other model is left: then it is used anyway, and the change is reported.
            let answer = ask(json!(["small", unable]), &schema).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, unable), "{}", answer.text());
            assert_eq!(fake.requests().pop().expect("a request").json().get("response_format"), None);
        }
        let classes = pick(&app.events().await, &["failed_model", "next_model", "error_class"]);
        assert_eq!(classes[1], json!(["prose", "large", "lacks_capability"]));
        // The caller may know what a vendor ignores; the catalog's facts apply to all.
        assert_eq!(ask(json!(["claude", "large"]), &schema).await.header("x-failsoft-model"), "claude");
        assert_eq!(ask(json!(["prose", "large"]), &schema).await.header("x-failsoft-model"), "large");
    }

    async fn the_largest_window_is_the_last_resort(app: App) {
        let fake = catalog(&app).await;
        let answer = app.chat(&json!({"models": ["small", "middle"], "messages": prompt(9_000)})).await;
        assert_eq!(answer.header("x-failsoft-model"), "middle", "{}", answer.text());
        let answer = app.chat(&json!({"model": "small", "messages": prompt(9_000)})).await;
        assert_eq!(answer.header("x-failsoft-model"), "small");
        fake.always(Script::error(400, "context_length_exceeded", "too long"));
        let answer = app.chat(&json!({"models": ["small", "middle"], "messages": prompt(9_000)})).await;
        assert_eq!(answer.status, 400);
        let errors = pick(&app.events().await, &["failed_model", "error_class"]);
        assert_eq!(
            errors,
            json!([["small", "too_large"], ["small", "too_large"], ["middle", "context_window_exceeded"]])
        );
    }
}
