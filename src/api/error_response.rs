//! An error in the shape of its dialect.
//!
//! Handlers and extractors return the core [`Error`]; the door in `startup` asks for its shape here.

use actix_web::HttpResponse;
use actix_web::http::header::{ALLOW, HeaderValue};
use uuid::Uuid;

use super::dialect::Dialect;
use super::{litellm, openai};
use crate::api::management;
use crate::domain::error::Error;

/// The response of an error.
#[must_use]
pub fn response(dialect: Dialect, error: &Error, id: Uuid) -> HttpResponse {
    match dialect {
        Dialect::OpenAi => openai::error::response(error, id, openai::error::Code::Symbolic),
        Dialect::OpenRouter => openai::error::response(error, id, openai::error::Code::Numeric),
        Dialect::LiteLlm => litellm::error::response(error, id),
        Dialect::Feather => management::error::response(error, id),
    }
}

/// What the caller is not told goes to the log.
pub fn log(error: &Error, id: Uuid) {
    if let Error::Internal(source) = error {
        tracing::error!(request_id = %id, error = %chain(source.as_ref()), "internal error");
    }
}

/// An error with all its causes, for the log.
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

/// The `Allow` header of a 405.
pub fn allow(response: &mut HttpResponse, error: &Error) {
    if let Error::MethodNotAllowed { allow } = error
        && let Ok(allow) = HeaderValue::from_str(allow)
    {
        response.headers_mut().insert(ALLOW, allow);
    }
}
