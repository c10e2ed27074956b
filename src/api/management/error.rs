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
    let (status, code, message) = describe(error, request_id);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    let mut response = if let Error::Invalid(violations) = error {
        response.json(HTTPValidationError { detail: violations.iter().map(ValidationError::from).collect() })
    } else {
        response.json(ErrorResponse { error: code, message })
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

fn describe(error: &Error, request_id: Uuid) -> (u16, &'static str, String) {
    match error {
        Error::Unauthenticated(fault) => (401, "unauthorized", fault.message().to_owned()),
        Error::ScopeMissing(scope) => (
            403,
            "forbidden",
            format!("This API key lacks the scope '{scope}'. Use a key that has it, or add it to this one."),
        ),
        Error::Visit(_) | Error::ModelForbidden { .. } => (403, "forbidden", sentence(error)),
        Error::RouteUnknown => (
            404,
            "not_found",
            "There is nothing at this path. The routes are listed at /docs/api.".to_owned(),
        ),
        Error::MethodNotAllowed { allow } => {
            (405, "method_not_allowed", format!("This method is not allowed here. Allowed: {allow}."))
        }
        Error::Absent { what, id } => {
            (404, "not_found", format!("There is no {what} '{id}' in this organization."))
        }
        Error::ModelUnknown { .. } | Error::FallbackAbsent { .. } => (404, "not_found", sentence(error)),
        Error::FallbacksUnknown { .. } | Error::FallbackToSelf { .. } => {
            (400, "bad_request", sentence(error))
        }
        // `response` builds its body. This arm keeps the match exhaustive.
        Error::Invalid(_) => (422, "unprocessable_entity", sentence(error)),
        Error::Refused(refusal) => (400, refusal.code, refusal.message.clone()),
        Error::Conflict { message } => (409, "conflict", message.clone()),
        Error::RevisionChanged { .. } => (412, "precondition_failed", sentence(error)),
        Error::BodyTooLarge { limit } => {
            (413, "payload_too_large", format!("The body is over the limit of {limit} bytes."))
        }
        Error::BodyEncoded => (
            415,
            "unsupported_media_type",
            "Compressed bodies are not accepted. Send the JSON as it is, without Content-Encoding."
                .to_owned(),
        ),
        Error::BodyStalled => {
            (408, "request_timeout", "The body did not arrive in time. Send it without pauses.".to_owned())
        }
        Error::BodyUnreadable => (400, "bad_request", "The body ended early or is malformed.".to_owned()),
        Error::LimitReached(_) | Error::ShareUsedUp(_) => (429, "too_many_requests", sentence(error)),
        Error::Busy | Error::RecordingUnavailable(_) => (503, "service_unavailable", sentence(error)),
        Error::DatabaseAway => (503, "database_away", sentence(error)),
        Error::NotReady => (500, "not_ready", sentence(error)),
        Error::LoopDetected => (508, "loop_detected", sentence(error)),
        Error::Chain(chain) => (chain.status, chain.failure.class.as_str(), sentence(error)),
        Error::Internal(_) => (
            500,
            "internal_error",
            format!(
                "An internal error occurred. Report the request id {request_id} to the operator of the gateway."
            ),
        ),
    }
}

/// The error's message as a sentence: capitalized, with a period.
fn sentence(error: &Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
