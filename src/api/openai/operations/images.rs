//! `POST /v1/images/generations`: parse, run, respond.

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
    params(CallHeaders),
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

request_schema! {
    /// A request for images. The fields listed here are those that the gateway reads.
    ImageRequest, "painter", "painter-spare", {
        /// What the images show.
        #[schema(example = "A fox in the snow")]
        prompt: String,
        /// Whether the response is a stream of events.
        #[schema(required = false)]
        stream: bool,
    }
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
