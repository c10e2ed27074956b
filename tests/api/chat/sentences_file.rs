//! The operator's sentences file: reloaded while the server runs, and an invalid file changes nothing.

use std::path::Path;

use failsoft::domain::fallback_type::FallbackType;
use serde_json::{Value, json};

use crate::support::app::{App, eventually};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

fn file(class: &str) -> String {
    format!(
        "dated = 2026-11-29\n[[sentence]]\nname = \"acme_window\"\nclass = \"{class}\"\ncontains = [\"beyond the acme window\"]\n"
    )
}

/// Replaces a file atomically, as operators' tools do.
fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).expect("a file");
    std::fs::rename(&beside, path).expect("a file");
}

async fn class_of(app: &App, fake: &FakeProvider) -> Value {
    fake.next_for(
        "a-upstream",
        Script::json(400, &json!({"error": {"message": "Prompt of 9 is beyond the ACME window"}})),
    );
    let answer = app.chat(&json!({"model": "a"})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let event = app.events().await.pop().expect("an event");
    json!([event["error_class"], event["matched_rule"], answer.header("x-failsoft-model")])
}

on_both_databases! {
    async fn a_sentence_of_the_operators_is_read_without_a_restart(app: App) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sentences.toml");
        std::fs::write(&path, "dated = 2026-11-28\n").expect("a file");
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "plain", "large"]).await;
        app.organization.fallback("a", FallbackType::General, &["plain"]).await;
        app.organization.fallback("a", FallbackType::ContextWindow, &["large"]).await;
        let app = app.beside(|settings| settings.gateway.sentences = Some(path.clone())).await;
        fake.always(Script::answer("Hi"));
        assert_eq!(class_of(&app, &fake).await, json!(["invalid_request", "status:400", "plain"]));

        replace(&path, &file("context_window_exceeded"));
        let mapped = json!(["context_window_exceeded", "phrase:acme_window", "large"]);
        eventually(async || (class_of(&app, &fake).await == mapped).then_some(())).await;

        replace(&path, "dated = 2026-11-30\n[[sentence]]\nname = \"broken\"\n");
        replace(&path, &file("content_policy"));
        let mapped = json!(["content_policy", "phrase:acme_window", "plain"]);
        eventually(async || (class_of(&app, &fake).await == mapped).then_some(())).await;
        replace(&path, "this is no TOML");
        // The file is checked every second; until then the last valid sentences apply.
        for _ in 0..3 {
            tokio::task::yield_now().await;
            assert_eq!(class_of(&app, &fake).await, mapped);
        }
    }

    async fn bad_requests_that_no_sentence_fits_are_listed_with_the_lines_that_would(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        for tokens in [1015, 2030] {
            let message = format!("Prompt of {tokens} tokens is beyond the acme window");
            fake.next(Script::json(400, &json!({"error": {"message": message}})));
            app.chat(&json!({"model": "a"})).await;
        }
        fake.next(Script::error(400, "context_length_exceeded", "a known one"));
        app.chat(&json!({"model": "a"})).await;
        let email = app.organization.member(failsoft::domain::permission::Role::Member).await;
        let browser = crate::support::browser::Browser::logged_in(&app, &email).await;
        let page = browser.get("/events/unclassified").await.expect(200).html;
        assert!(page.contains("400, 2 times"), "{page}");
        assert!(page.contains("tokens is beyond the acme window"), "{page}");
        assert!(page.contains("[[sentence]]") && page.contains("Vendor: custom"), "{page}");
        assert!(!page.contains("a known one"), "{page}");
        let (_, report) = page.split_once("Report it").expect("a report");
        let (report, _) = report.split_once("</details>").expect("its end");
        assert!(report.contains("tokens is beyond the acme window"), "{report}");
        for own in ["1015", "2030", "a-upstream", email.as_str(), &app.organization.id.to_string()] {
            assert!(!report.contains(own), "{own}: {report}");
        }
    }
}
