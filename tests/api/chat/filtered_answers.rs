//! Answers that a provider's filter emptied: they count as failures, and are returned if no other model answers.

use serde_json::{Value, json};

use super::pick;
use crate::support::app::{Answer, App};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

fn plain(status: u16) -> Script {
    Script::respond(status, &[], "no")
}

async fn filtered(app: &App, fake: &FakeProvider, body: Value) -> Answer {
    let answer = app.chat(&body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(fake.served() > 0);
    answer
}

const EMPTIED: &str = r#"{"id": "1", "model":"m","choices":[{"index":0, "message":{"role":"assistant","content":null},"finish_reason":"content_filter"}]}"#;
const BLOCKED: &str = r#"{ "promptFeedback": {"blockReason":"SAFETY"}, "model":"theirs" }"#;

on_both_databases! {
    async fn a_filtered_200_is_returned_when_no_other_model_answers(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let provider = app.organization.provider("other", &fake).await;
        app.organization.model_like("off", provider, |model| model.enabled = false).await;
        let emptied = || Script::respond(200, &[], EMPTIED);

        // Without a fallback, the filtered answer is the answer.
        fake.next(emptied());
        let answer = filtered(&app, &fake, json!({"model": "a"})).await;
        assert!(answer.text().starts_with(r#"{"id": "1", "model":"a","choices":"#), "{}", answer.text());
        assert_eq!((answer.header("x-failsoft-model"), answer.header("x-failsoft-fallback")), ("a", "none"));
        // It failed all the same, and has its event like any candidate that failed.
        let members = ["failed_model", "next_model", "error_class", "status_code", "matched_rule", "hop", "attempts"];
        assert_eq!(
            pick(&app.events().await, &members),
            json!([["a", null, "content_policy", 200, "finish_reason:content_filter", 1, 1]])
        );
        let row = app.requests(1).await.remove(0);
        assert_eq!((&row["outcome"], &row["error_class"]), (&json!("answered"), &Value::Null));
        assert_eq!(
            pick(row["attempts"].as_array().expect("a list"), &["model", "status", "error_class"]),
            json!([["a", 200, "content_policy"]])
        );

        // Another model answers: the filter was a failure.
        fake.next(emptied());
        fake.next(Script::answer("From b"));
        let answer = filtered(&app, &fake, json!({"model": "a", "models": ["b"]})).await;
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=content_policy; hops=1");
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "From b");
        let events = app.events().await;
        assert_eq!(
            pick(&events[1..], &["failed_model", "next_model", "error_class", "status_code"]),
            json!([["a", "b", "content_policy", 200]])
        );

        // The other model fails differently or is skipped: still no other answer.
        fake.next(emptied());
        fake.next(plain(503));
        let answer = filtered(&app, &fake, json!({"model": "a", "models": ["b", "off"]})).await;
        assert_eq!(answer.json()["choices"][0]["finish_reason"], "content_filter");
        assert_eq!((answer.header("x-failsoft-model"), answer.header("x-failsoft-attempts")), ("a", "2"));
        assert_eq!(answer.header("x-failsoft-fallback"), "from=a; class=content_policy; hops=3");
        assert_eq!(
            pick(&app.events().await[2..], &["failed_model", "next_model", "error_class"]),
            json!([["a", "b", "content_policy"], ["b", "off", "overloaded"], ["off", null, "disabled"]])
        );

        // A blocked prompt has no choices to rename, so it is forwarded byte for byte.
        fake.next(Script::respond(200, &[], BLOCKED));
        let answer = filtered(&app, &fake, json!({"model": "a"})).await;
        assert_eq!(answer.text(), BLOCKED);
        assert_eq!(
            pick(&app.events().await[5..], &["failed_model", "next_model", "matched_rule"]),
            json!([["a", null, "prompt:blocked"]])
        );
        // The last of two emptied answers is returned, and both failed.
        fake.next(emptied());
        fake.next(emptied());
        let answer = filtered(&app, &fake, json!({"model": "a", "models": ["b"]})).await;
        assert_eq!((answer.header("x-failsoft-model"), answer.header("x-failsoft-fallback")), ("b", "from=a; class=content_policy; hops=1"));
        assert_eq!(
            pick(&app.events().await[6..], &["failed_model", "next_model", "error_class", "hop"]),
            json!([["a", "b", "content_policy", 1], ["b", null, "content_policy", 2]])
        );
        // After content, the filter's verdict is part of the answer.
        fake.next(Script::respond(200, &[], EMPTIED.replace("null", "\"Once\"")));
        let answer = filtered(&app, &fake, json!({"model": "a", "models": ["b"]})).await;
        assert_eq!(answer.header("x-failsoft-model"), "a");
    }

    async fn a_filtered_stream_is_returned_when_no_other_model_answers(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        let emptied = || Script::stream().delta(&json!({"role": "assistant", "content": ""}), None).finish("content_filter");
        fake.next(emptied().usage(3, 0).done());
        let answer = filtered(&app, &fake, json!({"model": "a", "stream": true})).await;
        let events = answer.events();
        assert_eq!(events.len(), 3, "{events:?}");
        assert!(events[1].contains(r#""finish_reason":"content_filter""#) && events[1].contains(r#""model":"a""#));
        assert_eq!(events[2], "[DONE]");

        fake.next(emptied().done());
        fake.next(Script::stream().text("From b").finish("stop").done());
        let answer = filtered(&app, &fake, json!({"model": "a", "models": ["b"], "stream": true})).await;
        assert!(answer.text().contains("From b") && !answer.text().contains("content_filter"));

        fake.next(emptied().done());
        fake.next(plain(500));
        let answer = filtered(&app, &fake, json!({"model": "a", "models": ["b"], "stream": true})).await;
        assert!(answer.text().contains("content_filter") && answer.text().ends_with("data: [DONE]\n\n"));

        let event = format!("data: {BLOCKED}\n\n");
        fake.next(Script::stream().chunk(&event).done());
        let answer = filtered(&app, &fake, json!({"model": "a", "stream": true})).await;
        assert_eq!(answer.text(), format!("{event}data: [DONE]\n\n"));
        fake.next(Script::stream().chunk(&event).done());
        fake.next(Script::stream().text("From b").finish("stop").done());
        let answer = filtered(&app, &fake, json!({"model": "a", "models": ["b"], "stream": true})).await;
        assert!(answer.text().contains("From b"));

        let rows = app.requests(5).await;
        assert!(rows.iter().all(|row| row["outcome"] == "answered"), "{rows:?}");
        assert_eq!(
            pick(&app.events().await, &["failed_model", "next_model", "error_class", "matched_rule"]),
            json!([
                ["a", null, "content_policy", "finish_reason:content_filter"],
                ["a", "b", "content_policy", "finish_reason:content_filter"],
                ["a", "b", "content_policy", "finish_reason:content_filter"],
                ["b", null, "unavailable", "status:500"],
                ["a", null, "content_policy", "prompt:blocked"],
                ["a", "b", "content_policy", "prompt:blocked"]
            ])
        );
    }
}
