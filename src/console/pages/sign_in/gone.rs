//! The page for a link that is invalid, expired or used. It does not reveal which.

use actix_web::HttpResponse;
use askama::Template;

use crate::console::components::layout::Frame;
use crate::console::http::anonymous_visitor::AnonymousVisitor;
use crate::domain::error::Result;

#[derive(Template)]
#[template(path = "sign_in/gone.html")]
struct Page {
    frame: Frame,
}

/// Renders the page.
///
/// # Errors
/// The template cannot be rendered.
pub(super) fn page(anonymous: &AnonymousVisitor) -> Result<HttpResponse> {
    anonymous.page(404, &Page { frame: Frame::anonymous(anonymous, "This link does not work") })
}
