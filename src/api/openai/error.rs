//! Error responses in OpenAI's shape: `{"error": {message, type, param, code}}`. All four members are always
//! present.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::api::error_response;
use crate::api::openai::{limit_headers, routing_headers};
use crate::auth::api::rate_limit::RateLimitStatus;
use crate::domain::chain_failure::ChainFailure;
use crate::domain::error::{Error, Location, Violation};
use crate::domain::error_class::ErrorClass;
use crate::domain::failure::Failure;

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

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
    let mut retry_after = None;
    let mut again = matches!(status, 429 | 503);
    match error {
        Error::Chain(chain) => {
            routing_headers::describe(&chain.routing, headers);
            retry_after = chain.retry_after;
            again = chain.is_worth_retrying();
        }
        Error::LimitReached(reached) => {
            routing_headers::no_model_called(headers);
            retry_after = Some(reached.retry_after);
            if let (Some(reset), Ok(limit)) = (reached.reset, u32::try_from(reached.limit)) {
                limit_headers::describe(RateLimitStatus { limit, remaining: 0, reset }, headers);
            }
        }
        Error::RecordingUnavailable(routing) => {
            if let Some(routing) = routing {
                routing_headers::describe(routing, headers);
            }
            retry_after = Some(Duration::from_secs(1));
        }
        Error::Busy | Error::ShareUsedUp(_) => {
            routing_headers::no_model_called(headers);
            retry_after = Some(Duration::from_secs(1));
        }
        Error::Unauthenticated(_)
        | Error::ScopeMissing(_)
        | Error::Visit(_)
        | Error::ModelForbidden { .. }
        | Error::RouteUnknown
        | Error::MethodNotAllowed { .. }
        | Error::Absent { .. }
        | Error::ModelUnknown { .. }
        | Error::FallbacksUnknown { .. }
        | Error::FallbackToSelf { .. }
        | Error::FallbackAbsent { .. }
        | Error::Invalid(_)
        | Error::Refused(_)
        | Error::Conflict { .. }
        | Error::RevisionChanged { .. }
        | Error::BodyTooLarge { .. }
        | Error::BodyEncoded
        | Error::BodyStalled
        | Error::BodyUnreadable
        | Error::DatabaseAway
        | Error::NotReady
        | Error::LoopDetected => routing_headers::no_model_called(headers),
        Error::Internal(_) => {}
    }
    if let Some(wait) = retry_after {
        // Rounded up to whole seconds, so that clients do not retry too early.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    if status >= 400 {
        headers.insert(SHOULD_RETRY, HeaderValue::from_static(if again { "true" } else { "false" }));
    }
}

fn parts(error: &Error, request_id: Uuid) -> ErrorParts {
    let say = |status, kind, code: &str, param: Option<&str>, message: String| ErrorParts {
        status,
        kind,
        code: code.to_owned(),
        param: param.map(str::to_owned),
        message,
    };
    let invalid = "invalid_request_error";
    match error {
        Error::Unauthenticated(fault) => {
            say(401, "authentication_error", "invalid_api_key", None, fault.message().to_owned())
        }
        Error::ScopeMissing(scope) => say(
            403,
            "permission_error",
            "missing_scope",
            None,
            format!("This API key lacks the scope '{scope}'. Use a key that has it, or add it to this one."),
        ),
        // Only pages return this error.
        Error::Visit(fault) => say(403, "permission_error", "forbidden", None, fault.to_string()),
        Error::ModelForbidden { model } => say(
            403,
            "permission_error",
            "model_not_allowed",
            Some("model"),
            format!("This API key may not use the model '{model}': it is not in its list of models."),
        ),
        Error::RouteUnknown => say(404, invalid, "unknown_url", None, ROUTES.to_owned()),
        Error::MethodNotAllowed { allow } => say(
            405,
            invalid,
            "method_not_allowed",
            None,
            format!("This method is not allowed here. Allowed: {allow}."),
        ),
        Error::Absent { what, id } => {
            say(404, invalid, "not_found", None, format!("There is no {what} '{id}' in this organization."))
        }
        Error::ModelUnknown { model, .. } => say(
            404,
            invalid,
            "model_not_found",
            Some("model"),
            format!(
                "The model '{model}' does not exist in this organization's catalog. GET /v1/models lists the models."
            ),
        ),
        Error::FallbacksUnknown { models, .. } => say(
            400,
            invalid,
            "model_not_found",
            Some("models"),
            format!("Unknown models: {}.", models.join(", ")),
        ),
        Error::FallbackToSelf { model } => say(
            400,
            invalid,
            "invalid_value",
            Some("models"),
            format!("The model '{model}' cannot be its own fallback."),
        ),
        Error::FallbackAbsent { .. } | Error::Conflict { .. } | Error::RevisionChanged { .. } => {
            say(409, invalid, "conflict", None, error.to_string())
        }
        Error::Invalid(violations) => {
            let first = violations.first();
            let message = first.map_or_else(|| error.to_string(), |violation| violation.message.clone());
            ErrorParts { param: first.map(place), ..say(400, invalid, "invalid_value", None, message) }
        }
        Error::Refused(refusal) => {
            say(400, invalid, refusal.code, refusal.param.as_deref(), refusal.message.clone())
        }
        Error::BodyTooLarge { limit } => say(
            413,
            invalid,
            "request_too_large",
            None,
            format!("The body is over the limit of {limit} bytes."),
        ),
        Error::BodyEncoded => say(
            415,
            invalid,
            "unsupported_content_encoding",
            None,
            "Compressed bodies are not accepted. Send the JSON as it is, without Content-Encoding."
                .to_owned(),
        ),
        Error::BodyStalled => say(
            408,
            invalid,
            "request_timeout",
            None,
            "The body did not arrive in time. Send it without pauses.".to_owned(),
        ),
        Error::BodyUnreadable => {
            say(400, invalid, "unreadable_body", None, "The body ended early or is malformed.".to_owned())
        }
        Error::LimitReached(limit) => say(
            429,
            "rate_limit_error",
            "rate_limit_exceeded",
            None,
            format!(
                "This API key's limit of {} {} is reached. Try again later, or raise the limit.",
                limit.limit, limit.what
            ),
        ),
        Error::ShareUsedUp(shared) => {
            say(429, "rate_limit_error", "rate_limit_exceeded", None, shared.message().to_owned())
        }
        Error::Busy => {
            say(503, "server_error", "overloaded", None, "The gateway is busy. Try again shortly.".to_owned())
        }
        Error::RecordingUnavailable(_) => say(
            503,
            "server_error",
            "recording_unavailable",
            None,
            "The answer could not be recorded and was withheld. Try again shortly.".to_owned(),
        ),
        Error::DatabaseAway => say(
            503,
            "server_error",
            "database_away",
            None,
            "The database cannot be reached. Try again shortly.".to_owned(),
        ),
        Error::NotReady => {
            say(500, "server_error", "not_ready", None, "The router is not initialized yet.".to_owned())
        }
        Error::LoopDetected => say(
            508,
            invalid,
            "loop_detected",
            None,
            "This request has passed through this gateway before: a provider has the address of this gateway."
                .to_owned(),
        ),
        Error::Chain(chain) => of_chain(chain),
        Error::Internal(_) => say(
            500,
            "server_error",
            "internal_error",
            None,
            format!("An internal error occurred. Report the request id {request_id} to the operator of the gateway."),
        ),
    }
}

const ROUTES: &str = "There is nothing at this path. The OpenAI dialect has POST /v1/chat/completions, GET /v1/models and GET /v1/models/{id}; the management routes are listed at /docs/api.";

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
