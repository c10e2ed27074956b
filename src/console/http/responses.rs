//! Builds page responses with their security headers.

use actix_web::HttpResponse;
use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS,
};
use askama::Template;
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};

use crate::auth::console::sign_in::SignedIn;
use crate::domain::error::{Error, Result};

/// Content security policy of documentation pages: only our own scripts and styles, no forms, no framing.
const READING: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Content security policy of console pages: only our own scripts, styles and forms, nothing inline.
const CONSOLE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page without forms.
pub(in crate::console) fn reading_page(page: &impl Template) -> Result<HttpResponse> {
    let html = page.render().map_err(Error::internal)?;
    Ok(html_response(StatusCode::OK, READING, "no-cache", html))
}

/// A console page.
///
/// # Errors
/// The template cannot be rendered.
pub fn page(page: &impl Template) -> Result<HttpResponse> {
    page_with(200, page)
}

/// A console page with another status, such as 422 for a refused form.
///
/// # Errors
/// The template cannot be rendered.
pub fn page_with(status: u16, page: &impl Template) -> Result<HttpResponse> {
    let html = page.render().map_err(Error::internal)?;
    let status = StatusCode::from_u16(status).map_err(Error::internal)?;
    Ok(html_response(status, CONSOLE, "no-store", html))
}

fn html_response(
    status: StatusCode,
    policy: &'static str,
    caching: &'static str,
    html: String,
) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CACHE_CONTROL, caching))
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header((REFERRER_POLICY, "same-origin"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(html)
}

/// A stream of server-sent events.
pub(in crate::console) fn event_stream(pieces: impl Stream<Item = Result<String>> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // Asks proxies not to buffer the stream.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(Box::pin(pieces.map_ok(Bytes::from)))
}

/// Redirects with 303, so that reloading does not submit the form again.
#[must_use]
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, path))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "same-origin"))
        .finish()
}

/// Redirects into the console with the cookies of a new session.
#[must_use]
pub fn enter(path: &str, signed_in: &SignedIn) -> HttpResponse {
    let mut response = see_other(path);
    for cookie in signed_in.0.iter() {
        add_cookie(&mut response, cookie);
    }
    response
}

/// Adds a cookie to the response.
pub(in crate::console) fn add_cookie<B>(response: &mut HttpResponse<B>, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
