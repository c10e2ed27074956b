//! Cross-origin calls: pages of the operator's choice, and desktop apps, may call the API from a browser.
//!
//! Only the API, which goes by keys: no page of the console, and never with cookies. Mounted only where origins are set.

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

/// Every method that a route of the API has.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE");
/// What a page may send where it does not ask for more.
const USUAL: HeaderValue = HeaderValue::from_static("authorization, content-type, x-api-key");
/// Seconds that a browser may remember the answer to a preflight; Chromium's own limit.
const REMEMBERED: HeaderValue = HeaderValue::from_static("7200");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// What a page may read of an answer, beside our own headers and what every page may read.
const READABLE: [&str; 8] = [
    "x-request-id",
    "retry-after",
    "server-timing",
    "x-should-retry",
    "etag",
    "link",
    "location",
    "content-disposition",
];
/// Our own.
const OWN: [&str; 2] = ["x-failsoft-", "x-ratelimit-"];

/// Answers preflights, and lets the page of an allowed origin read the answer.
///
/// # Errors
/// None of its own.
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
    // A cache must not hand the answer for one origin to another.
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

/// A preflight carries no key; it says which headers will come.
fn will_present_key(headers: &HeaderMap) -> bool {
    let asked = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok());
    let asked = asked.unwrap_or_default().to_ascii_lowercase();
    request_path::presents_key(headers)
        || asked.split(',').any(|name| ["authorization", "x-api-key", "api-key"].contains(&name.trim()))
}

/// What to tell the request's origin, if its pages may call.
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
    // Whatever it asks for: SDKs send a dozen headers of their own, and without cookies there is nothing to guard.
    let asked = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(USUAL);
    HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, asked))
        .insert_header((ACCESS_CONTROL_MAX_AGE, REMEMBERED))
        .insert_header((VARY, HeaderValue::from_static("access-control-request-headers")))
        .finish()
}

/// The headers of an answer that its page may read: by name, because old browsers know no asterisk here.
fn exposed(headers: &HeaderMap) -> String {
    let names = headers.keys().map(|name| name.as_str());
    let readable =
        names.filter(|name| READABLE.contains(name) || OWN.iter().any(|own| name.starts_with(own)));
    let mut names: Vec<&str> = readable.collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}
