//! `POST /v1/messages/count_tokens`: the provider counts; nothing is billed or recorded.

use reqwest::Method;
use serde_json::{Value, json};

use super::catalog;
use crate::support::app::{Answer, App, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

async fn count(app: &App, more: Value) -> Answer {
    let mut body = json!({"messages": [{"role": "user", "content": "Hello"}]});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let request = with_json(app.request(Method::POST, "/v1/messages/count_tokens?beta=true"), &body);
    app.call(request.header("anthropic-beta", "token-counting"), &app.organization.key).await
}

on_both_databases! {
    async fn the_provider_counts(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a", "b"]).await;
        fake.next(Script::json(200, &json!({"input_tokens": 12, "context_management": null})));
        let answer = count(&app, json!({"model": "a", "models": ["b"], "system": "S"})).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"input_tokens": 12, "context_management": null})));
        assert_eq!(answer.header("x-failsoft-model"), "a");
        let sent = fake.request(0).await;
        assert_eq!(sent.path, "/v1/messages/count_tokens");
        assert_eq!(sent.header("anthropic-beta"), Some("token-counting"));
        assert_eq!(sent.json(), json!({"model": "a-upstream", "system": "S", "messages": [{"role": "user", "content": "Hello"}]}));
        assert!(app.requests(0).await.is_empty() && app.events().await.is_empty());
    }

    async fn another_model_counts_in_its_place_and_no_model_cools(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a", "b"]).await;
        fake.always_for("b-upstream", Script::json(200, &json!({"input_tokens": 9})));
        for failed in [
            Script::anthropic_error(404, "not_found_error", "no such path"),
            Script::anthropic_error(401, "authentication_error", "invalid x-api-key"),
            Script::json(200, &json!({"choices": []})),
            Script::new().close(),
        ] {
            fake.next_for("a-upstream", failed);
            let answer = count(&app, json!({"model": "a", "models": ["b"]})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "b"), "{}", answer.text());
        }
        // The model that did not count still answers first.
        fake.next_for("a-upstream", Script::message("Hi"));
        let answer = crate::messages::message(&app, &json!({"model": "a", "models": ["b"]})).await;
        assert_eq!(answer.header("x-failsoft-model"), "a");
        assert!(app.events().await.is_empty());
    }

    async fn without_a_count_the_error_says_why(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a"]).await;
        fake.next(Script::anthropic_error(529, "overloaded_error", "Overloaded"));
        let answer = count(&app, json!({"model": "a"})).await;
        assert_eq!((answer.status, &answer.json()["error"]["type"]), (529, &json!("overloaded_error")), "{}", answer.text());
        fake.next(Script::message("no count"));
        let wrong = count(&app, json!({"model": "a"})).await;
        assert_eq!((wrong.status, wrong.json()["error"]["message"].as_str()), (502, Some("the provider's answer is not a count of tokens")), "{}", wrong.text());
        app.organization.catalog(&fake, &["gpt"]).await;
        let unable = count(&app, json!({"model": "gpt"})).await;
        let text = unable.json()["error"]["message"].as_str().expect("a message").to_owned();
        assert!(unable.status == 400 && text.contains("'gpt'") && text.contains("counted"), "{text}");
        assert!(!text.contains("/v1/chat/completions"), "{text}");
        assert_eq!(count(&app, json!({"model": "nothing"})).await.status, 404);
        assert_eq!(count(&app, json!({})).await.status, 400);
    }
}
