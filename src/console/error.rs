//! Renders every error as a page: what happened, and what to do about it.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use url::form_urlencoded;
use uuid::Uuid;

use crate::console::components::layout::Frame;
use crate::console::http::responses::{page_with, see_other};
use crate::domain::clock::retry_after_seconds;
use crate::domain::error::{Error, VisitFault};

#[derive(Template)]
#[template(path = "error.html")]
struct Page<'a> {
    frame: Frame,
    status: u16,
    message: &'a str,
    /// Shown for server errors, so that the operator can find the log entry.
    request_id: Option<Uuid>,
    /// Path and label of the link to continue.
    onward: (&'static str, &'static str),
}

/// The response for an error.
#[must_use]
pub fn response(error: &Error, request: &HttpRequest, request_id: Uuid) -> HttpResponse {
    if let Error::Visit(VisitFault::LoggedOut { next }) = error {
        return see_other(&log_in_path(next));
    }
    let (status, (title, message)) = (status(error), words(error, request_id));
    let onward = match error {
        Error::Visit(VisitFault::FormStale) if request.path() == "/login" => ("/login", "Log in again"),
        _ => ("/", "Go to the overview"),
    };
    let request_id = (status >= 500).then_some(request_id);
    let frame = Frame::of_error(request, title);
    let page = Page { frame, status, message: &message, request_id, onward };
    let mut response = page_with(status, &page).unwrap_or_else(|_| bare(status, title));
    if let Error::Visit(VisitFault::Throttled { retry_after }) = error {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds(*retry_after)));
    } else if matches!(status, 429 | 503) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// An error in one or two sentences, for places without an error page.
#[must_use]
pub fn message(error: &Error) -> String {
    words(error, Uuid::nil()).1
}

/// Path of the login page that returns to `next`.
fn log_in_path(next: &str) -> String {
    if next == "/" {
        return "/login".to_owned();
    }
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/login?next={next}")
}

/// Fallback page without a template, for when rendering fails.
fn bare(status: u16, title: &str) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let html = format!("<!doctype html><title>{title}</title><h1>{title}</h1>");
    HttpResponse::build(status).insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(html)
}

const NOT_HERE: &str = "Not found";
const REFUSED: &str = "This cannot be done";

/// The title and the message.
fn words(error: &Error, request_id: Uuid) -> (&'static str, String) {
    let say = |title, message: &str| (title, message.to_owned());
    match error {
        Error::Visit(fault) => of_visit(fault),
        Error::RouteUnknown => {
            say(NOT_HERE, "There is no page at this address. Check that the address is complete.")
        }
        Error::MethodNotAllowed { .. } => say(
            "Method not allowed",
            "This address does not accept this kind of request. Go back to the page and use its buttons.",
        ),
        Error::Invalid(violations) => {
            let first = violations.first().map(|violation| violation.message.clone());
            ("Invalid input", first.unwrap_or_else(|| error.sentence(request_id)))
        }
        Error::RevisionChanged { .. } => say(
            "Changed by someone else",
            "Someone changed this after you opened it. Open it again and repeat your change.",
        ),
        Error::BodyTooLarge { .. } => {
            say("Too much at once", "What you sent is too large. Shorten it and send it again.")
        }
        Error::BodyStalled => say("Incomplete request", "The form did not arrive in time. Send it again."),
        Error::BodyUnreadable => say("Incomplete request", "The form arrived incomplete. Send it again."),
        Error::Busy => say("Busy", "The server is busy. Try again in a moment."),
        Error::DatabaseAway => say(
            "Database unavailable",
            "The database cannot be reached. Calls to models continue as long as they can be recorded, and appear \
             here when the database is available again. Try again in a moment.",
        ),
        Error::NotReady => say("Starting", "The data is being loaded. Try again in a moment."),
        Error::Internal(_) => say(
            "Internal error",
            "This is an error in the server. Try again. If it happens again, show this page to the operator of this \
             server.",
        ),
        _ => (title(error), error.sentence(request_id)),
    }
}

fn title(error: &Error) -> &'static str {
    match error {
        Error::Chain(_) => "No model answered",
        Error::RecordingUnavailable(_) => "Busy",
        Error::ShareUsedUp(_) => "Too much at once",
        _ => match error.status() {
            401 => "Not authenticated",
            403 => "Not allowed",
            404 => NOT_HERE,
            429 => "Too many requests",
            _ => REFUSED,
        },
    }
}

/// Pages are ready once the data is loaded; the APIs keep the status of their contracts.
fn status(error: &Error) -> u16 {
    if matches!(error, Error::NotReady) { 503 } else { error.status() }
}

fn of_visit(fault: &VisitFault) -> (&'static str, String) {
    match fault {
        // Handled by `response`; named here to keep the match exhaustive.
        VisitFault::LoggedOut { .. } => ("Not logged in", "Log in first.".to_owned()),
        VisitFault::RoleMissing(what) => {
            ("Not allowed", format!("Your role does not allow {what}. Ask an owner of the organization."))
        }
        VisitFault::ForeignOrigin => (
            "Sent from another site",
            "This form was not sent from this site, so nothing was changed. Open the page here and send it again. \
             If this is the right site, its operator must set FAILSOFT_PUBLIC_URL to the address in your browser."
                .to_owned(),
        ),
        VisitFault::FormStale => (
            "Form expired",
            "This form is too old, or your browser does not keep cookies of this site, so nothing was changed. Open the page again and repeat your change."
                .to_owned(),
        ),
        VisitFault::NoForm => (REFUSED, "This address accepts only forms from its own pages.".to_owned()),
        VisitFault::Throttled { retry_after } => {
            let wait = match retry_after_seconds(*retry_after) {
                0..=1 => "a second".to_owned(),
                seconds @ 2..=90 => format!("{seconds} seconds"),
                seconds => format!("{} minutes", seconds.div_ceil(60)),
            };
            ("Too many requests", format!("There were too many attempts. Wait {wait} and try again."))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;

    use super::*;

    async fn shown(error: Error) -> (u16, String, Option<String>) {
        let request = TestRequest::get().uri("/members").to_http_request();
        let response = response(&error, &request, Uuid::from_u128(7));
        let retry = response.headers().get(RETRY_AFTER);
        let retry = retry.map(|wait| wait.to_str().expect("a text").to_owned());
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body()).await.expect("a body");
        (status, String::from_utf8(body.to_vec()).expect("UTF-8"), retry)
    }

    #[tokio::test]
    async fn internal_errors_show_only_the_request_id() {
        let (status, html, _) = shown(Error::internal("password=hunter2")).await;
        assert_eq!(status, 500);
        assert!(!html.contains("hunter2") && html.contains(&Uuid::from_u128(7).to_string()), "{html}");
        let (status, html, _) = shown(Error::RouteUnknown).await;
        assert!(status == 404 && !html.contains(&Uuid::from_u128(7).to_string()), "{html}");
    }

    #[tokio::test]
    async fn throttled_responses_say_how_long_to_wait() {
        let throttled = |wait| Error::Visit(VisitFault::Throttled { retry_after: wait });
        let (status, html, retry) = shown(throttled(Duration::from_millis(100_500))).await;
        assert_eq!((status, retry.as_deref()), (429, Some("101")));
        assert!(html.contains("Wait 2 minutes"), "{html}");
        let (status, _, retry) = shown(Error::Busy).await;
        assert_eq!((status, retry.as_deref()), (503, Some("1")));
    }

    #[tokio::test]
    async fn error_pages_escape_user_input() {
        let (status, html, _) = shown(Error::absent("member", "<b>")).await;
        assert!(status == 404 && html.contains("&#60;b&#62;") && !html.contains("<b>"), "{html}");
    }

    #[test]
    fn the_login_path_carries_the_page_to_return_to() {
        assert_eq!(log_in_path("/"), "/login");
        assert_eq!(log_in_path("/events?a=b&c=%20"), "/login?next=%2Fevents%3Fa%3Db%26c%3D%2520");
    }
}
