//! The fault matrix for responses: every failure of the table for chat completions, in front of a model that answers.

use serde_json::json;

use super::{events, respond};
use crate::chat::faults::{How, faults_of_any_dialect};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

on_both_databases! {
    async fn a_fault_is_answered_by_the_next_model(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider_at("gpt", "custom", Some(&fake.base_url())).await;
        app.organization.model("good", provider).await;
        for (number, fault) in faults_of_any_dialect().into_iter().enumerate() {
            let How::Plays(script) = &fault.how else { continue };
            for stream in [false, true] {
                let verdicts = fault.verdicts(stream);
                if verdicts.is_empty() || fault.hangs {
                    continue;
                }
                let answering = Script::stream().text("Hi").finish("stop").usage(1, 2).done();
                fake.always_for("good-upstream", if stream { answering } else { Script::answer("Hi") });
                let name = format!("m{number}-{stream}");
                app.organization.model(&name, provider).await;
                fake.always_for(&format!("{name}-upstream"), script.clone());
                let answer = respond(&app, &json!({"model": name, "models": ["good"], "stream": stream})).await;
                assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "good"), "{}: {}", fault.name, answer.text());
                if stream {
                    let end = events(&answer).pop().expect("an end");
                    assert_eq!(end["type"], "response.completed", "{}", fault.name);
                }
                let event = app.events().await.pop().expect("an event");
                let found = (event["error_class"].as_str().unwrap_or_default(), event["matched_rule"].as_str().unwrap_or_default());
                assert!(verdicts.contains(&found), "{}: {found:?} of {verdicts:?}", fault.name);
            }
        }
    }
}
