//! The fault matrix of embeddings: every failure of the table for chat completions, in front of a model that answers, and
//! as the only model.

use serde_json::json;

use super::{embed, small, vectors};
use crate::chat::faults::{How, faults_of_any_dialect};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

on_both_databases! {
    async fn a_fault_is_answered_by_the_next_model_or_reported(app: App) {
        let good = FakeProvider::start().await;
        let provider = app.organization.provider("good-provider", &good).await;
        app.organization.model_like("good", provider, small).await;
        good.always(vectors(1));
        for (number, fault) in faults_of_any_dialect().into_iter().enumerate() {
            let How::Plays(script) = &fault.how else { continue };
            let bad = FakeProvider::start().await;
            bad.always(script.clone());
            let provider = app.organization.provider(&format!("p{number}"), &bad).await;
            let name = format!("m{number}");
            app.organization.model_like(&name, provider, small).await;
            let answer = embed(&app, &json!({"model": name, "models": ["good"]})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "good"), "{}: {}", fault.name, answer.text());
            let event = app.events().await.pop().expect("an event");
            let found = (event["error_class"].as_str().unwrap_or_default(), event["matched_rule"].as_str().unwrap_or_default());
            // What is no completion is no list of embeddings either.
            let same = |verdict: &(&str, &str)| *verdict == found || (verdict.1 == "answer:no_choice" && found.1 == "answer:embeddings");
            assert!(fault.verdicts(false).iter().any(same), "{}: {found:?}", fault.name);
            let alone = embed(&app, &json!({"model": name, "disable_fallbacks": true})).await;
            assert!(alone.status >= 400 && alone.json()["error"]["message"].is_string(), "{}: {}", fault.name, alone.text());
            assert_eq!(alone.json()["error"]["metadata"]["attempts"].as_array().map(Vec::len), Some(1), "{}", fault.name);
        }
    }

    async fn silence_is_ended_by_the_limit_of_the_model(app: App) {
        let (silent, good) = (FakeProvider::start().await, FakeProvider::start().await);
        silent.next(Script::new().hang());
        silent.next(Script::new().send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"data\":[").hang());
        good.always(vectors(1));
        for (name, fake) in [("silent", &silent), ("good", &good)] {
            let provider = app.organization.provider(name, fake).await;
            app.organization.model_like(name, provider, |model| {
                small(model);
                model.settings.answer_timeout_ms = (name == "silent").then_some(250);
            }).await;
        }
        for number in 0..2 {
            let answer = embed(&app, &json!({"model": "silent", "models": ["good"]})).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "good"), "{}", answer.text());
            silent.client_gone(number).await;
            let event = app.events().await.pop().expect("an event");
            assert_eq!((&event["error_class"], &event["matched_rule"]), (&json!("timeout"), &json!("timeout:answer")));
        }
    }
}
