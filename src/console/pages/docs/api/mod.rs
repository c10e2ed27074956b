//! `GET /docs/api`: the API reference, with commands that work as pasted.
//!
//! The page is generated from the document at `/openapi.json`.

pub mod command;
pub mod operation;
pub mod prose;
pub mod reference;
mod sample;
pub mod schema;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::auth::access::Anyone;
use crate::config::Settings;
use crate::console::http::responses::reading_page;
use crate::console::http::{assets, base_url};
use crate::domain::error::Result;
use operation::Access;
use reference::{LazyReference, Reference};

#[derive(Template)]
#[template(path = "docs/api.html")]
struct Page<'a> {
    stylesheet: &'static str,
    /// Scheme and authority without a trailing slash.
    address: String,
    reference: &'a Reference,
}

/// Renders the page.
///
/// # Errors
/// The template cannot be rendered.
pub async fn read(
    _: Anyone,
    request: HttpRequest,
    settings: web::Data<Settings>,
    reference: web::Data<LazyReference>,
) -> Result<HttpResponse> {
    let address = base_url::of(&settings, &request);
    reading_page(&Page { stylesheet: assets::path("docs.css"), address, reference: &reference })
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::OpenApi as _;

    #[derive(utoipa::OpenApi)]
    struct Nothing;

    #[test]
    fn the_reference_escapes_the_document() {
        let mut document = Nothing::openapi();
        document.info.description = Some("a <b> `<c>`".to_owned());
        let reference = Reference::new(&document);
        let page =
            Page { stylesheet: "/static/x.css", address: "http://<d>".to_owned(), reference: &reference };
        let html = page.render().expect("a page");
        for tag in ["<b>", "<c>", "<d>"] {
            assert!(!html.contains(tag), "{tag}");
        }
    }
}
