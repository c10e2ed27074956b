//! `POST /v1/embeddings`: parse, run, respond.

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

/// Turns texts into vectors with the first embedding model of its chain that succeeds.
///
/// Bytes pass in both directions. Vectors of different models cannot be compared, so a fallback is called only if it has the
/// same name at its provider as the requested model, or the same `vector_space` in the catalog. An answer counts as a
/// failure unless it has one vector for each input, all of the same length, which is `dimensions` if that is sent.
///
/// When every model fails, the response is the last model's error, with all attempts in `error.metadata`.
///
/// # Errors
/// Errors have OpenAI's shape, as for chat completions. A model of another kind is a 400.
#[utoipa::path(post, path = "", operation_id = "createEmbeddings", request_body = EmbeddingRequest,
    params(CallHeaders),
    responses(
        (status = 200, description = "The vectors", body = EmbeddingList),
        (status = 400), (status = 404), (status = 429), (status = 502), (status = 503), (status = 504)))]
pub async fn create(
    caller: ApiCaller<Inference>,
    request: HttpRequest,
    payload: web::Payload,
    parts: Parts,
) -> Result<HttpResponse> {
    answer(Operation::Embeddings, caller, request, payload, parts).await
}

request_schema! {
    /// A request for embeddings. The fields listed here are those that the gateway reads; every other field is passed to the
    /// provider unchanged.
    EmbeddingRequest, "small", "small-spare", {
        /// A text or a list of texts; or a list of tokens, or a list of such lists.
        input: EmbeddingInput,
        /// The length of each vector, for models that can shorten it.
        #[schema(required = false, example = 256, minimum = 1)]
        dimensions: u64,
        /// The form of each vector: `float` or `base64`.
        #[schema(required = false, example = "float")]
        encoding_format: String,
    }
}

/// One text, or a list of texts or tokens.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(example = "Hello")]
pub(super) enum EmbeddingInput {
    /// One text, as a string.
    Text(String),
    /// Texts, tokens, or lists of tokens.
    List(Vec<Value>),
}

/// The vectors of the model that answered. Other fields of the provider pass through unchanged.
#[derive(ToSchema)]
pub(super) struct EmbeddingList {
    /// The type, always `list`.
    #[schema(example = "list")]
    object: String,
    /// The catalog name of the model that answered.
    #[schema(example = "small")]
    model: String,
    /// One vector for each input.
    data: Vec<Embedding>,
    /// The token usage of the model that answered. Failed attempts are not included.
    usage: EmbeddingUsage,
    /// Every other field of the provider, passed on unchanged.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// The vector of one input.
#[derive(ToSchema)]
pub(super) struct Embedding {
    /// The type, always `embedding`.
    #[schema(example = "embedding")]
    object: String,
    /// The index of the input, from 0.
    #[schema(example = 0)]
    index: u32,
    /// The vector: numbers, or a text in Base64 if `encoding_format` asks for that.
    #[schema(example = json!([0.018, -0.007]))]
    embedding: Value,
}

/// Token usage of embeddings.
#[derive(ToSchema)]
pub(super) struct EmbeddingUsage {
    /// Tokens of all inputs.
    #[schema(example = 8)]
    prompt_tokens: u64,
    /// The same, as there is no completion.
    #[schema(example = 8)]
    total_tokens: u64,
}
