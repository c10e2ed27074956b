//! The door of the API: every request gets its id, every error its dialect's shape.
//!
//! Handlers and extractors return the core [`Error`]; what the framework refuses by itself (a path that does not
//! decode, a missing route) is translated here too, so that no plain text of the framework's leaks.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpResponse, ResponseError, web};
use uuid::Uuid;

use super::dialect::Dialect;
use super::{feather, litellm, openai};
use crate::auth::limit::Minutes;
use crate::auth::principal::RequestId;
use crate::clock::Clock;
use crate::error::{Error, Violation};

/// The header under which a caller learns the request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Only a placeholder: [`dress`] replaces it.
impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status_code())
    }
}

/// Numbers the request, runs it, and dresses whatever error came out.
///
/// # Errors
/// None of its own: an error inside is answered here.
pub async fn dress(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let id = request.app_data::<web::Data<Clock>>().map_or_else(Uuid::nil, |clock| clock.new_id());
    request.extensions_mut().insert(RequestId(id));
    let dialect = Dialect::of_path(request.path());
    // Handlers and extractors never fail past their own service: their errors come as responses that hold them.
    let (head, response) = next.call(request).await?.into_parts();
    let response = match response.error() {
        Some(error) => translate(dialect, error, id),
        None => response.map_into_boxed_body(),
    };
    let mut response = ServiceResponse::new(head, response);
    let minutes = response.request().extensions().get::<Minutes>().copied();
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer())) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(minutes) = minutes {
        openai::limits::describe(minutes, headers);
    }
    Ok(response)
}

fn translate(dialect: Dialect, error: &actix_web::Error, id: Uuid) -> HttpResponse {
    let translated;
    let core = match error.as_error::<Error>() {
        Some(core) => core,
        None => {
            translated = of_framework(error);
            &translated
        }
    };
    log(core, id);
    match dialect {
        Dialect::OpenAi => openai::error::response(core, id, openai::error::Code::Symbolic),
        Dialect::OpenRouter => openai::error::response(core, id, openai::error::Code::Numeric),
        Dialect::LiteLlm => litellm::error::response(core, id),
        Dialect::Feather => feather::error::response(core, id),
    }
}

/// What the caller is not told goes to the log.
pub fn log(error: &Error, id: Uuid) {
    if let Error::Internal(source) = error {
        tracing::error!(request_id = %id, error = %chain(source.as_ref()), "internal error");
    }
}

/// What the framework refuses by itself.
fn of_framework(error: &actix_web::Error) -> Error {
    let status = error.as_response_error().status_code();
    match status.as_u16() {
        404 => Error::RouteUnknown,
        413 => Error::BodyTooLarge { limit: 0 },
        400..=499 => Error::Invalid(vec![Violation::new(
            ["path".into()],
            "value_error",
            "The path or the query cannot be read: check its percent-encoding.",
        )]),
        _ => Error::internal(error.to_string()),
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
