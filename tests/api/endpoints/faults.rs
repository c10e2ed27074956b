//! The fault matrix of these endpoints: every failure of the table for chat completions, in front of a model that answers.

use serde_json::json;

use super::{Endpoint, endpoints, pair, with};
use crate::chat::faults::{How, faults_of_any_dialect};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

on_both_databases! {
    async fn a_fault_is_answered_by_the_next_model(app: App) {
        let fake = FakeProvider::start().await;
        for Endpoint { kind, path, body, answer } in endpoints() {
            pair(&app, &fake, kind).await;
            let [one, two] = ["one", "two"].map(|name| format!("{}-{name}", kind.as_str()));
            fake.always_for(&format!("{two}-upstream"), Script::json(200, &answer));
            for fault in faults_of_any_dialect() {
                let How::Plays(script) = &fault.how else { continue };
                // The connection may be opened once more.
                fake.always_for(&format!("{one}-upstream"), script.clone());
                let got = app.post(path, &with(&body, &one, &json!({"models": [two]}))).await;
                assert_eq!((got.status, got.header("x-failsoft-model")), (200, two.as_str()), "{path}, {}: {}", fault.name, got.text());
                let event = app.events().await.pop().expect("an event");
                let found = event["error_class"].as_str().unwrap_or_default();
                assert!(fault.verdicts(false).iter().any(|(class, _)| *class == found), "{path}, {}: {event}", fault.name);
            }
        }
    }
}
