//! `POST /v1/images/generations`: parse, run, respond.

#![allow(dead_code, reason = "schemas: nothing makes a value of them")]

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use utoipa::ToSchema;

use super::answer;
use crate::api::inference::call::Parts;
use crate::auth::api::api_caller::{ApiCaller, Inference};
use crate::domain::error::Result;
use crate::domain::operation::Operation;

/// Makes images with the first image model of its chain that succeeds.
///
/// Bytes pass in both directions. An answer without images counts as a failure. A stream is an answer once its first event has
/// come; one that breaks after that ends with an event with the `error`.
///
/// When every model fails, the response is the last model's error, with all attempts in `error.metadata`.
///
/// # Errors
/// Errors have OpenAI's shape, as for chat completions. A model of another kind is a 400.
#[utoipa::path(post, path = "", operation_id = "createImage", request_body = ImageRequest,
    params(
        ("x-session-id" = Option<String>, Header, description = "The session in the request log, if the body names none"),
        ("x-failsoft-deadline-ms" = Option<u64>, Header, description = "Lowers the total time limit of all attempts"),
        ("x-failsoft-drill" = Option<String>, Header, description = "`MODEL=CLASS, ...` simulates failures of models without calling them, as for chat completions"),
        ("x-failsoft-metadata" = Option<String>, Header, description = "`enabled` adds a `failsoft` object")),
    responses(
        (status = 200, description = "The images, or a stream of events", content((ImageList = "application/json"), (String = "text/event-stream"))),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn create(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    answer(Operation::Images, caller, request, payload, parts).await
}

/// A request for images. The fields listed here are those that the gateway reads.
#[derive(ToSchema)]
pub(super) struct ImageRequest {
    /// The model to try first. Without `models` or `fallbacks` its stored fallbacks follow.
    #[schema(required = false, example = "painter")]
    model: String,
    /// The models to try after `model`, strictly in order, instead of the stored fallbacks.
    #[schema(required = false, example = json!(["painter-spare"]), max_items = 32, min_items = 1)]
    models: Vec<String>,
    /// What the images show.
    #[schema(example = "A fox in the snow")]
    prompt: String,
    /// Whether the response is a stream of events.
    #[schema(required = false)]
    stream: bool,
    /// Every other field that the provider accepts, passed on unchanged; and `fallbacks`, `disable_fallbacks`, `max_fallbacks`,
    /// `num_retries` and `session_id`, as in chat completions.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// The images of the model that answered. Other fields of the provider pass through unchanged.
#[derive(ToSchema)]
pub(super) struct ImageList {
    /// When they were made, in Unix seconds.
    #[schema(example = 1_795_167_000)]
    created: i64,
    /// The images: each has its bytes in Base64 (`b64_json`), or its address (`url`).
    #[schema(example = json!([{"b64_json": "aGVsbG8="}]))]
    data: Vec<Value>,
    /// Every other field of the provider, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}
