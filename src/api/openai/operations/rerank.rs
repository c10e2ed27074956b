//! `POST /v1/rerank`: parse, run, respond.

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

/// Sorts documents by their relevance to a query with the first rerank model of its chain that succeeds.
///
/// The form is that of Cohere and Jina. Bytes pass in both directions, except for the name of the model. An answer without results counts as a failure.
///
/// When every model fails, the response is the last model's error, with all attempts in `error.metadata`.
///
/// # Errors
/// Errors have OpenAI's shape, as for chat completions. A model of another kind is a 400.
#[utoipa::path(post, path = "", operation_id = "createRerank", request_body = RerankRequest,
    params(CallHeaders),
    responses(
        (status = 200, description = "The documents, the most relevant first", body = RerankObject),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn create(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    answer(Operation::Rerank, caller, request, payload, parts).await
}

request_schema! {
    /// A request to sort documents. The fields listed here are those that the gateway reads.
    RerankRequest, "sorter", "sorter-spare", {
        /// What the documents are compared with.
        #[schema(example = "What is a fox?")]
        query: String,
        /// The documents: texts, or objects with a `text`.
        #[schema(example = json!(["A fox is an animal.", "A box is a thing."]))]
        documents: Vec<Value>,
    }
}

/// The results of the model that answered. Other fields of the provider pass through unchanged.
#[derive(ToSchema)]
pub(super) struct RerankObject {
    /// The index and the relevance of each document, the most relevant first.
    #[schema(example = json!([{"index": 0, "relevance_score": 0.98}]))]
    results: Vec<Value>,
    /// Every other field of the provider, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}
