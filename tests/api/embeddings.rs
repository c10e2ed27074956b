//! `POST /v1/embeddings`: failover between models with the same vectors, records and prices.

mod answers;
mod caller_isolation;
mod faults;
mod kinds;

use failsoft::domain::operation::ModelKind;
use failsoft::providers::ModelPrice;
use failsoft::store::ModelFields;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const PATH: &str = "/v1/embeddings";

/// An answer with so many vectors of three numbers; its usage is 7 prompt tokens.
pub(crate) fn vectors(count: usize) -> Script {
    let entry = |index| json!({"object": "embedding", "index": index, "embedding": [0.25, -1, 3e-4]});
    let data: Vec<Value> = (0..count).map(entry).collect();
    Script::json(
        200,
        &json!({
            "object": "list", "data": data, "model": "upstream",
            "usage": {"prompt_tokens": 7, "total_tokens": 7}
        }),
    )
}

/// Makes a model one of embeddings, without another name at its provider than `small`.
fn small(model: &mut ModelFields) {
    model.upstream_model = "small".to_owned();
    model.settings.kind = ModelKind::Embedding;
    model.settings.price = Some(ModelPrice { input: Some(20_000), ..ModelPrice::default() });
}

/// Models `one` and `two` with the same vectors, each of its own provider.
async fn twins(app: &App) -> [FakeProvider; 2] {
    let fakes = [FakeProvider::start().await, FakeProvider::start().await];
    for (fake, name) in fakes.iter().zip(["one", "two"]) {
        let provider = app.organization.provider(&format!("{name}-provider"), fake).await;
        app.organization.model_like(name, provider, small).await;
    }
    fakes
}

/// Sends a request with `more` in its body.
async fn embed(app: &App, more: &Value) -> Answer {
    let mut body = json!({"model": "one", "input": "Hello"});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    app.call(with_json(app.request(Method::POST, PATH), &body), &app.organization.key).await
}

on_both_databases! {
    async fn bytes_pass_and_the_request_is_on_record_with_its_price(app: App) {
        let [first, _second] = twins(&app).await;
        first.next(vectors(2));
        let more = json!({
            "input": ["a", "b"], "dimensions": 3, "user": "u", "input_type": "query",
            "session_id": "s-1", "num_retries": 0, "max_fallbacks": 1
        });
        let answer = embed(&app, &more).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        assert_eq!((&body["model"], &body["data"][1]["index"]), (&json!("one"), &json!(1)));
        assert!(body.get("provider").is_none() && body.get("system_fingerprint").is_none(), "{body}");
        assert!(answer.text().contains("[0.25,-1,0.0003]"), "{}", answer.text());
        assert_eq!(answer.header("x-failsoft-model"), "one");
        let sent = first.request(0).await;
        assert_eq!(sent.path, "/v1/embeddings");
        let expected = json!({"input": ["a", "b"], "dimensions": 3, "user": "u", "input_type": "query", "model": "small"});
        assert_eq!(sent.json(), expected);
        let row = app.requests(1).await.remove(0);
        assert_eq!((&row["endpoint"], &row["invocation_type"]), (&json!(PATH), &json!("embedding")));
        assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(7), &json!(0)));
        // Seven tokens at twenty dollars for a billion.
        assert_eq!((&row["cost_nano_dollars"], &row["estimated"]), (&json!(140), &json!(false)));
        assert_eq!((&row["session_ref"], &row["usage_flag"]), (&json!("s-1"), &Value::Null));
    }

    async fn a_model_with_the_same_vectors_answers_for_one_that_fails(app: App) {
        let [first, second] = twins(&app).await;
        first.always(Script::error(503, "overloaded", "too busy"));
        second.always(vectors(1));
        let id = app.organization.fallback("one", failsoft::domain::fallback_type::FallbackType::General, &["two"]).await;
        for more in [json!({}), json!({"models": ["two"]})] {
            let answer = embed(&app, &more).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "two"), "{}", answer.text());
            assert_eq!(answer.header("x-failsoft-fallback"), "from=one; class=overloaded; hops=1");
            assert_eq!(answer.json()["model"], "two");
        }
        let event = app.events().await.remove(0);
        assert_eq!((&event["failed_model"], &event["next_model"]), (&json!("one"), &json!("two")));
        assert_eq!((&event["invocation_type"], &event["router_config_id"]), (&json!("embedding"), &json!(id)));
        let failed = embed(&app, &json!({"disable_fallbacks": true})).await;
        assert_eq!((failed.status, &failed.json()["error"]["code"]), (503, &json!("overloaded")));
        let drilled = embed(&app, &json!({"mock_testing_fallbacks": true})).await;
        assert_eq!((drilled.status, drilled.header("x-failsoft-model")), (200, "two"));
        let row = app.requests(4).await.pop().expect("a row");
        assert_eq!((&row["origin"], &row["served_model"]), (&json!("drill"), &json!("two")));
    }

    async fn other_vectors_are_passed_over_unless_they_are_marked_as_interchangeable(app: App) {
        let [first, second] = twins(&app).await;
        let provider = app.organization.provider("other-provider", &second).await;
        app.organization.model_like("other", provider, |model| {
            small(model);
            model.upstream_model = "large".to_owned();
        }).await;
        app.organization.fallback("one", failsoft::domain::fallback_type::FallbackType::General, &["other"]).await;
        first.always(Script::error(503, "overloaded", "too busy"));
        second.always(vectors(1));
        for more in [json!({}), json!({"models": ["other"]})] {
            let refused = embed(&app, &more).await;
            let error = refused.json()["error"].clone();
            assert_eq!((refused.status, &error["code"]), (503, &json!("overloaded")), "{error}");
            let skipped = &error["metadata"]["attempts"][1];
            assert_eq!((&skipped["model"], &skipped["passed_over"]), (&json!("other"), &json!(true)), "{error}");
            assert_eq!(skipped["matched_rule"], "lacks_capability:vector_space", "{error}");
        }
        assert_eq!(second.served(), 0);
        // A drill shows the same.
        let drilled = embed(&app, &json!({"mock_testing_fallbacks": true})).await;
        assert_eq!(drilled.status, 502, "{}", drilled.text());
        let models = app.get("/v1/model-router/models").await.json();
        for model in models["items"].as_array().expect("a list") {
            let path = format!("/v1/model-router/models/{}", model["id"].as_str().expect("an id"));
            assert_eq!(app.patch(&path, &json!({"vector_space": "ours"})).await.status, 200);
        }
        let answer = embed(&app, &json!({})).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "other"), "{}", answer.text());
    }

    async fn budgets_reserve_by_the_size_of_the_input(app: App) {
        let [first, _second] = twins(&app).await;
        first.always(vectors(1));
        let budget = json!({"api_key_id": null, "period": "day", "hard_limit_nano_dollars": 10_000});
        assert_eq!(app.post("/v1/model-router/budgets", &budget).await.status, 201);
        // At 20 nano-dollars a token: a thousand tokens do not fit, as text or as numbers; a few do.
        for large in [json!("word ".repeat(2_000)), json!(vec![17; 2_000]), json!([vec![17; 1_000], vec![4; 1_000]])] {
            let refused = embed(&app, &json!({"input": large})).await;
            assert_eq!((refused.status, &refused.json()["error"]["code"]), (402, &json!("over_budget")));
        }
        assert_eq!(first.served(), 0);
        assert_eq!(embed(&app, &json!({"input": vec![17; 20]})).await.status, 200);
    }

    async fn every_path_of_it_is_the_same_endpoint(app: App) {
        let [first, _second] = twins(&app).await;
        first.always(vectors(1));
        let body = json!({"model": "one", "input": "Hello"});
        for path in [PATH, "/embeddings", "/openai/v1/embeddings", "/api/v1/embeddings", "/v1/v1/embeddings"] {
            assert_eq!(app.post(path, &body).await.status, 200, "{path}");
        }
        let azure = app.post("/openai/deployments/one/embeddings?api-version=2024-10-21", &json!({"input": "Hello"})).await;
        assert_eq!(azure.status, 200, "{}", azure.text());
        let other = app.post("/openai/deployments/two/embeddings", &body).await;
        assert_eq!((other.status, &other.json()["error"]["code"]), (400, &json!("conflicting_fields")));
        let numeric = app.post("/api/v1/embeddings", &json!({"model": "none", "input": "Hello"})).await;
        assert_eq!((numeric.status, &numeric.json()["error"]["code"]), (404, &json!(404)));
        let path = first.request(0).await.path;
        assert!(first.requests().iter().all(|request| request.path == path));
    }
}
