//! Middleware around all routes: gives every request its id and formats every error, for a dialect or as a page.
//!
//! Handlers and extractors return the core [`Error`]. Errors of the framework (a path that does not decode, a missing
//! route) are translated here, too, so that its plain texts are never sent.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError, web};
use uuid::Uuid;

use crate::api::error_format::ErrorFormat;
use crate::api::inference::limits::LimitStates;
use crate::api::{anthropic, error_response, openai};
use crate::app::{refusal_log, request_path};
use crate::auth::api::api_caller::RequestId;
use crate::config::Settings;
use crate::console::error;
use crate::console::http::{compression, flash};
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Violation, VisitFault};
use crate::domain::routing_info::LimitStatus;
use crate::store::Store;
use crate::store::database::query_counter;
use crate::telemetry::Readiness;

/// The response header with the request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The number of queries of a page, where a browser's developer tools show it.
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// One year, in which browsers request no page of this host over plain http.
const ONLY_HTTPS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// A placeholder that the middleware `open` replaces.
impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status_code())
    }
}

/// Gives the request its id, runs it, and formats its error.
///
/// # Errors
/// Never: errors become responses.
pub(crate) async fn open(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    // HEAD is handled like GET; the server sends only the headers.
    let is_head = request.method() == Method::HEAD;
    if is_head {
        request.head_mut().method = Method::GET;
    }
    request_path::settle(&mut request);
    let id = request.app_data::<web::Data<Clock>>().map_or_else(Uuid::nil, |clock| clock.new_id());
    request.extensions_mut().insert(RequestId(id));
    let away = request.app_data::<web::Data<Store>>().is_some_and(|store| store.is_away());
    if away && needs_database(request.path()) {
        let (head, _) = request.into_parts();
        let response = error_for(&head, &Error::DatabaseAway, id);
        return Ok(finished(head, response, is_head));
    }
    // Errors of handlers and extractors arrive as responses that contain them.
    let (answered, queries) = answer(request, next).await;
    let (head, response) = answered?.into_parts();
    let mut response = match response.error() {
        Some(error) => translate(&head, error, id),
        None => response.map_into_boxed_body(),
    };
    flash::finish(&head, &mut response);
    let mut response = compression::shrink(&head, response);
    let limits = limits(&head, &response);
    let anthropic = request_path::error_format(&head) == Some(ErrorFormat::Anthropic);
    let now = || head.app_data::<web::Data<Clock>>().map(|clock| clock.now());
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer())) {
        if anthropic {
            headers.insert(anthropic::error::REQUEST_ID, id.clone());
        }
        headers.insert(REQUEST_ID, id);
    }
    if let Some(timing) = queries.filter(|_| is_page(headers)).and_then(timing) {
        headers.insert(SERVER_TIMING, timing);
    }
    if let Some(limits) = limits {
        match now().filter(|_| anthropic) {
            Some(now) => anthropic::limit_headers::describe(limits, now, headers),
            None => openai::limit_headers::describe(limits, headers),
        }
    }
    Ok(finished(head, response, is_head))
}

/// The limits of which the response tells: of requests when it was admitted, or else what the response knows.
fn limits(head: &HttpRequest, response: &HttpResponse) -> Option<LimitStates> {
    let requests = head.extensions().get::<LimitStatus>().copied();
    let known = response.extensions().get::<LimitStates>().copied();
    if requests.is_none() && known.is_none() {
        return None;
    }
    let known = known.unwrap_or_default();
    Some(LimitStates { requests: requests.or(known.requests), ..known })
}

/// Completes a response with the headers that all have.
fn finished(head: HttpRequest, mut response: HttpResponse, is_head: bool) -> ServiceResponse<BoxBody> {
    // For HEAD a stream ends here; other bodies keep their length.
    if is_head && response.body().size() == BodySize::Stream {
        response = response.set_body(BoxBody::new(()));
    }
    if head.app_data::<web::Data<Readiness>>().is_some_and(|readiness| readiness.is_draining()) {
        // The caller's next request should go to another process, because this one closes its port soon.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    if !head.path().starts_with("/v1/")
        && ErrorFormat::of_path(head.path()).is_none()
        && is_behind_https(&head)
    {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, ONLY_HTTPS);
    }
    ServiceResponse::new(head, response)
}

fn is_behind_https(head: &HttpRequest) -> bool {
    let settings = head.app_data::<web::Data<Settings>>();
    let url = settings.and_then(|settings| settings.server.public_url.as_ref());
    url.is_some_and(|url| url.scheme() == "https")
}

/// Whether a path needs the database. Calls of models are served from memory.
fn needs_database(path: &str) -> bool {
    let public = ["/api/hello", "/livez", "/readyz", "/health/", "/metrics", "/openapi.json", "/static/"];
    let inference = ErrorFormat::of_path(path).is_some_and(ErrorFormat::is_of_inference);
    !inference && !public.iter().any(|public| path.starts_with(public))
}

/// Runs the request and counts the queries of pages. Forms are not counted: their number would reveal whether an address
/// has an account.
async fn answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> (Result<ServiceResponse<B>, actix_web::Error>, Option<u32>) {
    if request.method() != Method::GET || ErrorFormat::of_path(request.path()).is_some() {
        return (next.call(request).await, None);
    }
    let (answered, queries) = query_counter::counted(next.call(request)).await;
    (answered, Some(queries))
}

fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

fn timing(queries: u32) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("db;desc=\"{queries}\"")).ok()
}

fn translate(request: &HttpRequest, error: &actix_web::Error, id: Uuid) -> HttpResponse {
    let translated;
    let core = match error.as_error::<Error>() {
        Some(core) => core,
        None => {
            translated = framework_error(error);
            &translated
        }
    };
    error_for(request, core, id)
}

/// Formats an error as its path has them; for a path with pages, the caller decides.
fn error_for(request: &HttpRequest, core: &Error, id: Uuid) -> HttpResponse {
    error_response::log(core, id);
    let mut response = match request_path::error_format(request) {
        // A program cannot use the sign-in page, so it gets a 404.
        Some(format) if matches!(core, Error::Visit(VisitFault::LoggedOut { .. })) => {
            error_response::response(format, &Error::RouteUnknown, id)
        }
        Some(format) => error_response::response(format, core, id),
        None => error::response(core, request, id),
    };
    error_response::allow(&mut response, core);
    if request_path::error_format(request).is_some_and(ErrorFormat::is_of_inference) {
        refusal_log::write(request, core, response.status().as_u16(), id);
    }
    if let Error::ShareUsedUp(_) = core {
        // An open connection would keep one of the shared open files.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

/// Translates an error of the framework.
fn framework_error(error: &actix_web::Error) -> Error {
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
