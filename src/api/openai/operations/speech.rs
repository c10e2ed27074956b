//! `POST /v1/audio/speech`: parse, run, respond.

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
    params(CallHeaders),
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

request_schema! {
    /// A request for speech. The fields listed here are those that the gateway reads.
    SpeechRequest, "speaker", "speaker-spare", {
        /// The text to be spoken.
        #[schema(example = "Hello")]
        input: String,
        /// The voice, as the provider names it.
        #[schema(example = "alloy")]
        voice: String,
    }
}
