//! A limit that a large request met says little of the others: it keeps its key from the model for a short time, until another
//! key meets one.

use std::time::Duration;

use failsoft::domain::operation::ModelKind;
use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::with;
use crate::support::app::{Answer, App, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// A limit of an hour that does not say what is limited.
fn limited() -> Script {
    Script::respond(429, &[("retry-after", "3600")], "")
}

/// A kind of models, its path, a request that asks for much, one that asks for little, and the answer to that.
type Row = (ModelKind, &'static str, Value, Value, Value);

fn rows() -> Vec<Row> {
    let texts = vec!["a"; 2_000];
    let said = json!([{"role": "user", "content": "Hello"}]);
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}});
    let long = json!([{"role": "user", "content": "word and ".repeat(10_000)}]);
    let chat = |much: Value| {
        let answer = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]});
        (ModelKind::Chat, "/v1/chat/completions", much, json!({"messages": said}), answer)
    };
    vec![
        (
            ModelKind::Embedding,
            "/v1/embeddings",
            json!({"input": texts}),
            json!({"input": "a"}),
            json!({"object": "list", "data": [{"index": 0, "embedding": [1, 2]}]}),
        ),
        (
            ModelKind::Rerank,
            "/v1/rerank",
            json!({"query": "q", "documents": texts}),
            json!({"query": "q", "documents": ["a"]}),
            json!({"results": [{"index": 0, "relevance_score": 0.5}]}),
        ),
        (
            ModelKind::Image,
            "/v1/images/generations",
            json!({"prompt": "a fox", "n": 10}),
            json!({"prompt": "a fox"}),
            json!({"created": 1, "data": [{"b64_json": "aGVsbG8="}]}),
        ),
        chat(json!({"messages": said, "tools": [tool]})),
        chat(json!({"messages": said, "max_tokens": 64_000})),
        chat(json!({"messages": long})),
    ]
}

async fn ask(app: &App, key: &str, path: &str, body: &Value) -> Answer {
    app.call(with_json(app.request(Method::POST, path), body), key).await
}

async fn is_closed(app: &App, model: &str) -> Value {
    let page = app.get(&format!("/v1/model-router/models?name={model}")).await.json();
    page["items"][0]["cooldown"]["open"].clone()
}

on_both_databases! {
    async fn a_limit_that_one_large_request_met_closes_the_model_to_no_other_key(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let bad = app.organization.key_with(&[Scope::Inference]).await;
        let good = app.organization.key_with(&[Scope::Inference]).await;
        for (number, (kind, path, much, little, answer)) in rows().into_iter().enumerate() {
            let name = format!("m{number}");
            app.organization.model_like(&name, provider, |model| model.settings.kind = kind).await;
            let upstream = format!("{name}-upstream");
            fake.always_for(&upstream, limited());
            let [much, little] = [much, little].map(|body| with(&body, &name, &json!({})));
            // The second call is the one that a request without another model has.
            for attempts in ["1", "1", "0"] {
                let refused = ask(&app, &bad, path, &much).await;
                assert_eq!((refused.status, refused.header("x-failsoft-attempts")), (429, attempts), "{path}: {}", refused.text());
                if attempts == "0" {
                    assert_eq!(refused.header("retry-after"), "30", "{path}");
                }
            }
            assert_eq!(is_closed(&app, &name).await, json!(false), "{path}");
            fake.always_for(&upstream, Script::json(200, &answer));
            let other = ask(&app, &good, path, &little).await;
            assert_eq!((other.status, other.header("x-failsoft-attempts")), (200, "1"), "{path}: {}", other.text());
            app.clock.advance(Duration::from_secs(30));
            assert_eq!(ask(&app, &bad, path, &little).await.status, 200, "{path}");
        }
    }

    async fn a_limit_that_two_keys_or_a_small_request_met_is_believed_to_its_end(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let keys = [
            app.organization.key_with(&[Scope::Inference]).await,
            app.organization.key_with(&[Scope::Inference]).await,
        ];
        let (kind, path, much, little, answer) = rows().remove(1);
        for (number, second) in [(&keys[1], &much), (&keys[0], &little)].into_iter().enumerate() {
            let name = format!("m{number}");
            app.organization.model_like(&name, provider, |model| model.settings.kind = kind).await;
            fake.always_for(&format!("{name}-upstream"), limited());
            for (key, body) in [(&keys[0], &much), second] {
                ask(&app, key, path, &with(body, &name, &json!({}))).await;
            }
            assert_eq!(is_closed(&app, &name).await, json!(true), "{number}");
            fake.always_for(&format!("{name}-upstream"), Script::json(200, &answer));
            app.clock.advance(Duration::from_secs(3_599));
            assert_eq!(is_closed(&app, &name).await, json!(true), "{number}");
            app.clock.advance(Duration::from_secs(1));
            let body = with(&little, &name, &json!({}));
            assert_eq!(ask(&app, &app.organization.key, path, &body).await.status, 200, "{number}");
        }
    }

    async fn a_limit_that_says_what_it_is_of_closes_the_model_at_once(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let (kind, path, much, ..) = rows().remove(0);
        for (number, message) in ["Limit of requests per day reached", "The quota of the account is used up"].into_iter().enumerate() {
            let name = format!("m{number}");
            app.organization.model_like(&name, provider, |model| model.settings.kind = kind).await;
            let error = json!({"error": {"message": message}}).to_string();
            fake.always_for(&format!("{name}-upstream"), Script::respond(429, &[("retry-after", "3600"), ("content-type", "application/json")], &error));
            ask(&app, &app.organization.key, path, &with(&much, &name, &json!({}))).await;
            app.clock.advance(Duration::from_secs(1_800));
            assert_eq!(is_closed(&app, &name).await, json!(true), "{message}");
        }
    }
}
