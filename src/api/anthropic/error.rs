//! Error responses in Anthropic's shape: `{"type": "error", "error": {type, message}, "request_id"}`. What else the
//! gateway knows is in `failsoft` beside it, which SDKs keep.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;
use serde::Serialize;
use uuid::Uuid;

use crate::api::inference::error_headers;
use crate::api::inference::limits::LimitStates;
use crate::api::{error_response, openai};
use crate::dialects::messages::error::{kind, message};
use crate::dialects::need::Need;
use crate::domain::attempt_report::AttemptReport;
use crate::domain::error::Error;
use crate::domain::failure::class::ErrorClass;

/// The name under which Anthropic's SDKs read the id of a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// An error in Anthropic's shape.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AnthropicError {
    /// The type, always `error`.
    #[schema(example = "error")]
    r#type: &'static str,
    /// What is wrong and how to fix it.
    error: AnthropicErrorBody,
    /// The id of the request, which is also in the header `request-id`.
    request_id: String,
    /// What the gateway knows besides.
    failsoft: ErrorDetails,
}

/// The error itself, with the members that Anthropic's SDKs read.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AnthropicErrorBody {
    /// The kind of error, as Anthropic names it.
    #[schema(example = "not_found_error")]
    r#type: &'static str,
    /// The cause and how to fix it, in one or two sentences.
    #[schema(example = "The model 'claude' does not exist in this organization's catalog.")]
    message: String,
    /// What the SDKs act on: that they have to send the whole conversation, because its thread cannot be continued.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<AnthropicErrorDetails>,
}

/// A code that Anthropic's SDKs act on.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AnthropicErrorDetails {
    /// The code, always `thread_not_found`.
    #[schema(example = "thread_not_found")]
    error_code: &'static str,
}

/// What the gateway knows of an error besides.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorDetails {
    /// A stable code for programs.
    #[schema(example = "model_not_found")]
    code: String,
    /// The parameter that caused the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<String>,
    /// The models that were tried and why each failed. Present when every model of a chain failed.
    #[schema(value_type = Option<Vec<serde_json::Value>>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptReport>>,
}

/// Builds the error response.
#[must_use]
pub fn response(error: &Error, request_id: Uuid) -> HttpResponse {
    let status = status(error);
    let mut response =
        HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
            .json(body(error, request_id));
    error_response::allow(&mut response, error);
    error_headers::describe(error, status, response.headers_mut());
    // The middleware knows the time that their headers need.
    response.extensions_mut().insert(LimitStates::of_error(error));
    response
}

/// The error as an object, for a response or for the last event of a stream.
pub(super) fn body(error: &Error, request_id: Uuid) -> AnthropicError {
    let kind = kind(status(error));
    let (message, details) = match error {
        Error::Chain(chain) => {
            let failure = &chain.failure;
            let own = failure.code.clone().filter(|_| failure.class == ErrorClass::InvalidRequest);
            let details = ErrorDetails {
                code: own.unwrap_or_else(|| failure.class.policy().code.to_owned()),
                param: failure.param.clone(),
                attempts: Some(chain.attempts.clone()),
            };
            (message(failure.class, &failure.message), details)
        }
        _ => {
            let code = openai::error::code(error).to_owned();
            let details = ErrorDetails { code, param: openai::error::param(error), attempts: None };
            (openai::error::message(error, request_id), details)
        }
    };
    let error_code = Some(Need::Thread.code()).filter(|code| details.code == *code);
    let acted_on = error_code.map(|error_code| AnthropicErrorDetails { error_code });
    AnthropicError {
        r#type: "error",
        error: AnthropicErrorBody { r#type: kind, message, details: acted_on },
        request_id: request_id.to_string(),
        failsoft: details,
    }
}

fn status(error: &Error) -> u16 {
    match error {
        Error::Chain(chain) => chain.status,
        _ => openai::error::status(error),
    }
}
