//! Cross-origin calls: pages and desktop apps that the operator allows may call the API from a browser.
//!
//! This applies to the API only, which uses keys: not to the console, and never with cookies. It is mounted only if
//! origins are configured.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, web};

use crate::app::request_path;
use crate::config::Settings;

/// Every method of the API's routes.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE");
/// The headers that a page may send if it does not ask for others.
const DEFAULT_HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type, x-api-key");
/// Seconds for which a browser may cache a preflight response; Chromium's own limit.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// Headers of a response that a page may read, besides our own and those that browsers always allow.
const EXPOSED: [&str; 8] = [
    "x-request-id",
    "retry-after",
    "server-timing",
    "x-should-retry",
    "etag",
    "link",
    "location",
    "content-disposition",
];
/// The prefix of our own headers.
const OWN_PREFIXES: [&str; 2] = ["x-failsoft-", "x-ratelimit-"];

/// Answers preflights, and allows pages of permitted origins to read the response.
///
/// # Errors
/// Only errors of the inner service.
pub(crate) async fn allow(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if !request_path::is_api(request.path(), || will_present_key(request.headers())) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let allowed = allowed(&request);
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (is_preflight, &allowed) {
        (true, Some(_)) => {
            let answer = preflight(request.headers());
            request.into_response(answer)
        }
        (true, None) | (false, _) => next.call(request).await?.map_into_boxed_body(),
    };
    let headers = response.headers_mut();
    // A cache must not use the response for one origin for another.
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = allowed {
        let exposed = exposed(headers);
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if let (false, Ok(exposed)) = (is_preflight, HeaderValue::from_str(&exposed)) {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }
    Ok(response)
}

/// Whether it is a preflight, which has no key and lists the headers of the actual request.
fn will_present_key(headers: &HeaderMap) -> bool {
    let asked = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok());
    let asked = asked.unwrap_or_default().to_ascii_lowercase();
    request_path::presents_key(headers)
        || asked.split(',').any(|name| ["authorization", "x-api-key", "api-key"].contains(&name.trim()))
}

/// The allowed origin for the response, if pages of the request's origin may call.
fn allowed(request: &ServiceRequest) -> Option<HeaderValue> {
    let origin = request.headers().get(ORIGIN)?;
    let settings = request.app_data::<web::Data<Settings>>()?;
    let text = origin.to_str().ok()?;
    let origins = &settings.server.cors_origins;
    if origins.iter().any(|allowed| allowed.is_any()) {
        return Some(ANY);
    }
    origins.iter().any(|allowed| allowed.is(text)).then(|| origin.clone())
}

fn preflight(headers: &HeaderMap) -> HttpResponse {
    // All requested headers are allowed: SDKs send many of their own, and without cookies there is nothing to protect.
    let asked = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(DEFAULT_HEADERS);
    HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, asked))
        .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE))
        .insert_header((VARY, HeaderValue::from_static("access-control-request-headers")))
        .finish()
}

/// The response headers that a page may read: by name, because old browsers do not support `*` here.
fn exposed(headers: &HeaderMap) -> String {
    let names = headers.keys().map(|name| name.as_str());
    let readable =
        names.filter(|name| EXPOSED.contains(name) || OWN_PREFIXES.iter().any(|own| name.starts_with(own)));
    let mut names: Vec<&str> = readable.collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}
