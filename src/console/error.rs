//! Renders every error as a page: what happened, and what to do about it.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use url::form_urlencoded;
use uuid::Uuid;

use crate::console::components::layout::Frame;
use crate::console::http::responses::{page_with, see_other};
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
    let (status, title, message) = words(error);
    let onward = match error {
        Error::Visit(VisitFault::FormStale) if request.path() == "/login" => ("/login", "Log in again"),
        _ => ("/", "Go to the overview"),
    };
    let request_id = (status >= 500).then_some(request_id);
    let frame = Frame::of_error(request, title);
    let page = Page { frame, status, message: &message, request_id, onward };
    let mut response = page_with(status, &page).unwrap_or_else(|_| bare(status, title));
    if let Error::Visit(VisitFault::Throttled { retry_after }) = error {
        let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    } else if matches!(status, 429 | 503) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// An error in one or two sentences, for places without an error page.
#[must_use]
pub fn message(error: &Error) -> String {
    words(error).2
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

fn words(error: &Error) -> (u16, &'static str, String) {
    match error {
        Error::Visit(fault) => of_visit(fault),
        Error::RouteUnknown => {
            (404, NOT_HERE, "There is no page at this address. Check that the address is complete.".to_owned())
        }
        Error::Absent { what, id } => (404, NOT_HERE, format!("There is no {what} '{id}' in this organization.")),
        Error::ModelUnknown { .. } | Error::FallbackAbsent { .. } => (404, NOT_HERE, sentence(error)),
        Error::MethodNotAllowed { .. } => (
            405,
            "Method not allowed",
            "This address does not accept this kind of request. Go back to the page and use its buttons.".to_owned(),
        ),
        Error::Unauthenticated(fault) => (401, "Not authenticated", fault.message().to_owned()),
        Error::ScopeMissing(_) | Error::ModelForbidden { .. } => (403, "Not allowed", sentence(error)),
        Error::Invalid(violations) => {
            let first = violations.first().map(|violation| violation.message.clone());
            (422, "Invalid input", first.unwrap_or_else(|| sentence(error)))
        }
        Error::FallbacksUnknown { .. } | Error::FallbackToSelf { .. } | Error::Refused(_) => {
            (400, REFUSED, sentence(error))
        }
        Error::Conflict { .. } => (409, REFUSED, sentence(error)),
        Error::RevisionChanged { .. } => (
            412,
            "Changed by someone else",
            "Someone changed this after you opened it. Open it again and repeat your change.".to_owned(),
        ),
        Error::BodyTooLarge { .. } => {
            (413, "Too much at once", "What you sent is too large. Shorten it and send it again.".to_owned())
        }
        Error::BodyEncoded => (415, REFUSED, sentence(error)),
        Error::BodyStalled => {
            (408, "Incomplete request", "The form did not arrive in time. Send it again.".to_owned())
        }
        Error::BodyUnreadable => {
            (400, "Incomplete request", "The form arrived incomplete. Send it again.".to_owned())
        }
        Error::LimitReached(_) => (429, "Too many requests", sentence(error)),
        Error::ShareUsedUp(_) => (429, "Too much at once", sentence(error)),
        Error::Busy => {
            (503, "Busy", "The server is busy. Try again in a moment.".to_owned())
        }
        Error::RecordingUnavailable(_) => (503, "Busy", sentence(error)),
        Error::DatabaseAway => (
            503,
            "Database unavailable",
            "The database cannot be reached. Calls to models continue as long as they can be recorded, and appear here when the database is available again. Try again in a moment."
                .to_owned(),
        ),
        Error::NotReady => (503, "Starting", "The data is being loaded. Try again in a moment.".to_owned()),
        Error::LoopDetected => (508, REFUSED, sentence(error)),
        Error::Chain(chain) => (chain.status, "No model answered", sentence(error)),
        Error::Internal(_) => (
            500,
            "Internal error",
            "This is an error in the server. Try again. If it happens again, show this page to the operator of this server."
                .to_owned(),
        ),
    }
}

fn of_visit(fault: &VisitFault) -> (u16, &'static str, String) {
    match fault {
        // Handled by `response`; named here to keep the match exhaustive.
        VisitFault::LoggedOut { .. } => (401, "Not logged in", "Log in first.".to_owned()),
        VisitFault::RoleMissing(what) => {
            (403, "Not allowed", format!("Your role does not allow {what}. Ask an owner of the organization."))
        }
        VisitFault::ForeignOrigin => (
            403,
            "Sent from another site",
            "This form was not sent from this site, so nothing was changed. Open the page here and send it again. \
             If this is the right site, its operator must set FAILSOFT_PUBLIC_URL to the address in your browser."
                .to_owned(),
        ),
        VisitFault::FormStale => (
            403,
            "Form expired",
            "This form is too old, or your browser does not keep cookies of this site, so nothing was changed. Open the page again and repeat your change."
                .to_owned(),
        ),
        VisitFault::NoForm => (415, REFUSED, "This address accepts only forms from its own pages.".to_owned()),
        VisitFault::Throttled { retry_after } => {
            let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
            let wait = match seconds {
                0..=1 => "a second".to_owned(),
                2..=90 => format!("{seconds} seconds"),
                seconds => format!("{} minutes", seconds.div_ceil(60)),
            };
            (429, "Too many requests", format!("There were too many attempts. Wait {wait} and try again."))
        }
    }
}

/// The error's own message as a sentence.
fn sentence(error: &Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
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
