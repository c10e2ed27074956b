//! `GET /docs/api`: every route of this server, with commands that work as pasted.
//!
//! The page is made of the document at `/openapi.json`: what is not there is not here.

pub mod command;
pub mod operation;
pub mod prose;
pub mod reference;
mod sample;
pub mod schema;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::config::Settings;
use crate::console::http::responses::reading_page;
use crate::console::http::{assets, base_url};
use crate::domain::error::Result;
use operation::Access;
use reference::Reference;

#[derive(Template)]
#[template(path = "docs/api.html")]
struct Page<'a> {
    stylesheet: &'static str,
    /// Scheme and authority, without a slash at the end.
    address: String,
    reference: &'a Reference,
}

/// The page.
///
/// # Errors
/// The template cannot be rendered.
pub async fn read(
    request: HttpRequest,
    settings: web::Data<Settings>,
    reference: web::Data<Reference>,
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
    fn what_a_document_says_is_text_and_never_markup() {
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
