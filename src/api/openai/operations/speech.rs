//! `POST /v1/audio/speech`: parse, run, respond.

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

/// Speaks a text aloud with the first speech model of its chain that succeeds.
///
/// The sound passes as it comes. It is an answer once its first bytes have arrived; until then, other models are tried. If it
/// breaks off later, so does the response.
///
/// When every model fails, the response is the last model's error, with all attempts in `error.metadata`.
///
/// # Errors
/// Errors have OpenAI's shape, as for chat completions. A model of another kind is a 400.
#[utoipa::path(post, path = "", operation_id = "createSpeech", request_body = SpeechRequest,
    params(
        ("x-session-id" = Option<String>, Header, description = "The session in the request log, if the body names none"),
        ("x-failsoft-deadline-ms" = Option<u64>, Header, description = "Lowers the total time limit of all attempts"),
        ("x-failsoft-drill" = Option<String>, Header, description = "`MODEL=CLASS, ...` simulates failures of models without calling them, as for chat completions"),
        ("x-failsoft-metadata" = Option<String>, Header, description = "`enabled` adds a `failsoft` object")),
    responses(
        (status = 200, description = "Sound, or events with sound, in the format that was asked for", content((String = "application/octet-stream"))),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn create(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    answer(Operation::Speech, caller, request, payload, parts).await
}

/// A request for speech. The fields listed here are those that the gateway reads.
#[derive(ToSchema)]
pub(super) struct SpeechRequest {
    /// The model to try first. Without `models` or `fallbacks` its stored fallbacks follow.
    #[schema(required = false, example = "speaker")]
    model: String,
    /// The models to try after `model`, strictly in order, instead of the stored fallbacks.
    #[schema(required = false, example = json!(["speaker-spare"]), max_items = 32, min_items = 1)]
    models: Vec<String>,
    /// The text to be spoken.
    #[schema(example = "Hello")]
    input: String,
    /// The voice, as the provider names it.
    #[schema(example = "alloy")]
    voice: String,
    /// Every other field that the provider accepts, passed on unchanged; and `fallbacks`, `disable_fallbacks`, `max_fallbacks`,
    /// `num_retries` and `session_id`, as in chat completions.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}
