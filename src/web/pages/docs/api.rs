//! `GET /docs/api`: every route of this server, with commands that work as pasted.
//!
//! The page is made of the document at `/openapi.json`: what is not there is not here.

pub mod command;
pub mod operation;
pub mod prose;
pub mod reference;
mod sample;
pub mod schema;

use actix_web::http::header::HOST;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::config::Settings;
use crate::error::Result;
use crate::web::assets;
use crate::web::response::reading_page;
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
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let address = address(&settings, host);
    reading_page(&Page { stylesheet: assets::path("docs.css"), address, reference: &reference })
}

/// Where this server is reached: as it was configured, or as this browser did.
fn address(settings: &Settings, host: Option<&str>) -> String {
    if let Some(url) = &settings.server.public_url {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    let known = |letter: char| letter.is_ascii_alphanumeric() || "-.:[]".contains(letter);
    match host.filter(|host| !host.is_empty() && host.chars().all(known)) {
        Some(host) => format!("http://{host}"),
        None => format!("http://{}", settings.server.listen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::OpenApi as _;

    #[derive(utoipa::OpenApi)]
    struct Nothing;

    #[test]
    fn the_address_is_the_configured_one_or_the_one_that_was_called() {
        let mut settings = Settings::default();
        assert_eq!(address(&settings, Some("gateway.test:8080")), "http://gateway.test:8080");
        assert_eq!(address(&settings, Some("[::1]:80")), "http://[::1]:80");
        for host in [None, Some(""), Some("a'b"), Some("<script>"), Some("a b")] {
            assert_eq!(address(&settings, host), "http://127.0.0.1:8080", "{host:?}");
        }
        settings.server.public_url = Some("https://gateway.test/".parse().expect("a URL"));
        assert_eq!(address(&settings, Some("elsewhere.test")), "https://gateway.test");
    }

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
