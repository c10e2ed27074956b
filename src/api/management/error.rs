//! Error responses in the management API's shape: `{"error", "message"}`, or `{"detail": [{loc, msg, type}]}` for a
//! validation error.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::error_response;
use crate::domain::error::{Error, Location, Violation};

/// The body of every error except validation errors.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorResponse {
    /// A stable code for programs, such as `not_found`.
    error: &'static str,
    /// The cause and how to fix it.
    message: String,
}

/// Every violation in the fields of a body or the parameters of a query.
#[derive(Debug, Serialize, ToSchema)]
pub struct HTTPValidationError {
    /// One entry for each violation.
    detail: Vec<ValidationError>,
}

/// A violation of one field or parameter.
#[derive(Debug, Serialize, ToSchema)]
pub struct ValidationError {
    /// The kind of violation: `missing`, `string_type`, `value_error`, `extra_forbidden` ...
    r#type: &'static str,
    /// The location of the value, such as `["query", "limit"]` or `["body", "scopes", 0]`.
    loc: Vec<Place>,
    /// The cause and how to fix it.
    msg: String,
}

/// One step of the path to an invalid value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Place {
    /// A member of an object, or a part of the request.
    Name(String),
    /// A position in an array, from 0.
    Index(usize),
}

/// Builds the error response.
#[must_use]
pub fn response(error: &Error, request_id: Uuid) -> HttpResponse {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    let mut response = if let Error::Invalid(violations) = error {
        response.json(HTTPValidationError { detail: violations.iter().map(ValidationError::from).collect() })
    } else {
        response.json(ErrorResponse { error: code(error), message: message(error, request_id) })
    };
    error_response::allow(&mut response, error);
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Violations as JSON, for LiteLLM's dialect, which lists them the same way.
#[must_use]
pub fn details(violations: &[Violation]) -> Vec<Value> {
    let details = violations.iter().map(ValidationError::from);
    details.map(|detail| serde_json::to_value(detail).unwrap_or_default()).collect()
}

impl From<&Violation> for ValidationError {
    fn from(violation: &Violation) -> Self {
        let place = |part: &Location| match part {
            Location::Name(name) => Place::Name(name.clone()),
            Location::Index(index) => Place::Index(*index),
        };
        Self {
            r#type: violation.kind,
            loc: violation.location.iter().map(place).collect(),
            msg: violation.message.clone(),
        }
    }
}

fn code(error: &Error) -> &'static str {
    match error {
        Error::Refused(refusal) => refusal.code,
        Error::DatabaseAway => "database_away",
        Error::NotReady => "not_ready",
        Error::Chain(chain) => chain.failure.class.as_str(),
        _ => code_of_status(error.status()),
    }
}

fn code_of_status(status: u16) -> &'static str {
    match status {
        400 => "bad_request",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        408 => "request_timeout",
        409 => "conflict",
        412 => "precondition_failed",
        413 => "payload_too_large",
        415 => "unsupported_media_type",
        422 => "unprocessable_entity",
        429 => "too_many_requests",
        503 => "service_unavailable",
        508 => "loop_detected",
        _ => "internal_error",
    }
}

fn message(error: &Error, request_id: Uuid) -> String {
    match error {
        Error::RouteUnknown => {
            "There is nothing at this path. The routes are listed at /docs/api.".to_owned()
        }
        Error::Refused(refusal) => refusal.message.clone(),
        Error::Conflict { message } => message.clone(),
        _ => error.sentence(request_id),
    }
}
