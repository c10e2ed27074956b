//! A request to a model of another kind is refused before any call, in the dialect of its endpoint.

use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::json;

use super::{PATH, embed, twins};
use crate::support::app::with_json;
use crate::support::on_both_databases;

on_both_databases! {
    async fn the_refusal_names_the_kind_and_the_endpoint(app: App) {
        let [first, _second] = twins(&app).await;
        let provider = app.organization.provider("chat-provider", &first).await;
        app.organization.model("chat", provider).await;
        for more in [json!({"model": "chat"}), json!({"models": ["chat"]})] {
            let refused = embed(&app, &more).await;
            let error = refused.json()["error"].clone();
            assert_eq!((refused.status, &error["code"]), (400, &json!("wrong_model_kind")), "{error}");
            let message = error["message"].as_str().expect("a message");
            assert!(message.contains("'chat' is a chat model, but this endpoint needs an embedding model"), "{message}");
            assert!(message.contains("POST /v1/chat/completions"), "{message}");
            assert_eq!(error["param"], if more.get("models").is_some() { "models" } else { "model" });
        }
        let chat = app.chat(&json!({"model": "one"})).await;
        assert_eq!((chat.status, &chat.json()["error"]["code"]), (400, &json!("wrong_model_kind")));
        assert!(chat.text().contains("POST /v1/embeddings"), "{}", chat.text());
        let message = json!({"model": "one", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]});
        let message = app.post("/v1/messages", &message).await;
        assert_eq!((message.status, &message.json()["error"]["type"]), (400, &json!("invalid_request_error")));
        let response = app.post("/v1/responses", &json!({"model": "one", "input": "Hi"})).await;
        assert_eq!((response.status, &response.json()["error"]["code"]), (400, &json!("wrong_model_kind")));
        assert_eq!(first.served(), 0);
        assert!(app.requests(0).await.is_empty() && app.events().await.is_empty());
    }

    async fn a_key_does_not_learn_the_kind_of_what_it_may_not_use(app: App) {
        let [_first, _second] = twins(&app).await;
        let listed = |key: &mut failsoft::store::NewApiKey| key.models = Some(vec!["two".to_owned()]);
        let key = app.organization.key_like(&[Scope::Inference], listed).await;
        let chat = json!({"model": "one", "messages": [{"role": "user", "content": "Hi"}]});
        let request = with_json(app.request(Method::POST, "/v1/chat/completions"), &chat);
        assert_eq!(app.call(request, &key).await.status, 403);
        let request = with_json(app.request(Method::POST, PATH), &json!({"model": "one", "input": "a"}));
        assert_eq!(app.call(request, &key).await.status, 403);
    }

    async fn a_dry_run_is_of_the_endpoint_of_the_kind(app: App) {
        let [first, _second] = twins(&app).await;
        let body = json!({"model": "one", "models": ["two"], "input": ["a", "b"]});
        let explained = app.post("/v1/model-router/explain", &body).await;
        assert_eq!(explained.status, 200, "{}", explained.text());
        let candidates = explained.json()["candidates"].clone();
        assert_eq!((&candidates[0]["calls"], &candidates[1]["model"]), (&json!(1), &json!("two")), "{candidates}");
        assert_eq!(candidates[0]["cost"]["lowest_nano_dollars"], candidates[0]["cost"]["highest_nano_dollars"]);
        assert_eq!(first.served(), 0);
    }
}
