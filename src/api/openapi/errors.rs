//! OpenAI's errors as schemas: what they hold beside the four members depends on the error, so the dialect writes
//! them as plain JSON. The other dialects' errors are types of their own.

#![allow(dead_code, reason = "schemas: nothing makes a value of them")]

use serde_json::Value;
use utoipa::ToSchema;

/// An error in OpenAI's shape. All four members are always there.
#[derive(ToSchema)]
pub(super) struct OpenAiError {
    error: OpenAiErrorBody,
}

/// What went wrong, for people and for programs.
#[derive(ToSchema)]
pub(super) struct OpenAiErrorBody {
    /// The cause and the remedy, in a sentence or two.
    #[schema(example = "The model 'gpt-5' does not exist in this organization's catalogue.")]
    message: String,
    /// The kind of error.
    #[schema(example = "invalid_request_error")]
    r#type: String,
    /// The field at fault.
    #[schema(required, example = "model")]
    param: Option<String>,
    /// A stable word for programs.
    #[schema(required, example = "model_not_found")]
    code: Option<String>,
    /// When every model of a chain failed: `attempts`, who was tried and why it failed.
    metadata: Option<Value>,
}

/// The same under `/api/v1`, where generated clients insist that the code is a number.
#[derive(ToSchema)]
pub(super) struct OpenRouterError {
    error: OpenRouterErrorBody,
}

/// What went wrong, for people and for programs.
#[derive(ToSchema)]
pub(super) struct OpenRouterErrorBody {
    /// The cause and the remedy, in a sentence or two.
    message: String,
    /// The kind of error.
    #[schema(example = "invalid_request_error")]
    r#type: String,
    /// The field at fault.
    #[schema(required, example = "model")]
    param: Option<String>,
    /// The status of the response.
    #[schema(example = 404)]
    code: u16,
    /// `error_type` is the stable word for programs; `attempts` as in OpenAI's shape.
    metadata: Option<Value>,
}
