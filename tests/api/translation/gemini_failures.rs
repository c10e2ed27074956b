//! Answers of Gemini that are none, and its errors: another model answers.

use serde_json::{Value, json};

use super::gemini::{catalog, generated, piece, streamed};
use crate::support::app::App;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

fn google_error(status: u16, word: &str, message: &str) -> Value {
    json!({"error": {"code": status, "message": message, "status": word}})
}

/// A model `gemini`, and a model `gpt` of another provider that answers.
async fn arrange(app: &App) -> (FakeProvider, FakeProvider) {
    let (fake, other) = (FakeProvider::start().await, FakeProvider::start().await);
    catalog(&app.organization, &fake).await;
    let compatible = app.organization.provider_at("compatible", "custom", Some(&other.base_url())).await;
    app.organization.model("gpt", compatible).await;
    (fake, other)
}

fn asked(stream: bool) -> Value {
    json!({"model": "gemini", "models": ["gpt"], "num_retries": 0, "stream": stream})
}

on_both_databases! {
    async fn an_answer_that_is_none_is_a_failure(app: App) {
        let (fake, other) = arrange(&app).await;
        let silent = json!({"candidates": [{"finishReason": "STOP", "index": 0}], "usageMetadata": {"promptTokenCount": 3}});
        let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 3}});
        let scripts = [
            (Script::json(200, &silent), "invalid_response"),
            (Script::stream().event(&silent).end(), "invalid_response"),
            (generated(&json!([{"text": "I call"}]), "MALFORMED_FUNCTION_CALL"), "invalid_response"),
            (streamed(&[json!([])], "MALFORMED_FUNCTION_CALL"), "invalid_response"),
            (generated(&json!([{"functionCall": {"args": {}}}]), "STOP"), "invalid_response"),
            (Script::json(200, &json!({"candidates": [{"finishReason": "SAFETY"}]})), "content_policy"),
            (Script::json(200, &blocked), "content_policy"),
            (Script::stream().event(&blocked).end(), "content_policy"),
            (Script::stream().event(&google_error(503, "UNAVAILABLE", "The model is overloaded.")).end(), "overloaded"),
            (Script::json(200, &json!([google_error(500, "INTERNAL", "An internal error has occurred.")])), "unavailable"),
        ];
        for (number, (script, class)) in scripts.into_iter().enumerate() {
            let stream = [1, 3, 7, 8].contains(&number);
            fake.next(script);
            other.next(if stream { Script::stream().text("Other").finish("stop").done() } else { Script::answer("Other") });
            let answer = app.chat(&asked(stream)).await;
            assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "gpt"), "{number}: {}", answer.text());
            let row = app.requests(number + 1).await.pop().expect("a row");
            assert_eq!(row["attempts"][0]["error_class"], class, "{number}: {row}");
        }
    }

    async fn a_limit_moves_on_at_once_and_says_when_it_resets(app: App) {
        let (fake, other) = arrange(&app).await;
        let details = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]);
        let mut error = google_error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details.");
        error["error"]["details"] = details;
        fake.next(Script::json(429, &json!([error])));
        other.next(Script::answer("Other"));
        let answer = app.chat(&asked(false)).await;
        assert_eq!(answer.header("x-failsoft-model"), "gpt", "{}", answer.text());
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!(row["attempts"][0]["error_class"], "rate_limited", "{row}");
    }

    async fn an_error_in_the_middle_of_a_stream_ends_it(app: App) {
        let (fake, _other) = arrange(&app).await;
        let error = google_error(503, "UNAVAILABLE", "The model is overloaded.");
        fake.next(Script::stream().event(&piece(&json!([{"text": "Hal"}]), None)).event(&error).end());
        let answer = app.chat(&asked(true)).await;
        let text = answer.text();
        assert!(text.contains("Hal") && text.contains("\"error\"") && !text.contains("\"finish_reason\":\"stop\""), "{text}");
        let row = app.requests(1).await.pop().expect("a row");
        assert_eq!(row["outcome"], "interrupted", "{row}");
    }

    async fn a_failure_after_an_end_is_no_normal_end(app: App) {
        let (fake, _other) = arrange(&app).await;
        let error = google_error(503, "UNAVAILABLE", "The model is overloaded.");
        let text = || Script::stream().event(&piece(&json!([{"text": "Hal"}]), Some("STOP")));
        for (number, failure) in [error, piece(&json!([]), Some("MALFORMED_FUNCTION_CALL"))].iter().enumerate() {
            fake.next(text().event(failure).end());
            let answer = app.chat(&asked(true)).await;
            let text = answer.text();
            assert!(text.contains("Hal") && text.contains("\"finish_reason\":\"error\""), "{text}");
            assert!(!text.contains("\"finish_reason\":\"stop\"") && !text.contains("[DONE]"), "{text}");
            let row = app.requests(number + 1).await.pop().expect("a row");
            assert_eq!(row["outcome"], "interrupted", "{row}");
        }
    }

    async fn a_stream_without_an_end_is_interrupted(app: App) {
        let (fake, _other) = arrange(&app).await;
        fake.next(Script::stream().event(&piece(&json!([{"text": "Hal"}]), None)).end());
        let answer = app.chat(&asked(true)).await;
        assert!(answer.text().contains("\"error\""), "{}", answer.text());
    }

    async fn a_limit_ends_an_answer_and_a_filter_may_end_it_after_content(app: App) {
        let (fake, _other) = arrange(&app).await;
        for (number, (end, word)) in [("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), ("RECITATION", "content_filter")].into_iter().enumerate() {
            fake.next(generated(&json!([{"text": "Hal"}]), end));
            let answer = app.chat(&asked(false)).await;
            assert_eq!(answer.json()["choices"][0]["finish_reason"], word, "{number}: {}", answer.text());
        }
    }
}
