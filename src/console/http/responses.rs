//! A page as a response: its headers say what a browser may do with it.

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

use crate::auth::console::sign_in::Entered;
use crate::domain::error::{Error, Result};

/// For pages to be read: no script, no form, nothing from elsewhere, in nobody's frame.
const READING: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// For pages of the console: our own scripts, styles and forms, nothing inline, nothing from elsewhere.
const CONSOLE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page without scripts and forms.
pub(in crate::console) fn reading_page(page: &impl Template) -> Result<HttpResponse> {
    let html = page.render().map_err(Error::internal)?;
    Ok(html_response(StatusCode::OK, READING, "no-cache", html))
}

/// A page of the console.
///
/// # Errors
/// The template cannot be rendered.
pub fn page(page: &impl Template) -> Result<HttpResponse> {
    page_with(200, page)
}

/// A page of the console with another status: 422 for a form that was refused.
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

/// A stream of server-sent events, each piece as it is.
pub(in crate::console) fn event_stream(pieces: impl Stream<Item = Result<String>> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // Proxies that gather an answer before they pass it on are told not to.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(Box::pin(pieces.map_ok(Bytes::from)))
}

/// Leads to another page: after a form, so that reloading sends nothing again.
#[must_use]
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, path))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "same-origin"))
        .finish()
}

/// Leads into the console, with the cookies of a new session.
#[must_use]
pub fn enter(path: &str, entered: &Entered) -> HttpResponse {
    let mut response = see_other(path);
    for cookie in entered.0.iter() {
        add_cookie(&mut response, cookie);
    }
    response
}

/// Sets a cookie.
pub(in crate::console) fn add_cookie<B>(response: &mut HttpResponse<B>, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
