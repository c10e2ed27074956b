//! Failures of Bedrock: over HTTP, within a stream, and of the stream itself.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Bedrock, asked, post};
use crate::support::app::App;
use crate::support::fake_provider::Script;
use crate::support::on_both_databases;

const TOO_LONG: &str = "Input is too long for requested model.";

/// The class of the last event.
async fn last_class(app: &App) -> Value {
    app.events().await.pop().expect("an event")["error_class"].clone()
}

/// Fails a request with these fields, and says for which class and how long the next one passes the model over; `None` if it
/// does not. Then the model answers again.
async fn passed_over_after(app: &App, bedrock: &Bedrock, script: Script, fields: &Value) -> Option<String> {
    bedrock.fake.next(script);
    let mut body = fields.clone();
    body["model"] = json!("nova");
    body["num_retries"] = json!(0);
    assert_ne!(app.chat(&body).await.status, 200);
    bedrock.fake.next(Script::converse(&json!([{"text": "Hi"}]), "end_turn"));
    let answer = app.chat(&json!({"models": ["nova", "other"]})).await.json();
    if answer["model"] == "nova" {
        return None;
    }
    let event = app.events().await.pop().expect("an event");
    app.clock.advance(Duration::from_secs(120));
    assert_eq!(app.chat(&json!({"models": ["nova", "other"]})).await.json()["model"], "nova");
    Some(event["error_message"].as_str().expect("a message").to_owned())
}

/// An exception of this type in its body, with further headers.
fn exception(status: u16, headers: &[(&str, &str)], kind: &str, message: &str) -> Script {
    let headers: Vec<_> =
        [("content-type", "application/json")].into_iter().chain(headers.iter().copied()).collect();
    Script::respond(status, &headers, json!({"__type": kind, "message": message}).to_string())
}

/// What the provider answers, by the kind of its exception and the text.
type Answering = fn(&str, &str) -> Script;

on_both_databases! {
    async fn one_plain_request_closes_the_model_and_one_with_a_feature_does_not(app: App) {
        let app = app.cooling().await;
        let bedrock = Bedrock::arrange(&app).await;
        let throttled = "Too many requests, please wait before trying again.";
        let kind = "com.amazon.coral.availability#ThrottlingException";
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
        let scripts: [(Answering, &str); 6] = [
            (|_, text| Script::exception(429, "ThrottlingException", text), "(rate_limited; 5 s left)"),
            (|kind, text| exception(429, &[("retry-after", "30")], kind, text), "(rate_limited; 30 s left)"),
            (|kind, text| exception(400, &[], kind, text), "(rate_limited; 5 s left)"),
            (
                |_, _| Script::exception(429, "ThrottlingException", "Too many tokens per day, please wait before trying again."),
                "(quota_exhausted; 60 s left)",
            ),
            (
                |_, _| Script::exception(403, "ExpiredTokenException", "The security token included in the request is expired"),
                "(authentication; 60 s left)",
            ),
            (
                |_, _| Script::exception(400, "ValidationException", "The provided model identifier is invalid."),
                "(model_not_found; 60 s left)",
            ),
        ];
        for (script, expected) in scripts {
            for fields in &plain {
                let message = passed_over_after(&app, &bedrock, script(kind, throttled), fields).await;
                let message = message.unwrap_or_else(|| panic!("{fields} closes nothing, not {expected}"));
                assert!(message.contains(expected), "{fields}: {message}");
            }
            for fields in &features {
                let message = passed_over_after(&app, &bedrock, script(kind, throttled), fields).await;
                assert_eq!(message, None, "{fields} {expected}");
            }
        }
    }

    async fn a_limit_of_a_day_is_not_worth_a_retry(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        for (message, again) in [
            ("Too many tokens, please wait before trying again.", "true"),
            ("Too many tokens per day, please wait before trying again.", "false"),
        ] {
            bedrock.fake.next(Script::exception(429, "ThrottlingException", message));
            let answer = app.chat(&json!({"model": "nova", "num_retries": 0})).await;
            assert_eq!((answer.status, answer.header("x-should-retry")), (429, again), "{}", answer.text());
        }
    }

    async fn an_exception_leads_to_the_next_model(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        for (status, name, message, class) in [
            (429, "ThrottlingException", "Too many requests", "rate_limited"),
            (503, "ServiceUnavailableException", "Busy", "overloaded"),
            (500, "InternalServerException", "Broken", "unavailable"),
            (424, "ModelErrorException", "Broken", "unavailable"),
            (408, "ModelTimeoutException", "Slow", "timeout"),
            (403, "AccessDeniedException", "You don't have access to the model.", "authentication"),
            (400, "ValidationException", TOO_LONG, "context_window_exceeded"),
            (400, "ValidationException", "The value of temperature is odd.", "invalid_request"),
        ] {
            bedrock.fake.next(Script::exception(status, name, message));
            let answer = app.chat(&json!({"models": ["nova", "other"]})).await;
            assert_eq!((answer.status, answer.json()["model"].as_str()), (200, Some("other")), "{name}");
            assert_eq!(last_class(&app).await, class, "{name}");
        }
    }

    async fn an_exception_within_a_stream_leads_there_too(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        bedrock.other.always(Script::stream().text("From another").finish("stop").done());
        for (name, message, class) in [
            ("throttlingException", "Too many requests", "rate_limited"),
            ("serviceUnavailableException", "Busy", "overloaded"),
            ("internalServerException", "Broken", "unavailable"),
            ("modelStreamErrorException", "Broken", "unavailable"),
            ("validationException", TOO_LONG, "context_window_exceeded"),
            ("validationException", "The value of temperature is odd.", "invalid_request"),
        ] {
            bedrock.fake.next(Script::converse_stream().converse_exception(name, message));
            let answer = app.chat(&json!({"models": ["nova", "other"], "stream": true})).await;
            assert!(answer.text().contains("From another"), "{name}: {}", answer.text());
            assert_eq!(last_class(&app).await, class, "{name}");
        }
    }

    async fn a_broken_stream_leads_there_too(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        bedrock.other.always(Script::stream().text("From another").finish("stop").done());
        let text = json!({"contentBlockIndex": 0, "delta": {"text": "Hello"}});
        let too_long = [&u32::MAX.to_be_bytes()[..], &[0; 4]].concat();
        let too_long = [&too_long[..], &crc32fast::hash(&too_long).to_be_bytes()].concat();
        for script in [
            Script::converse_stream().flipped_event("contentBlockDelta", &text).converse_end("end_turn"),
            Script::converse_stream().chunk(too_long).hang(),
            Script::converse_stream().end(),
            Script::converse_stream().converse_event("metadata", &json!({"usage": {}})).end(),
        ] {
            bedrock.fake.next(script);
            let answer = app.chat(&json!({"models": ["nova", "other"], "stream": true})).await;
            assert!(answer.text().contains("From another"), "{}", answer.text());
            assert_eq!(last_class(&app).await, "invalid_response");
        }
    }

    async fn after_content_a_stream_ends_with_an_error(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        let text = json!({"contentBlockIndex": 0, "delta": {"text": "lo"}});
        let begun = || Script::converse_stream().converse_text("Hel");
        for script in [
            begun().flipped_event("contentBlockDelta", &text).converse_end("end_turn"),
            begun().converse_exception("modelStreamErrorException", "Broken"),
            begun().end(),
            // The reason for the end is not the last word.
            begun().converse_event("messageStop", &json!({"stopReason": "end_turn"})).converse_exception("modelStreamErrorException", "Broken"),
            begun().converse_end("malformed_model_output"),
        ] {
            bedrock.fake.always(script);
            for (endpoint, body) in asked("nova", &json!({"stream": true})) {
                let answer = post(&app, endpoint, &body).await;
                let shown = answer.text();
                assert!(shown.contains("Hel") && !shown.contains("\"lo\""), "{endpoint}: {shown}");
                let end = match endpoint {
                    "/v1/chat/completions" => r#""finish_reason":"error""#,
                    "/v1/messages" => "event: error",
                    _ => "response.failed",
                };
                assert!(shown.contains(end), "{endpoint}: {shown}");
                for normal in ["\"finish_reason\":\"stop\"", "\"usage\":{\"prompt_tokens\"", "event: message_delta", "response.completed"] {
                    assert!(!shown.contains(normal), "{endpoint}: {shown}");
                }
                assert_eq!(last_class(&app).await, "stream_interrupted", "{endpoint}");
            }
        }
        assert_eq!(bedrock.other.served(), 0);
    }

    async fn an_answer_without_content_is_none(app: App) {
        let bedrock = Bedrock::arrange(&app).await;
        for (content, reason, class) in [
            (json!([]), "guardrail_intervened", "content_policy"),
            (json!([]), "content_filtered", "content_policy"),
            (json!([]), "model_context_window_exceeded", "context_window_exceeded"),
            (json!([{"text": "I will call"}]), "malformed_tool_use", "invalid_response"),
            (json!([{"toolUse": {"toolUseId": "t", "name": "n", "input": "{}"}}]), "tool_use", "invalid_response"),
        ] {
            bedrock.fake.next(Script::converse(&content, reason));
            let answer = app.chat(&json!({"models": ["nova", "other"]})).await;
            assert_eq!((answer.status, answer.json()["model"].as_str()), (200, Some("other")), "{reason}");
            assert_eq!(last_class(&app).await, class, "{reason}");
        }
    }
}
