//! Error responses in each format.
//!
//! Handlers and extractors return the core [`Error`]; the middleware in `app` builds the response here.

use actix_web::HttpResponse;
use actix_web::http::header::{ALLOW, HeaderValue};
use uuid::Uuid;

use super::error_format::ErrorFormat;
use super::{anthropic, litellm, openai};
use crate::api::management;
use crate::domain::error::Error;

/// Builds the error response.
#[must_use]
pub fn response(format: ErrorFormat, error: &Error, id: Uuid) -> HttpResponse {
    match format {
        ErrorFormat::Anthropic => anthropic::error::response(error, id),
        ErrorFormat::OpenAi => openai::error::response(error, id, openai::error::Code::Symbolic),
        ErrorFormat::OpenRouter => openai::error::response(error, id, openai::error::Code::Numeric),
        ErrorFormat::LiteLlm => litellm::error::response(error, id),
        ErrorFormat::Management => management::error::response(error, id),
    }
}

/// Logs what the response leaves out: the cause of an internal error.
pub fn log(error: &Error, id: Uuid) {
    if let Error::Internal(source) = error {
        tracing::error!(request_id = %id, error = %chain(source.as_ref()), "internal error");
    }
}

/// The error and its source chain, joined by colons.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// Sets the `Allow` header of a 405.
pub fn allow(response: &mut HttpResponse, error: &Error) {
    if let Error::MethodNotAllowed { allow } = error
        && let Ok(allow) = HeaderValue::from_str(allow)
    {
        response.headers_mut().insert(ALLOW, allow);
    }
}
