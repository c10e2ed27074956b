//! `POST /v1/completions`: parse, run, respond.

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

/// Continues a text with the first completion model of its chain that succeeds.
///
/// This is OpenAI's older form, for models that take a prompt in place of a conversation. Bytes pass in both directions, except for the name of the model. A stream is an answer once it has text; one that breaks
/// after that ends with an event with the `error`.
///
/// When every model fails, the response is the last model's error, with all attempts in `error.metadata`.
///
/// # Errors
/// Errors have OpenAI's shape, as for chat completions. A model of another kind is a 400.
#[utoipa::path(post, path = "", operation_id = "createCompletion", request_body = CompletionRequest,
    params(CallHeaders),
    responses(
        (status = 200, description = "A completion, or a stream of chunks", content((CompletionObject = "application/json"), (String = "text/event-stream"))),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn create(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    answer(Operation::Completions, caller, request, payload, parts).await
}

request_schema! {
    /// A request for a completion. The fields listed here are those that the gateway reads.
    CompletionRequest, "base", "base-spare", {
        /// A text, a list of texts, or tokens.
        #[schema(value_type = String, example = "Once upon a time")]
        prompt: Value,
        /// The longest completion, in tokens.
        #[schema(required = false, example = 64)]
        max_tokens: u64,
        /// Whether the response is a stream of chunks.
        #[schema(required = false)]
        stream: bool,
    }
}

/// The completion of the model that answered. Other fields of the provider pass through unchanged.
#[derive(ToSchema)]
pub(super) struct CompletionObject {
    /// The type, always `text_completion`.
    #[schema(example = "text_completion")]
    object: String,
    /// The catalog name of the model that answered.
    #[schema(example = "base")]
    model: String,
    /// The completions, each with its `text` and its `finish_reason`.
    #[schema(example = json!([{"index": 0, "text": "there was a fox.", "finish_reason": "stop"}]))]
    choices: Vec<Value>,
    /// Every other field of the provider, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}
