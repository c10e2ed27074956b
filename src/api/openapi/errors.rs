//! Schemas of OpenAI's errors. The dialect writes them as plain JSON because members beside the four depend on the
//! error. The other dialects' errors have types of their own.

#![allow(dead_code, reason = "schemas: nothing makes a value of them")]

use serde_json::Value;
use utoipa::ToSchema;

/// An error in OpenAI's shape. All four members are always present.
#[derive(ToSchema)]
pub(super) struct OpenAiError {
    error: OpenAiErrorBody,
}

/// An error of the OpenAI dialect.
#[derive(ToSchema)]
pub(super) struct OpenAiErrorBody {
    /// The cause and how to fix it, in one or two sentences.
    #[schema(example = "The model 'gpt-5' does not exist in this organization's catalog.")]
    message: String,
    /// The kind of error.
    #[schema(example = "invalid_request_error")]
    r#type: String,
    /// The parameter that caused the error.
    #[schema(required, example = "model")]
    param: Option<String>,
    /// A stable code for programs.
    #[schema(required, example = "model_not_found")]
    code: Option<String>,
    /// `attempts`: the models that were tried and why each failed. Present when every model of a chain failed.
    metadata: Option<Value>,
}

/// An error under `/api/v1`, where generated clients require a numeric code.
#[derive(ToSchema)]
pub(super) struct OpenRouterError {
    error: OpenRouterErrorBody,
}

/// An error with a numeric code.
#[derive(ToSchema)]
pub(super) struct OpenRouterErrorBody {
    /// The cause and how to fix it, in one or two sentences.
    message: String,
    /// The kind of error.
    #[schema(example = "invalid_request_error")]
    r#type: String,
    /// The parameter that caused the error.
    #[schema(required, example = "model")]
    param: Option<String>,
    /// The status of the response.
    #[schema(example = 404)]
    code: u16,
    /// `error_type` is the stable code for programs; `attempts` is the same as in OpenAI's shape.
    metadata: Option<Value>,
}
