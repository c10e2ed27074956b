//! Requests that ask for nothing: an answer that is as empty is an answer, and what servers make of them is of no model.

use failsoft::domain::operation::ModelKind;
use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::with;
use crate::support::app::with_json;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// More failures in a row than close a model.
const BAD: usize = 7;

/// A kind of models, its path, a request that asks for nothing, the empty answer, an ordinary request and its answer.
type Row = (ModelKind, &'static str, Value, Value, Value, Value);

fn rows() -> [Row; 5] {
    let image = json!({"created": 1, "data": [{"b64_json": "aGVsbG8="}]});
    [
        (
            ModelKind::Rerank,
            "/v1/rerank",
            json!({"query": "q", "documents": []}),
            json!({"results": []}),
            json!({"query": "q", "documents": ["a"]}),
            json!({"results": [{"index": 0, "relevance_score": 0.5}]}),
        ),
        (
            ModelKind::Embedding,
            "/v1/embeddings",
            json!({"input": []}),
            json!({"object": "list", "data": []}),
            json!({"input": "a"}),
            json!({"object": "list", "data": [{"index": 0, "embedding": [1, 2]}]}),
        ),
        (
            ModelKind::Moderation,
            "/v1/moderations",
            json!({"input": []}),
            json!({"id": "m", "results": []}),
            json!({"input": "a"}),
            json!({"id": "m", "results": [{"flagged": false}]}),
        ),
        (
            ModelKind::Image,
            "/v1/images/generations",
            json!({"prompt": ""}),
            json!({"created": 1, "data": []}),
            json!({"prompt": "a fox"}),
            image,
        ),
        (
            ModelKind::Completion,
            "/v1/completions",
            json!({"prompt": []}),
            json!({"choices": []}),
            json!({"prompt": "a"}),
            json!({"choices": [{"index": 0, "text": "b", "finish_reason": "stop"}]}),
        ),
    ]
}

on_both_databases! {
    async fn an_answer_that_is_as_empty_as_its_request_passes(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        for (number, (kind, path, nothing, empty, ..)) in rows().into_iter().enumerate() {
            let name = format!("m{number}");
            app.organization.model_like(&name, provider, |model| model.settings.kind = kind).await;
            fake.always_for(&format!("{name}-upstream"), Script::json(200, &empty));
            for turn in 0..BAD {
                let answer = app.post(path, &with(&nothing, &name, &json!({"seed": turn}))).await;
                assert_eq!((answer.status, answer.json()), (200, empty.clone()), "{path}");
            }
            assert!(app.events().await.is_empty(), "{path}");
        }
    }

    async fn what_a_server_makes_of_nothing_closes_no_model(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let bad = app.organization.key_with(&[Scope::Inference]).await;
        let scripts = [
            (400, Script::error(400, "invalid_input", "it is empty")),
            (502, Script::error(500, "server_error", "list index out of range")),
            (502, Script::respond(200, &[], "")),
        ];
        for (number, (kind, path, nothing, _, something, answer)) in rows().into_iter().enumerate() {
            for (turn, (status, script)) in scripts.iter().enumerate() {
                let name = format!("m{number}-{turn}");
                app.organization.model_like(&name, provider, |model| model.settings.kind = kind).await;
                fake.always_for(&format!("{name}-upstream"), script.clone());
                for seed in 0..BAD {
                    let body = with(&nothing, &name, &json!({"seed": seed, "num_retries": 0}));
                    let refused = app.call(with_json(app.request(Method::POST, path), &body), &bad).await;
                    assert_eq!((refused.status, refused.header("x-failsoft-attempts")), (*status, "1"), "{path}: {}", refused.text());
                }
                fake.always_for(&format!("{name}-upstream"), Script::json(200, &answer));
                let other = app.post(path, &with(&something, &name, &json!({}))).await;
                assert_eq!((other.status, other.header("x-failsoft-attempts")), (200, "1"), "{path}: {}", other.text());
            }
        }
    }
}
