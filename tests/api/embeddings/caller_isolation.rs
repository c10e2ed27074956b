//! What one caller asks of embeddings closes no model to the others.

use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::{PATH, small, vectors};
use crate::support::app::{Answer, App, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// More failures in a row than close a model.
const BAD: usize = 8;

async fn ask(app: &App, key: &str, model: &str, fields: &Value) -> Answer {
    let mut body = json!({"model": model, "input": "Hello"});
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    app.call(with_json(app.request(Method::POST, PATH), &body), key).await
}

/// A list of one vector of two numbers.
fn short() -> Script {
    Script::json(200, &json!({"object": "list", "data": [{"index": 0, "embedding": [1, 2]}]}))
}

fn empty() -> Script {
    Script::json(200, &json!({"object": "list", "data": []}))
}

/// A limit that lasts for an hour.
fn limited(message: &str) -> Script {
    let body = json!({"error": {"message": message, "code": "rate_limit_exceeded"}}).to_string();
    Script::respond(429, &[("content-type", "application/json"), ("retry-after", "3600")], &body)
}

on_both_databases! {
    async fn what_one_caller_asks_of_embeddings_closes_no_model(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let bad = app.organization.key_with(&[Scope::Inference]).await;
        for (number, (fields, script)) in [
            (json!({"dimensions": 5}), short()),
            (json!({"encoding_format": "hex"}), Script::json(200, &json!({"data": [{"embedding": "00"}, {"embedding": "11"}]}))),
            (json!({"input": ""}), empty()),
            (json!({"input": ["a", ""]}), short()),
            (json!({"input": [7, 4_000_000]}), empty()),
            (json!({"input": []}), Script::error(500, "server_error", "list index out of range")),
            (json!({"task": "retrieval.query"}), Script::error(403, "permission_denied", "Not included in your plan")),
            (json!({"task": "retrieval.query"}), Script::error(404, "model_not_found", "The model does not exist")),
            (json!({"dimensions": 5}), limited("Rate limit reached")),
            (json!({}), limited("Too many tokens in this request")),
        ].into_iter().enumerate() {
            let name = format!("m{number}");
            app.organization.model_like(&name, provider, |model| {
                small(model);
                model.upstream_model = format!("{}-upstream", model.name);
            }).await;
            fake.always_for(&format!("{name}-upstream"), script);
            for turn in 0..BAD {
                let mut fields = fields.clone();
                fields["seed"] = json!(turn);
                let answer = ask(&app, &bad, &name, &fields).await;
                assert_ne!(answer.status, 200, "{fields}");
                assert_eq!(answer.header("x-failsoft-attempts"), "1", "{fields}: {}", answer.text());
            }
            fake.always_for(&format!("{name}-upstream"), vectors(1));
            let answer = ask(&app, &app.organization.key, &name, &json!({})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, name.as_str()), "{fields}: {}", answer.text());
        }
    }

    async fn a_model_that_embeds_plain_texts_wrongly_is_closed(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        app.organization.model_like("one", provider, small).await;
        fake.always(empty());
        for turn in 0..BAD {
            ask(&app, &app.organization.key, "one", &json!({"input": format!("Turn {turn}.")})).await;
        }
        assert!(fake.served() < BAD, "{}", fake.served());
    }
}
