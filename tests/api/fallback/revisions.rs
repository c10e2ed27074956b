//! Concurrent changes of a list: a caller that sends the revision it has read is refused if the list has changed
//! since.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{catalog, error, if_match, in_force, set};
use crate::support::app::App;
use crate::support::on_both_databases;

fn body(behind: &[&str]) -> Value {
    json!({"model": "a", "fallback_models": behind})
}

/// Reads the list, adds a name and sends it back, and repeats that after a conflict. Returns how often it was sent.
async fn add(app: &App, name: &str) -> usize {
    for sent in 1..=100 {
        let read = app.get("/fallback/a").await;
        let mut names = read.json()["fallback_models"].clone();
        names.as_array_mut().expect("a list").push(json!(name));
        let changed = json!({"model": "a", "fallback_models": names});
        let answer = if_match(app, Method::POST, "/fallback", read.header("etag"), &changed).await;
        match answer.status {
            200 => return sent,
            status => assert_eq!(status, 412, "{}", answer.text()),
        }
    }
    panic!("'{name}' was overtaken a hundred times");
}

on_both_databases! {
    async fn a_change_of_another_revision_is_refused_and_changes_nothing(app: App) {
        catalog(&app, &["a", "b", "c"]).await;
        set(&app, "a", &["b"]).await;
        let second = if_match(&app, Method::POST, "/fallback", "\"1\"", &body(&["c"])).await;
        assert_eq!((second.status, second.header("etag")), (200, "\"2\""));
        for tag in ["\"1\"", "\"3\"", "W/\"2\"", "\"two\"", "\"\""] {
            for (method, path) in [(Method::POST, "/fallback"), (Method::DELETE, "/fallback/a")] {
                let late = if_match(&app, method, path, tag, &body(&["b"])).await;
                assert_eq!(late.status, 412, "{tag}: {}", late.text());
                assert!(error(&late).contains("revision 2"), "{}", late.text());
            }
        }
        for tag in ["2", "\"2", "\"1\", \"2\"", ""] {
            let malformed = if_match(&app, Method::POST, "/fallback", tag, &body(&["b"])).await;
            assert_eq!(malformed.status, 400, "{tag}: {}", malformed.text());
            assert!(error(&malformed).contains("If-Match"), "{}", malformed.text());
        }
        assert_eq!(in_force(&app, "/fallback").await, ["a general: c"]);
        let deleted = if_match(&app, Method::DELETE, "/fallback/a", "\"2\"", &json!(null)).await;
        assert_eq!(deleted.status, 200, "{}", deleted.text());
        let gone = if_match(&app, Method::POST, "/fallback", "\"2\"", &body(&["b"])).await;
        assert_eq!(gone.status, 412, "what was read is no longer in force: {}", gone.text());
    }

    async fn a_star_demands_that_there_is_a_list(app: App) {
        catalog(&app, &["a", "b", "c"]).await;
        let none = if_match(&app, Method::POST, "/fallback", "*", &body(&["b"])).await;
        assert_eq!(none.status, 412, "{}", none.text());
        let absent = if_match(&app, Method::DELETE, "/fallback/a", "*", &json!(null)).await;
        assert_eq!(absent.status, 404, "{}", absent.text());
        set(&app, "a", &["b"]).await;
        let some = if_match(&app, Method::POST, "/fallback", "*", &body(&["c"])).await;
        assert_eq!(some.status, 200, "{}", some.text());
        let deleted = if_match(&app, Method::DELETE, "/fallback/a", "*", &json!(null)).await;
        assert_eq!(deleted.status, 200, "{}", deleted.text());
    }

    async fn the_names_are_checked_before_the_revision(app: App) {
        catalog(&app, &["a", "b"]).await;
        for (behind, status) in [(&["nope"][..], 400), (&["a"], 400), (&["b"], 412)] {
            let answer = if_match(&app, Method::POST, "/fallback", "\"7\"", &body(behind)).await;
            assert_eq!(answer.status, status, "{behind:?}");
        }
    }

    async fn saving_an_unchanged_list_keeps_its_revision(app: App) {
        catalog(&app, &["a", "b", "c"]).await;
        set(&app, "a", &["b", "c"]).await;
        let same = set(&app, "a", &["b", "c"]).await;
        assert_eq!(same.header("etag"), "\"1\"");
        assert_eq!(same.json()["message"], "Fallback configuration updated successfully");
        let turned = set(&app, "a", &["c", "b"]).await;
        assert_eq!(turned.header("etag"), "\"2\"", "the order is part of a list");
        let mut narrowed = body(&["c", "b"]);
        narrowed["triggers"] = json!(["timeout"]);
        assert_eq!(app.post("/fallback", &narrowed).await.header("etag"), "\"3\"", "so are the triggers");
    }

    async fn admins_who_edit_one_list_at_once_lose_nothing(app: App) {
        let names = ["b", "c", "d", "e", "f", "g"];
        catalog(&app, &["a", "first"]).await;
        let provider = app.organization.provider_at("second", "simulated", None).await;
        for name in names {
            app.organization.model(name, provider).await;
        }
        set(&app, "a", &["first"]).await;
        let sent: usize = join_all(names.map(|name| add(&app, name))).await.into_iter().sum();
        let read = app.get("/fallback/a").await;
        let mut kept: Vec<String> = serde_json::from_value(read.json()["fallback_models"].clone()).expect("names");
        kept.sort();
        assert_eq!(kept, ["b", "c", "d", "e", "f", "first", "g"]);
        assert_eq!(read.header("etag"), "\"7\"", "one revision for each edit");
        assert!(sent > names.len(), "nobody was ever overtaken: the edits did not meet");
    }

    async fn admins_who_edit_different_lists_at_once_lose_nothing(app: App) {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        catalog(&app, &names).await;
        let edits = (0..names.len()).map(|number| {
            let app = &app;
            async move { set(app, names[number], &[names[(number + 1) % names.len()]]).await }
        });
        join_all(edits).await;
        let expected: Vec<String> = (0..names.len())
            .map(|number| format!("{} general: {}", names[number], names[(number + 1) % names.len()]))
            .collect();
        assert_eq!(in_force(&app, "/fallback").await, expected);
    }
}
