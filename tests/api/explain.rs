//! `POST /v1/model-router/explain`.

mod endpoints;

use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::Scope;
use failsoft::providers::ModelPrice;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

const PATH: &str = "/v1/model-router/explain";

async fn explain(app: &App, header: &str, more: &Value) -> Answer {
    let request = app.request(Method::POST, PATH).header("x-failsoft-drill", header);
    app.call(with_json(request, &chat_body(more)), &app.organization.key).await
}

fn rows(answer: &Answer, members: &[&str]) -> Value {
    let candidates = answer.json()["candidates"].as_array().expect("a list").clone();
    let row = |item: &Value| members.iter().map(|member| item[member].clone()).collect();
    candidates.iter().map(row).collect::<Vec<Value>>().into()
}

on_both_databases! {
    async fn the_plan_is_returned_without_any_call(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let price = ModelPrice { input: Some(1_000_000), output: Some(2_000_000), ..ModelPrice::default() };
        app.organization
            .model_like("a", provider, |model| {
                model.settings.num_retries = Some(1);
                model.settings.answer_timeout_ms = Some(20_000);
                model.settings.first_frame_timeout_ms = Some(5_000);
                model.settings.price = Some(price);
            })
            .await;
        app.organization.model_like("off", provider, |model| model.enabled = false).await;
        app.organization.model("b", provider).await;
        let config = app.organization.fallback("a", FallbackType::General, &["off", "b"]).await;
        let answer = explain(&app, "", &json!({"model": "a", "max_tokens": 100})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(
            rows(&answer, &["model", "passed_over", "fails_with", "calls", "router_config_id", "timeout_ms"]),
            json!([
                ["a", null, "unavailable", 2, null, 20_000],
                ["off", "disabled", null, 0, config, 120_000],
                ["b", null, "unavailable", 1, config, 120_000],
            ])
        );
        let told = answer.json();
        // Two calls of a with a wait of at most 250 ms in between, and one of b.
        assert_eq!(told["worst_case_ms"], 160_250);
        let lowest = told["cost"]["lowest_nano_dollars"].as_i64().expect("a price");
        assert_eq!(told["cost"]["highest_nano_dollars"], lowest + 100 * 2_000);
        let streamed = explain(&app, "", &json!({"model": "a", "stream": true})).await;
        assert_eq!(streamed.json()["candidates"][0]["timeout_ms"], 5_000);
        assert_eq!(fake.served(), 0);
        assert!(app.events().await.is_empty() && app.requests(0).await.is_empty());
    }

    async fn it_shows_the_effect_of_another_failure(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b", "c"]).await;
        app.organization.fallback("a", FallbackType::General, &["b"]).await;
        app.organization.fallback("a", FallbackType::ContentPolicy, &["c"]).await;
        let names = async |header: &str| rows(&explain(&app, header, &json!({"model": "a"})).await, &["model"]);
        assert_eq!(names("").await, json!([["a"], ["b"]]));
        assert_eq!(names("a=content_policy").await, json!([["a"], ["c"], ["b"]]));
        let alone = explain(&app, "", &json!({"model": "a", "disable_fallbacks": true})).await;
        assert_eq!(rows(&alone, &["model"]), json!([["a"]]));
    }

    async fn it_leaves_a_cooldown_as_it_is(app: App) {
        let app = app.cooling().await;
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always_for("a-upstream", Script::error(402, "insufficient_quota", "no money"));
        fake.always_for("b-upstream", Script::answer("Hi"));
        app.chat(&json!({"model": "a", "models": ["b"]})).await;
        app.clock.advance(std::time::Duration::from_secs(60));
        for _ in 0..3 {
            let answer = explain(&app, "", &json!({"model": "a", "models": ["b"]})).await;
            assert_eq!(rows(&answer, &["passed_over"]), json!([[null], [null]]));
        }
        fake.always_for("a-upstream", Script::answer("Hi"));
        let answer = app.chat(&json!({"model": "a", "models": ["b"]})).await;
        assert_eq!(answer.header("x-failsoft-model"), "a", "the probe was still to be had");
    }

    async fn what_the_chat_would_be_refused_for_is_refused_here_in_feathers_words(app: App) {
        let reader = app.organization.key_with(&[Scope::RouterRead]).await;
        for (body, status) in [
            (json!({"model": "nobody"}), 404),
            (json!({"model": "nobody", "models": []}), 400),
            (json!({"model": 7}), 400),
        ] {
            let answer = app.call(with_json(app.request(Method::POST, PATH), &chat_body(&body)), &reader).await;
            assert_eq!(answer.status, status, "{body}: {}", answer.text());
            assert!(answer.json()["message"].is_string(), "{}", answer.text());
        }
        let other = app.organization.key_with(&[Scope::Inference]).await;
        let body = chat_body(&json!({"model": "nobody"}));
        let answer = app.call(with_json(app.request(Method::POST, PATH), &body), &other).await;
        assert_eq!(answer.status, 403);
    }
}
