//! Error responses in the format of each dialect: failures that a simulated model's name asks for, and invalid requests.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use serde_json::{Value, json};

use super::behavior::Failure;
use super::completion::bounded;
use super::form::{Form, kind_of_status};
use super::models::MODELS;

const INVALID_REQUEST: &str = "invalid_request_error";

/// An error response. In OpenAI's format, its body has all four keys of the error object, null if unknown.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<&'static str>,
    message: String,
    retry_after_seconds: Option<u32>,
}

impl Refusal {
    fn new(
        status: StatusCode,
        kind: &'static str,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        Self { status, kind, code, param: None, message: message.into(), retry_after_seconds: None }
    }

    /// The failure that a model's name asks for, as Anthropic words it.
    fn of_message(failure: Failure, model: &str) -> Self {
        let (status, message) = match failure {
            Failure::RateLimited { retry_after_seconds } => {
                let message = "This request would exceed your account's rate limit.";
                let limited = Self::new(StatusCode::TOO_MANY_REQUESTS, "", None, message);
                return Self { retry_after_seconds: Some(retry_after_seconds), ..limited };
            }
            Failure::QuotaExhausted => {
                let message = "Your credit balance is too low to access the Anthropic API.";
                (StatusCode::BAD_REQUEST, message.to_owned())
            }
            Failure::ContextOverflow => {
                (StatusCode::BAD_REQUEST, "prompt is too long: 210000 tokens > 200000 maximum".to_owned())
            }
            Failure::ContentFilter => {
                (StatusCode::BAD_REQUEST, "Output blocked by content filtering policy".to_owned())
            }
            Failure::Unauthorized => (StatusCode::UNAUTHORIZED, "invalid x-api-key".to_owned()),
            Failure::NotFound => (StatusCode::NOT_FOUND, format!("model: {model}")),
            Failure::BadRequest => {
                (StatusCode::BAD_REQUEST, "This simulated model refuses every request.".to_owned())
            }
            Failure::Status(status) => return Self::status(status),
        };
        Self::new(status, "", None, message)
    }

    /// The failure that a model's name asks for.
    pub(super) fn simulated(failure: Failure, model: &str, form: Form) -> Self {
        match form {
            Form::Completion => Self::of_completion(failure, model),
            Form::Message => Self::of_message(failure, model),
            Form::Response => Self::of_response(failure, model),
            Form::Gemini => Self::of_gemini(failure, model),
            Form::Converse => Self::of_converse(failure, model),
        }
    }

    /// As for chat completions, except for the name of the field.
    fn of_response(failure: Failure, model: &str) -> Self {
        Self::of_completion(failure, model).about("input")
    }

    /// The same, but a parameter that it names is this one.
    pub(super) fn about(self, param: &'static str) -> Self {
        Self { param: self.param.map(|_| param), ..self }
    }

    /// The failure that a model's name asks for, as Google words it. A refused key is a 400 there.
    fn of_gemini(failure: Failure, model: &str) -> Self {
        match failure {
            Failure::RateLimited { retry_after_seconds } => {
                let message = "Resource has been exhausted (e.g. check quota).";
                let limited = Self::new(StatusCode::TOO_MANY_REQUESTS, "", None, message);
                Self { retry_after_seconds: Some(retry_after_seconds), ..limited }
            }
            Failure::ContextOverflow => {
                let message =
                    "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).";
                Self::bad_request(None, None, message)
            }
            Failure::Unauthorized => {
                let message = "API key not valid. Please pass a valid API key.";
                Self::bad_request(None, Some("API_KEY_INVALID"), message)
            }
            Failure::NotFound => {
                let message = format!(
                    "models/{model} is not found for API version v1beta, or is not supported for generateContent."
                );
                Self::new(StatusCode::NOT_FOUND, "", None, message)
            }
            Failure::QuotaExhausted | Failure::ContentFilter | Failure::BadRequest | Failure::Status(_) => {
                Self::of_completion(failure, model)
            }
        }
    }

    /// The failure that a model's name asks for, as Amazon words it. The code is the type of the exception.
    fn of_converse(failure: Failure, model: &str) -> Self {
        match failure {
            // There is no header with the time to wait.
            Failure::RateLimited { .. } => {
                let message = "Too many requests, please wait before trying again.";
                Self::new(StatusCode::TOO_MANY_REQUESTS, "", Some("ThrottlingException"), message)
            }
            Failure::QuotaExhausted => {
                let message = "Your account has exceeded its service quota.";
                Self::bad_request(None, Some("ServiceQuotaExceededException"), message)
            }
            Failure::ContextOverflow => {
                Self::bad_request(None, None, "Input is too long for requested model.")
            }
            Failure::Unauthorized => {
                let message = "The security token included in the request is invalid.";
                Self::new(StatusCode::FORBIDDEN, "", Some("UnrecognizedClientException"), message)
            }
            Failure::NotFound => {
                let message =
                    format!("Could not resolve the foundation model from the model identifier: {model}.");
                Self::new(StatusCode::NOT_FOUND, "", None, message)
            }
            Failure::BadRequest => {
                Self::bad_request(None, None, "This simulated model refuses every request.")
            }
            Failure::ContentFilter | Failure::Status(_) => {
                Self { code: None, ..Self::of_completion(failure, model) }
            }
        }
    }

    fn of_completion(failure: Failure, model: &str) -> Self {
        match failure {
            Failure::RateLimited { retry_after_seconds } => Self {
                retry_after_seconds: Some(retry_after_seconds),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "requests",
                    Some("rate_limit_exceeded"),
                    format!("Rate limit reached for {model}. Please try again in {retry_after_seconds}s."),
                )
            },
            Failure::QuotaExhausted => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "insufficient_quota",
                Some("insufficient_quota"),
                "You exceeded your current quota, please check your plan and billing details.",
            ),
            Failure::ContextOverflow => Self::bad_request(
                Some("messages"),
                Some("context_length_exceeded"),
                "Your input exceeds the context window of this model. Please adjust your input and try again.",
            ),
            Failure::ContentFilter => Self::bad_request(
                None,
                Some("content_policy_violation"),
                "Your request was rejected as a result of our safety system.",
            ),
            Failure::Unauthorized => Self::new(
                StatusCode::UNAUTHORIZED,
                INVALID_REQUEST,
                Some("invalid_api_key"),
                "Incorrect API key provided.",
            ),
            Failure::NotFound => Self::new(
                StatusCode::NOT_FOUND,
                INVALID_REQUEST,
                Some("model_not_found"),
                format!("The model `{model}` does not exist or you do not have access to it."),
            ),
            Failure::BadRequest => Self::bad_request(
                None,
                Some("invalid_request"),
                "This simulated model refuses every request.",
            ),
            Failure::Status(status) => Self::status(status),
        }
    }

    fn status(number: u16) -> Self {
        let status = StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // 529 is Anthropic's; it has no registered reason phrase.
        let name =
            status.canonical_reason().unwrap_or(if number == 529 { "Overloaded" } else { "Unnamed Status" });
        let kind = if status.is_server_error() { "server_error" } else { INVALID_REQUEST };
        Self::new(status, kind, None, format!("Simulated failure: {number} {name}."))
    }

    /// 400, for an invalid request.
    pub(super) fn bad_request(
        param: Option<&'static str>,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        Self { param, ..Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, code, message) }
    }

    /// 404 that lists the known model names.
    pub(super) fn unknown_model(name: &str) -> Self {
        let known: Vec<_> = MODELS.iter().map(|model| model.name).collect();
        let (name, known) = (bounded(name), known.join(", "));
        let message = format!(
            "Unknown simulated model `{name}`. Known models: {known}; each may be prefixed with `sim/`."
        );
        Self {
            param: Some("model"),
            ..Self::new(StatusCode::NOT_FOUND, INVALID_REQUEST, Some("model_not_found"), message)
        }
    }

    /// 404 for an unknown path.
    pub(super) fn unknown_path(method: &str, path: &str) -> Self {
        let message = format!(
            "Unknown endpoint {method} {}. Known endpoints: POST /v1/chat/completions, POST /v1/messages, POST /v1/responses, POST /v1beta/models/M:generateContent (also /v1/models, and as on Vertex AI), POST /openai/deployments/M/chat/completions, POST /model/M/converse, POST /v1/embeddings, POST /v1/completions, POST /v1/moderations, POST /v1/rerank, POST /v1/images/generations, POST /v1/audio/speech, POST /v1/audio/transcriptions, POST /v1/audio/translations, GET /v1/models.",
            bounded(path)
        );
        Self::new(StatusCode::NOT_FOUND, INVALID_REQUEST, Some("unknown_url"), message)
    }

    /// 405; the caller adds `Allow`.
    pub(super) fn method_not_allowed(allowed: &str) -> Self {
        let message = format!("This path only accepts {allowed}.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, INVALID_REQUEST, Some("method_not_allowed"), message)
    }

    /// 413, with the limit in MiB.
    pub(super) fn too_large(limit_mebibytes: usize) -> Self {
        let message = format!("The body is larger than {limit_mebibytes} MiB.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, INVALID_REQUEST, None, message)
    }

    /// 415: bodies are not decompressed, so a compressed one would look like broken JSON.
    pub(super) fn encoded() -> Self {
        let message = "The body must not be compressed: send it without Content-Encoding.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, INVALID_REQUEST, None, message)
    }

    /// 408, for a body that does not arrive in time.
    pub(super) fn stalled() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, INVALID_REQUEST, None, "The body did not arrive in time.")
    }

    fn body(&self, form: Form) -> Value {
        match form {
            Form::Completion | Form::Response => {
                json!({ "error": { "message": self.message, "type": self.kind, "param": self.param, "code": self.code } })
            }
            Form::Message => {
                let kind = kind_of_status(self.status.as_u16());
                json!({ "type": "error", "error": { "type": kind, "message": self.message }, "request_id": "req_simulated" })
            }
            Form::Gemini => {
                let status = self.status.as_u16();
                let error = json!({ "code": status, "message": self.message, "status": name_at_google(status), "details": self.details() });
                json!({ "error": error })
            }
            Form::Converse => json!({ "message": self.message }),
        }
    }

    /// What Google says besides: how long to wait, or what is wrong with the key.
    fn details(&self) -> Vec<Value> {
        let wait = self.retry_after_seconds.map(|seconds| {
            json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s") })
        });
        let reason = self.code.filter(|code| *code == "API_KEY_INVALID").map(|reason| {
            json!({ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com" })
        });
        wait.into_iter().chain(reason).collect()
    }

    /// The response in a dialect.
    pub(super) fn response(&self, form: Form) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        // Google has it in the body, and Amazon nowhere.
        let in_headers = !matches!(form, Form::Gemini | Form::Converse);
        if let Some(seconds) = self.retry_after_seconds.filter(|_| in_headers) {
            response.insert_header((RETRY_AFTER, seconds));
        }
        if form == Form::Converse {
            let own = self.code.filter(|code| code.ends_with("Exception"));
            let kind = own.unwrap_or_else(|| exception_of(self.status.as_u16()));
            response.insert_header(("x-amzn-errortype", kind));
        }
        response.json(self.body(form))
    }
}

/// Google's name of a status.
fn name_at_google(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        400..=499 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}

/// Amazon's exception of a status.
fn exception_of(status: u16) -> &'static str {
    match status {
        403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        408 => "ModelTimeoutException",
        424 => "ModelErrorException",
        429 => "ThrottlingException",
        503 => "ServiceUnavailableException",
        400..=499 => "ValidationException",
        _ => "InternalServerException",
    }
}
