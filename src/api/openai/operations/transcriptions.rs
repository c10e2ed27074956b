//! `POST /v1/audio/transcriptions` and `POST /v1/audio/translations`: read a form, run, respond.

#![allow(dead_code, reason = "schemas: nothing makes a value of them")]

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use utoipa::ToSchema;

use super::answer;
use crate::api::inference::call::Parts;
use crate::api::inference::call_headers::CallHeaders;
use crate::api::openai::request_schema::request_schema;
use crate::auth::api::api_caller::{ApiCaller, Inference};
use crate::domain::error::Result;
use crate::domain::operation::Operation;

/// Writes down what is said in a recording, with the first transcription model of its chain that succeeds.
///
/// The form passes as it is, with the provider's name of the model. It is kept until a model has answered, within the memory
/// that requests may use, so that another model can be tried.
///
/// When every model fails, the response is the last model's error, with all attempts in `error.metadata`.
///
/// # Errors
/// Errors have OpenAI's shape, as for chat completions. A model of another kind is a 400.
#[utoipa::path(post, path = "", operation_id = "createTranscription",
    request_body(content = TranscriptionRequest, content_type = "multipart/form-data"),
    params(CallHeaders),
    responses(
        (status = 200, description = "The text, in the format that was asked for", content((Transcription = "application/json"), (String = "text/plain"), (String = "text/event-stream"))),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn create(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    answer(Operation::Transcriptions, caller, request, payload, parts).await
}

/// Writes down in English what is said in a recording, with the first transcription model of its chain that succeeds.
///
/// The form passes as it is, with the provider's name of the model. It is kept until a model has answered, within the memory
/// that requests may use, so that another model can be tried.
///
/// When every model fails, the response is the last model's error, with all attempts in `error.metadata`.
///
/// # Errors
/// Errors have OpenAI's shape, as for chat completions. A model of another kind is a 400.
#[utoipa::path(post, path = "", operation_id = "createTranslation",
    request_body(content = TranscriptionRequest, content_type = "multipart/form-data"),
    params(CallHeaders),
    responses(
        (status = 200, description = "The text, in the format that was asked for", content((Transcription = "application/json"), (String = "text/plain"), (String = "text/event-stream"))),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn translate(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    answer(Operation::Translations, caller, request, payload, parts).await
}

request_schema! {
    /// A form with a recording. The fields listed here are those that the gateway reads.
    TranscriptionRequest, "scribe", "scribe-spare", {
        /// The recording, as a file.
        #[schema(format = Binary, example = "(sound)")]
        file: String,
        /// The form of the text: `json`, `verbose_json`, `text`, `srt` or `vtt`.
        #[schema(required = false, example = "json")]
        response_format: String,
        /// Whether the response is a stream of events.
        #[schema(required = false)]
        stream: bool,
    }
}

/// The text of a recording. Other fields of the provider pass through unchanged.
#[derive(ToSchema)]
pub(super) struct Transcription {
    /// What is said in the recording.
    #[schema(example = "Hello")]
    text: String,
    /// Every other field of the provider, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}
