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
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    let mut response = if let Error::Invalid(violations) = error {
        response.json(json!({ "detail": details(violations) }))
    } else {
        response.json(LiteLlmError { detail: detail(error, request_id) })
    };
    error_response::allow(&mut response, error);
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn detail(error: &Error, request_id: Uuid) -> LiteLlmErrorDetail {
    let available_models = match error {
        Error::ModelUnknown { available, .. } | Error::FallbacksUnknown { available, .. } => {
            Some(available.clone())
        }
        _ => None,
    };
    LiteLlmErrorDetail { error: message(error, request_id), available_models }
}

/// LiteLLM's own words where it has them; otherwise the error's sentence without its period, as LiteLLM's have none.
fn message(error: &Error, request_id: Uuid) -> String {
    let message = match error {
        Error::RouteUnknown => {
            "Not Found. This dialect has POST and GET /fallback, GET and DELETE /fallback/{model}".to_owned()
        }
        Error::MethodNotAllowed { allow } => format!("Method Not Allowed. Allowed: {allow}"),
        Error::ModelUnknown { model, fallbacks, .. } if fallbacks.is_empty() => unknown_model(model),
        Error::ModelUnknown { model, fallbacks, .. } => {
            format!("{}; {}", unknown_model(model), unknown_fallbacks(fallbacks))
        }
        Error::FallbacksUnknown { models, itself: None, .. } => unknown_fallbacks(models),
        Error::FallbacksUnknown { models, itself: Some(model), .. } => {
            format!("{}; {}", unknown_fallbacks(models), own_fallback(model))
        }
        Error::FallbackToSelf { model } => own_fallback(model),
        Error::RevisionChanged { current } => format!(
            "The configuration is at revision {current}, not at the one in If-Match. Read it again and repeat the change"
        ),
        Error::NotReady => "Router not initialized".to_owned(),
        Error::Refused(refusal) => return refusal.message.clone(),
        Error::Conflict { message } => return message.clone(),
        Error::Chain(chain) => return chain.failure.message.clone(),
        _ => error.sentence(request_id),
    };
    message.trim_end_matches('.').to_owned()
}

pub(super) fn unknown_model(model: &str) -> String {
    format!("Model '{model}' not found in router")
}

pub(super) fn own_fallback(model: &str) -> String {
    format!("Model '{model}' cannot be its own fallback")
}

pub(super) fn unknown_fallbacks(models: &[String]) -> String {
    let names: Vec<String> = models.iter().map(|model| format!("'{model}'")).collect();
    format!("Invalid fallback models: [{}]", names.join(", "))
}
