//! Examples for every body of the OpenAPI document. Request bodies have one each in this file. Examples of
//! responses are generated from their schemas, so that new routes have them too.

mod sampler;

use serde_json::{Value, json};
use utoipa::openapi::{Content, OpenApi, RefOr};

use super::finish::operations;
use crate::http::listings::export::Listed as _;
use crate::http::listings::fallback_events::FallbackEventResponse;
use crate::http::listings::requests::RequestResponse;
use crate::http::listings::usage::UsageResponse;
use sampler::Sampler;

/// An example of a stream, shortened.
const STREAM: &str = concat!(
    "data: {\"id\":\"chatcmpl-7a31\",\"object\":\"chat.completion.chunk\",\"created\":1795167000,\"model\":\"steady\",",
    "\"provider\":\"simulated\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hello\"},",
    "\"finish_reason\":null}]}\n\ndata: [DONE]\n\n"
);
/// The same of a message.
const MESSAGE_STREAM: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_7a31\",\"type\":\"message\",",
    "\"role\":\"assistant\",\"model\":\"steady\",\"content\":[],\"stop_reason\":null,",
    "\"usage\":{\"input_tokens\":8,\"output_tokens\":1}}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
);
/// The same of a response.
const RESPONSE_STREAM: &str = concat!(
    "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,",
    "\"response\":{\"id\":\"resp_7a31\",\"object\":\"response\",\"created_at\":1795167000,",
    "\"status\":\"in_progress\",\"model\":\"steady\",\"output\":[]}}\n\n",
    "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":1,",
    "\"response\":{\"id\":\"resp_7a31\",\"object\":\"response\",\"created_at\":1795167000,",
    "\"status\":\"completed\",\"model\":\"steady\",\"output\":[]}}\n\n"
);
/// The same of a completion in OpenAI's older form.
const COMPLETION_STREAM: &str = concat!(
    "data: {\"id\":\"cmpl-7a31\",\"object\":\"text_completion\",\"created\":1795167000,\"model\":\"base\",",
    "\"choices\":[{\"index\":0,\"text\":\"there was\",\"finish_reason\":null}]}\n\ndata: [DONE]\n\n"
);
/// The same of images.
const IMAGE_STREAM: &str = concat!(
    "event: image_generation.completed\n",
    "data: {\"type\":\"image_generation.completed\",\"b64_json\":\"aGVsbG8=\"}\n\n"
);
/// The same of a transcription.
const TRANSCRIPTION_STREAM: &str = concat!(
    "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Hel\"}\n\n",
    "data: {\"type\":\"transcript.text.done\",\"text\":\"Hello\"}\n\n"
);
const METRICS: &str =
    "# TYPE failsoft_requests counter\nfailsoft_requests_total{outcome=\"answered\"} 17\n# EOF\n";

/// Adds an example to every body without one.
pub(super) fn add_examples(document: &mut OpenApi) {
    let components = serde_json::to_value(&document.components).unwrap_or_default();
    for operation in document.paths.paths.values_mut().flat_map(operations).map(|(_, operation)| operation) {
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            for content in body.content.values_mut() {
                set(content, |content| {
                    schema_name(content).and_then(sent).or_else(|| sampled(&components, content))
                });
            }
        }
        for response in operation.responses.responses.values_mut() {
            let RefOr::T(response) = response else { continue };
            let json = match response.content.get("application/json") {
                Some(RefOr::T(json)) => Some(json.clone()),
                Some(RefOr::Ref(_)) | None => None,
            };
            let row = || json.as_ref().map(|json| row(&components, json)).unwrap_or_default();
            for (media, content) in &mut response.content {
                set(content, |content| match media.as_str() {
                    "application/json" => sampled(&components, content),
                    "text/event-stream" => {
                        let stream = match json.as_ref().and_then(schema_name) {
                            Some("Message") => MESSAGE_STREAM,
                            Some("ResponseObject") => RESPONSE_STREAM,
                            Some("CompletionObject") => COMPLETION_STREAM,
                            Some("ImageList") => IMAGE_STREAM,
                            Some("Transcription") => TRANSCRIPTION_STREAM,
                            Some(_) | None => STREAM,
                        };
                        Some(json!(stream))
                    }
                    "application/x-ndjson" => Some(json!(format!("{}\n", row()))),
                    "text/csv" => table(json.as_ref().and_then(schema_name)?, &row()),
                    "application/octet-stream" => Some(json!("(sound)")),
                    "text/plain" => Some(json!("ok\n")),
                    "application/openmetrics-text" => Some(json!(METRICS)),
                    _ => None,
                });
            }
        }
    }
}

/// The name of the content's schema.
fn schema_name(content: &Content) -> Option<&str> {
    match content.schema.as_ref()? {
        RefOr::Ref(schema) => schema.ref_location.rsplit('/').next(),
        RefOr::T(_) => None,
    }
}

fn set(content: &mut RefOr<Content>, make: impl FnOnce(&Content) -> Option<Value>) {
    if let RefOr::T(content) = content
        && content.example.is_none()
        && content.examples.is_empty()
    {
        content.example = make(content);
    }
}

fn sampled(components: &Value, content: &Content) -> Option<Value> {
    let schema = serde_json::to_value(content.schema.as_ref()?).ok()?;
    Some(Sampler::new(components).sample(&schema))
}

/// One row of a list.
fn row(components: &Value, page: &Content) -> Value {
    let page = sampled(components, page).unwrap_or_default();
    page.pointer("/items/0").cloned().unwrap_or_default()
}

/// A list with one row as CSV, by the schema of its page.
fn table(page: &str, row: &Value) -> Option<Value> {
    let columns = match page {
        "CursorPage_FallbackEventResponse" => FallbackEventResponse::COLUMNS,
        "CursorPage_RequestResponse" => RequestResponse::COLUMNS,
        "UsagePage" => UsageResponse::COLUMNS,
        _ => return None,
    };
    let cell = |column: &&str| match row.get(*column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(_) | Value::Object(_)) => "\"[]\"".to_owned(),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
    };
    let cells: Vec<String> = columns.iter().map(cell).collect();
    Some(json!(format!("{}\r\n{}\r\n", columns.join(","), cells.join(","))))
}

/// The example of a request body, by its schema.
fn sent(schema: &str) -> Option<Value> {
    let provider = "0199c4d2-7a31-7c55-9e0b-3f6a1d2b4c5e";
    Some(match schema {
        "ChatCompletionRequest" => json!({
            "model": "smart",
            "models": ["steady"],
            "messages": [{"role": "user", "content": "Hello"}],
            "temperature": 0.2,
            "max_completion_tokens": 200,
        }),
        "ResponseRequest" => json!({
            "model": "smart",
            "models": ["steady"],
            "input": "Hello",
            "max_output_tokens": 1_024,
        }),
        "EmbeddingRequest" => json!({
            "model": "small",
            "models": ["small-spare"],
            "input": ["Hello", "Goodbye"],
            "dimensions": 2,
        }),
        "CompletionRequest" => json!({"model": "base", "prompt": "Once upon a time", "max_tokens": 64}),
        "ModerationRequest" => json!({"model": "guard", "input": "Hello"}),
        "RerankRequest" => json!({
            "model": "sorter",
            "query": "What is a fox?",
            "documents": ["A fox is an animal.", "A box is a thing."],
            "top_n": 1,
        }),
        "ImageRequest" => json!({"model": "painter", "prompt": "A fox in the snow", "size": "1024x1024"}),
        "TranscriptionRequest" => json!({"model": "scribe", "file": "(sound)", "response_format": "json"}),
        "SpeechRequest" => json!({"model": "speaker", "input": "Hello", "voice": "alloy"}),
        "MessageRequest" => json!({
            "model": "smart",
            "models": ["steady"],
            "max_tokens": 200,
            "messages": [{"role": "user", "content": "Hello"}],
        }),
        "CountRequest" => json!({
            "model": "smart",
            "messages": [{"role": "user", "content": "Hello"}],
        }),
        "FallbackRequest" => json!({
            "model": "smart",
            "fallback_models": ["steady", "spare"],
            "fallback_type": "general",
        }),
        "NewProviderBody" => json!({
            "name": "Our vLLM",
            "preset": "vllm",
            "base_url": "https://llm.example.com/v1",
            "credential": "the-key-of-the-vllm-server",
        }),
        "ProviderChangeBody" => json!({"name": "Our vLLM in Frankfurt"}),
        "NewCredentialBody" => json!({
            "name": "On demand",
            "credential": "another-key-of-the-vllm-server",
            "weight": 2,
            "tier": 1,
        }),
        "CredentialChangeBody" => json!({"weight": 3}),
        "NewModelBody" => json!({
            "name": "smart",
            "provider_id": provider,
            "upstream_model": "gpt-5-mini",
            "context_window": 128_000,
            "max_output_tokens": 16_384,
        }),
        "ModelChangeBody" => json!({"enabled": false}),
        "NewApiKeyBody" => json!({
            "name": "Checkout service",
            "scopes": ["inference"],
            "models": ["smart", "steady"],
            "requests_per_minute": 600,
        }),
        "ApiKeyChangeBody" => json!({"requests_per_minute": 1_200}),
        "OrganizationLimitsBody" => json!({"requests_per_minute": 6_000, "tokens_per_day": 50_000_000}),
        "NewBudgetBody" => json!({
            "period": "month",
            "soft_limit_nano_dollars": 80_000_000_000_i64,
            "hard_limit_nano_dollars": 100_000_000_000_i64,
        }),
        "NewErrorMappingBody" => json!({
            "contains": ["tokens is beyond the", "window"],
            "class": "context_window_exceeded",
            "provider_id": provider,
        }),
        "BudgetChangeBody" => {
            json!({"hard_limit_nano_dollars": 200_000_000_000_i64})
        }
        _ => return None,
    })
}
