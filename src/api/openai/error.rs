//! Error responses in OpenAI's shape: `{"error": {message, type, param, code}}`. All four members are always
//! present.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::api::error_response;
use crate::api::inference::error_headers;
use crate::api::inference::limits::LimitStates;
use crate::api::openai::limit_headers;
use crate::domain::error::{Error, Location, Violation};
use crate::domain::failure::Failure;
use crate::domain::failure::chain::ChainFailure;
use crate::domain::failure::class::ErrorClass;

/// The form of `error.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// A symbolic code, as in OpenAI's API.
    Symbolic,
    /// The status as a number, which OpenRouter's generated clients require; the symbolic code is in
    /// `metadata.error_type`.
    Numeric,
}

struct ErrorParts {
    status: u16,
    kind: &'static str,
    code: String,
    param: Option<String>,
    message: String,
}

/// Builds the error response.
#[must_use]
pub fn response(error: &Error, request_id: Uuid, code: Code) -> HttpResponse {
    let parts = parts(error, request_id);
    let status = parts.status;
    let body = json!({"error": object(parts, metadata(error), code)});
    let mut response =
        HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
            .json(body);
    error_response::allow(&mut response, error);
    headers(error, status, response.headers_mut());
    response
}

/// An error after the headers of a stream were sent: the object includes what would have been in the status and the
/// headers.
pub(super) fn in_stream(error: &Error, request_id: Uuid) -> Value {
    let parts = parts(error, request_id);
    let mut gone = HeaderMap::new();
    headers(error, parts.status, &mut gone);
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    let gone: Map<String, Value> =
        gone.iter().map(|(name, value)| (name.to_string(), text(value).into())).collect();
    let mut metadata = metadata(error);
    metadata.insert("headers".to_owned(), gone.into());
    let mut object = object(parts, metadata, Code::Numeric);
    object["request_id"] = json!(request_id);
    object
}

fn metadata(error: &Error) -> Map<String, Value> {
    let mut metadata = Map::new();
    if let Error::Chain(chain) = error {
        metadata.insert("attempts".to_owned(), serde_json::to_value(&chain.attempts).unwrap_or_default());
    }
    metadata
}

fn object(parts: ErrorParts, mut metadata: Map<String, Value>, code: Code) -> Value {
    let shown = match code {
        Code::Symbolic => Value::from(parts.code),
        Code::Numeric => {
            metadata.insert("error_type".to_owned(), parts.code.into());
            Value::from(parts.status)
        }
    };
    let mut object = json!({
        "message": parts.message, "type": parts.kind, "param": parts.param, "code": shown,
    });
    if !metadata.is_empty() {
        object["metadata"] = metadata.into();
    }
    object
}

fn headers(error: &Error, status: u16, headers: &mut HeaderMap) {
    error_headers::describe(error, status, headers);
    limit_headers::describe(LimitStates::of_error(error), headers);
}

fn parts(error: &Error, request_id: Uuid) -> ErrorParts {
    if let Error::Chain(chain) = error {
        return of_chain(chain);
    }
    let status = status(error);
    ErrorParts {
        status,
        kind: kind_of_status(status),
        code: code(error).to_owned(),
        param: param(error),
        message: message(error, request_id),
    }
}

/// OpenAI and Anthropic have neither 412 nor 422, and their 404 is for models and paths.
pub(in crate::api) fn status(error: &Error) -> u16 {
    match error {
        Error::Invalid(_) => 400,
        Error::FallbackAbsent { .. } | Error::RevisionChanged { .. } => 409,
        _ => error.status(),
    }
}

/// OpenAI's `error.type`. A request that comes back to the gateway is a fault of the configuration, not of the server.
fn kind_of_status(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        500..508 => "server_error",
        _ => "invalid_request_error",
    }
}

pub(in crate::api) fn code(error: &Error) -> &str {
    match error {
        Error::Unauthenticated(_) => "invalid_api_key",
        Error::ScopeMissing(_) => "missing_scope",
        // Only pages return this error.
        Error::Visit(_) => "forbidden",
        Error::ModelForbidden { .. } => "model_not_allowed",
        Error::RouteUnknown => "unknown_url",
        Error::MethodNotAllowed { .. } => "method_not_allowed",
        Error::Absent { .. } => "not_found",
        Error::ModelUnknown { .. } | Error::FallbacksUnknown { .. } => "model_not_found",
        Error::FallbackToSelf { .. } | Error::Invalid(_) => "invalid_value",
        Error::FallbackAbsent { .. } | Error::Conflict { .. } | Error::RevisionChanged { .. } => "conflict",
        Error::Refused(refusal) => refusal.code,
        Error::BodyTooLarge { .. } => "request_too_large",
        Error::BodyEncoded => "unsupported_content_encoding",
        Error::BodyStalled => "request_timeout",
        Error::BodyUnreadable => "unreadable_body",
        Error::LimitReached(_) | Error::ShareUsedUp(_) => "rate_limit_exceeded",
        Error::Busy => "overloaded",
        Error::RecordingUnavailable(_) => "recording_unavailable",
        Error::DatabaseAway => "database_away",
        Error::NotReady => "not_ready",
        Error::LoopDetected => "loop_detected",
        Error::Chain(chain) => chain.failure.class.policy().code,
        Error::Internal(_) => "internal_error",
    }
}

pub(in crate::api) fn param(error: &Error) -> Option<String> {
    match error {
        Error::ModelForbidden { .. } | Error::ModelUnknown { .. } => Some("model".to_owned()),
        Error::FallbacksUnknown { .. } | Error::FallbackToSelf { .. } => Some("models".to_owned()),
        Error::Invalid(violations) => violations.first().map(place),
        Error::Refused(refusal) => refusal.param.clone(),
        _ => None,
    }
}

pub(in crate::api) fn message(error: &Error, request_id: Uuid) -> String {
    match error {
        Error::ModelForbidden { model } => {
            format!("This API key may not use the model '{model}': it is not in its list of models.")
        }
        Error::RouteUnknown => ROUTES.to_owned(),
        Error::ModelUnknown { model, .. } => format!(
            "The model '{model}' does not exist in this organization's catalog. GET /v1/models lists the models."
        ),
        Error::FallbacksUnknown { models, .. } => format!("Unknown models: {}.", models.join(", ")),
        Error::FallbackAbsent { .. } | Error::Conflict { .. } | Error::RevisionChanged { .. } => {
            error.to_string()
        }
        Error::Invalid(violations) => {
            violations.first().map_or_else(|| error.to_string(), |violation| violation.message.clone())
        }
        Error::Refused(refusal) => refusal.message.clone(),
        Error::LimitReached(limit) => format!(
            "This {}'s limit of {} {} is reached. Try again later, or raise the limit.",
            limit.owner, limit.limit, limit.what
        ),
        _ => error.sentence(request_id),
    }
}

const ROUTES: &str = "There is nothing at this path. Models are called with POST /v1/chat/completions, POST /v1/messages, POST /v1/responses, POST /v1/embeddings and others; there are also GET /v1/models and GET /v1/models/{id}; the management routes are listed at /docs/api.";

fn place(violation: &Violation) -> String {
    let mut parts = violation.location.iter().skip(1).map(|part| match part {
        Location::Name(name) => name.clone(),
        Location::Index(index) => index.to_string(),
    });
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |path, part| format!("{path}.{part}"))
}

fn of_chain(chain: &ChainFailure) -> ErrorParts {
    let failure = &chain.failure;
    let (kind, code) = kind_and_code(failure);
    ErrorParts {
        status: chain.status,
        kind,
        code,
        param: failure.param.clone().filter(|_| failure.class == ErrorClass::InvalidRequest),
        message: failure.message.clone(),
    }
}

fn kind_and_code(failure: &Failure) -> (&'static str, String) {
    let class = failure.class;
    let own = failure.code.clone().filter(|_| class == ErrorClass::InvalidRequest);
    (kind_of(class), own.unwrap_or_else(|| class.policy().code.to_owned()))
}

/// OpenAI's `error.type`. It follows from the status, except for quotas and budgets.
fn kind_of(class: ErrorClass) -> &'static str {
    match (class, class.policy().status) {
        (ErrorClass::QuotaExhausted | ErrorClass::OverBudget, _) => "insufficient_quota",
        (_, 429) => "rate_limit_error",
        (_, 400) => "invalid_request_error",
        (_, _) => "server_error",
    }
}
