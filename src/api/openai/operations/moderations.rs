//! `POST /v1/moderations`: parse, run, respond.

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

/// Classifies content with the first moderation model of its chain that succeeds.
///
/// Bytes pass in both directions, except for the name of the model. An answer without results counts as a failure.
///
/// When every model fails, the response is the last model's error, with all attempts in `error.metadata`.
///
/// # Errors
/// Errors have OpenAI's shape, as for chat completions. A model of another kind is a 400.
#[utoipa::path(post, path = "", operation_id = "createModeration", request_body = ModerationRequest,
    params(CallHeaders),
    responses(
        (status = 200, description = "The results", body = ModerationObject),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn create(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    answer(Operation::Moderations, caller, request, payload, parts).await
}

request_schema! {
    /// A request to classify content. The fields listed here are those that the gateway reads.
    ModerationRequest, "guard", "guard-spare", {
        /// A text, a list of texts, or a list of parts.
        #[schema(value_type = String, example = "Hello")]
        input: Value,
    }
}

/// The results of the model that answered. Other fields of the provider pass through unchanged.
#[derive(ToSchema)]
pub(super) struct ModerationObject {
    /// The catalog name of the model that answered.
    #[schema(example = "guard")]
    model: String,
    /// The results, in the order of the input.
    #[schema(example = json!([{"flagged": false}]))]
    results: Vec<Value>,
    /// Every other field of the provider, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}
