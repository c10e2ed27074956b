//! The list of models in Anthropic's shape, and the call with which Claude Code looks for the server.

use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::catalog;
use crate::support::app::{Answer, App};
use crate::support::fake_provider::FakeProvider;
use crate::support::on_both_databases;

async fn list(app: &App, path: &str, key: &str) -> Answer {
    app.call(app.request(Method::GET, path).header("anthropic-version", "2023-06-01"), key).await
}

fn ids(answer: &Answer) -> Vec<Value> {
    answer.json()["data"].as_array().expect("a list").iter().map(|model| model["id"].clone()).collect()
}

on_both_databases! {
    async fn callers_of_anthropics_api_get_its_shape(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["a", "b", "c"]).await;
        let key = app.organization.key.clone();
        let answer = list(&app, "/v1/models?limit=1000", &key).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = answer.json();
        assert_eq!((&page["has_more"], &page["first_id"], &page["last_id"]), (&json!(false), &json!("a"), &json!("c")));
        assert_eq!((&page["data"][0]["type"], &page["data"][0]["display_name"]), (&json!("model"), &json!("a")));
        assert!(page["data"][0]["created_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{page}");
        for (query, expected, more) in [
            ("limit=2", vec!["a", "b"], true),
            ("limit=2&after_id=a", vec!["b", "c"], false),
            ("limit=1&before_id=c", vec!["b"], true),
            ("after_id=c", vec![], false),
        ] {
            let answer = list(&app, &format!("/v1/models?{query}"), &key).await;
            assert_eq!((ids(&answer), &answer.json()["has_more"]), (expected.into_iter().map(Value::from).collect(), &json!(more)), "{query}");
        }
        let one = list(&app, "/v1/models/b", &key).await;
        assert_eq!((&one.json()["type"], &one.json()["id"]), (&json!("model"), &json!("b")));
        for (path, status, kind) in [
            ("/v1/models/nothing", 404, "not_found_error"),
            ("/v1/models?limit=0", 400, "invalid_request_error"),
            ("/v1/models?limit=x", 400, "invalid_request_error"),
        ] {
            let answer = list(&app, path, &key).await;
            assert_eq!((answer.status, &answer.json()["error"]["type"]), (status, &json!(kind)), "{path}");
        }
        let narrow = app.organization.key_like(&[Scope::Inference], |new| new.models = Some(vec!["b".into()])).await;
        assert_eq!(ids(&list(&app, "/v1/models", &narrow).await), ["b"]);
        // Others keep OpenAI's shape.
        assert_eq!(app.get("/v1/models").await.json()["object"], "list");
    }

    async fn models_of_other_dialects_are_listed_too(app: App) {
        let fake = FakeProvider::start().await;
        catalog(&app.organization, &fake, &["claude"]).await;
        app.organization.catalog(&fake, &["gpt"]).await;
        let key = app.organization.key.clone();
        assert_eq!(ids(&list(&app, "/v1/models", &key).await), ["claude", "gpt"]);
        assert_eq!(list(&app, "/v1/models/gpt", &key).await.status, 200);
        // Claude Code's mark of a long context window is no part of the name.
        for path in ["/v1/models/claude%5B1m%5D", "/v1/v1/models/claude", "/models/claude"] {
            let one = list(&app, path, &key).await;
            assert_eq!((one.status, &one.json()["id"]), (200, &json!("claude")), "{path}: {}", one.text());
        }
        assert_eq!(app.get("/v1/models/claude%5B1m%5D").await.status, 404);
    }

    async fn the_server_says_that_it_is_there(app: App) {
        for method in [Method::GET, Method::HEAD] {
            let answer = app.send(app.request(method, "/api/hello")).await;
            assert_eq!(answer.status, 200);
        }
    }
}
