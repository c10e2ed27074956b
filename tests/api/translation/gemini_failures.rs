//! Answers of Gemini that are none, and its errors: another model answers.

use std::time::Duration;

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

/// Fails a request with these fields, and says for which class and how long the next one passes the model over; `None` if it
/// does not. Then the model answers again.
async fn passed_over_after(app: &App, fake: &FakeProvider, script: Script, fields: &Value) -> Option<String> {
    fake.next(script);
    let mut body = fields.clone();
    body["model"] = json!("gemini");
    body["num_retries"] = json!(0);
    assert_ne!(app.chat(&body).await.status, 200);
    fake.next(generated(&json!([{"text": "Hi"}]), "STOP"));
    let answer = app.chat(&asked(false)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    if answer.header("x-failsoft-model") == "gemini" {
        return None;
    }
    let event = app.events().await.pop().expect("an event");
    app.clock.advance(Duration::from_secs(120));
    assert_eq!(app.chat(&asked(false)).await.header("x-failsoft-model"), "gemini");
    Some(event["error_message"].as_str().expect("a message").to_owned())
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

    async fn one_plain_request_closes_the_model_and_one_with_a_feature_does_not(app: App) {
        let app = app.cooling().await;
        let (fake, other) = arrange(&app).await;
        other.always(Script::answer("Other"));
        let wait = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "30s"}]);
        let reason = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]);
        let detailed = |mut error: Value, details: &Value| {
            error["error"]["details"] = details.clone();
            error
        };
        let limit = google_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric.");
        let key = google_error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.");
        let missing = "models/x is not found for API version v1beta, or is not supported for generateContent.";
        let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}});
        let schema = json!({"name": "s", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}});
        let features = [
            json!({"messages": [{"role": "user", "content": [image]}]}),
            json!({"reasoning_effort": "high"}),
            json!({"response_format": {"type": "json_schema", "json_schema": schema}}),
        ];
        let turns = json!([
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Go"},
            {"role": "assistant", "content": "I went."}, {"role": "user", "content": "And?"},
        ]);
        let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"file_id": {"type": "string"}}}}});
        let plain = [json!({}), json!({"messages": turns, "temperature": 0.5, "max_tokens": 9}), json!({"tools": [tool]})];
        for (status, error, expected) in [
            (429, detailed(limit.clone(), &wait), "(rate_limited; 30 s left)"),
            (429, limit, "(rate_limited; 5 s left)"),
            (400, detailed(key, &reason), "(authentication; 60 s left)"),
            (404, google_error(404, "NOT_FOUND", missing), "(model_not_found; 60 s left)"),
        ] {
            for fields in &plain {
                let message = passed_over_after(&app, &fake, Script::json(status, &error), fields).await;
                let message = message.unwrap_or_else(|| panic!("{fields} {error} closes nothing"));
                assert!(message.contains(expected), "{fields} {error}: {message}");
            }
            for fields in &features {
                let message = passed_over_after(&app, &fake, Script::json(status, &error), fields).await;
                assert_eq!(message, None, "{fields} {error}");
            }
        }
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
