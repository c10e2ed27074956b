//! Error responses in LiteLLM's shape: `{"detail": {"error": ..., "available_models": [...]}}`, or `{"detail":
//! [{type, loc, msg}]}` for a validation error.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::error_response;
use crate::api::management::error::details;
use crate::domain::error::Error;

/// The body of every error except validation errors.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiteLlmError {
    /// The error, in LiteLLM's `detail`.
    detail: LiteLlmErrorDetail,
}

/// The `detail` of an error.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiteLlmErrorDetail {
    /// The cause and how to fix it.
    #[schema(example = "Model 'gpt-5' not found in router")]
    error: String,
    /// The organization's model names, when the request names an unknown model.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["smart", "steady"]))]
    available_models: Option<Vec<String>>,
}

/// Builds the error response.
#[must_use]
pub fn response(error: &Error, request_id: Uuid) -> HttpResponse {
    let (status, detail) = describe(error, request_id);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    let mut response = if let Error::Invalid(violations) = error {
        response.json(json!({ "detail": details(violations) }))
    } else {
        response.json(LiteLlmError { detail })
    };
    error_response::allow(&mut response, error);
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn describe(error: &Error, request_id: Uuid) -> (u16, LiteLlmErrorDetail) {
    let say = |status, error: String| (status, LiteLlmErrorDetail { error, available_models: None });
    let with_models = |status, error: String, available: &[String]| {
        (status, LiteLlmErrorDetail { error, available_models: Some(available.to_vec()) })
    };
    match error {
        Error::Unauthenticated(fault) => say(401, fault.message().to_owned()),
        Error::ScopeMissing(scope) => say(
            403,
            format!("This API key lacks the scope '{scope}'. Use a key that has it, or add it to this one."),
        ),
        // Only pages return this error.
        Error::Visit(fault) => say(403, fault.to_string()),
        Error::ModelForbidden { model } => say(403, format!("This API key may not use the model '{model}'")),
        Error::RouteUnknown => say(
            404,
            "Not Found. This dialect has POST and GET /fallback, GET and DELETE /fallback/{model}".to_owned(),
        ),
        Error::MethodNotAllowed { allow } => say(405, format!("Method Not Allowed. Allowed: {allow}")),
        Error::Absent { what, id } => say(404, format!("There is no {what} '{id}'")),
        Error::ModelUnknown { model, available } => {
            with_models(404, format!("Model '{model}' not found in router"), available)
        }
        Error::FallbacksUnknown { models, available } => {
            let names: Vec<String> = models.iter().map(|model| format!("'{model}'")).collect();
            with_models(400, format!("Invalid fallback models: [{}]", names.join(", ")), available)
        }
        Error::FallbackToSelf { model } => say(400, format!("Model '{model}' cannot be its own fallback")),
        Error::FallbackAbsent { model, kind } => {
            say(404, format!("No {kind} fallbacks configured for model '{model}'"))
        }
        // `response` lists its violations. This arm keeps the match exhaustive.
        Error::Invalid(_) => say(422, error.to_string()),
        Error::Refused(refusal) => say(400, refusal.message.clone()),
        Error::Conflict { message } => say(409, message.clone()),
        Error::RevisionChanged { current } => say(
            412,
            format!(
                "The configuration is at revision {current}, not at the one in If-Match. Read it again and repeat the change"
            ),
        ),
        Error::BodyTooLarge { limit } => say(413, format!("The body is over the limit of {limit} bytes")),
        Error::BodyEncoded => say(
            415,
            "Compressed bodies are not accepted. Send the JSON as it is, without Content-Encoding".to_owned(),
        ),
        Error::BodyStalled => say(408, "The body did not arrive in time. Send it without pauses".to_owned()),
        Error::BodyUnreadable => say(400, "The body ended early or is malformed".to_owned()),
        Error::LimitReached(limit) => {
            say(429, format!("This API key's limit of {} {} is reached", limit.limit, limit.what))
        }
        Error::ShareUsedUp(shared) => say(429, shared.message().to_owned()),
        Error::Busy => say(503, "The gateway is busy. Try again shortly".to_owned()),
        Error::RecordingUnavailable(_) => {
            say(503, "The record could not be written. Try again shortly".to_owned())
        }
        Error::DatabaseAway => say(503, "The database cannot be reached. Try again shortly".to_owned()),
        Error::NotReady => say(500, "Router not initialized".to_owned()),
        Error::LoopDetected => say(508, "This request has passed through this gateway before".to_owned()),
        Error::Chain(chain) => say(chain.status, chain.failure.message.clone()),
        Error::Internal(_) => say(
            500,
            format!(
                "An internal error occurred. Report the request id {request_id} to the operator of the gateway"
            ),
        ),
    }
}
