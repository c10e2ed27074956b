//! A link that does not work any more, or never did: which one is not said.

use actix_web::HttpResponse;
use askama::Template;

use crate::console::components::layout::Frame;
use crate::console::http::anonymous_visitor::Guest;
use crate::domain::error::Result;

#[derive(Template)]
#[template(path = "enter/gone.html")]
struct Page {
    frame: Frame,
}

/// The page.
///
/// # Errors
/// The template cannot be rendered.
pub(super) fn page(guest: &Guest) -> Result<HttpResponse> {
    guest.page(404, &Page { frame: Frame::guest(guest, "This link does not work") })
}
