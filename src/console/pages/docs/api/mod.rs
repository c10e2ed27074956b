//! `GET /docs/api`: the API reference, with code that works as pasted, in one language at a time.
//!
//! The page is generated from the document at `/openapi.json`.

pub mod code;
pub mod operation;
pub mod prose;
pub mod reference;
mod sample;
pub mod schema;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::json;

use crate::auth::access::Anyone;
use crate::config::Settings;
use crate::console::http::query::Query;
use crate::console::http::responses::reading_page;
use crate::console::http::{assets, base_url};
use crate::domain::error::Result;
use code::{Call, Language, Returned, Samples, Sent, samples};
use operation::Access;
use reference::{LazyReference, Reference};
use sample::Sample;

/// The environment variable with the key.
const VARIABLE: &str = "FAILSOFT_API_KEY";

#[derive(Template)]
#[template(path = "docs/api.html")]
struct Page<'a> {
    stylesheet: &'static str,
    script: &'static str,
    version: &'a str,
    /// Scheme and authority without a trailing slash.
    address: String,
    reference: &'a Reference,
    /// The language of the samples.
    language: Language,
    languages: [LanguageLink; 3],
    /// A first request, to try it.
    first: Samples,
}

/// A link to the page with the samples of a language.
struct LanguageLink {
    word: &'static str,
    title: &'static str,
    chosen: bool,
}

impl<'a> Page<'a> {
    fn of(address: String, reference: &'a Reference, language: Language) -> Self {
        let link =
            |one: Language| LanguageLink { word: one.word(), title: one.title(), chosen: one == language };
        Self {
            stylesheet: assets::path("docs.css"),
            script: assets::path("docs.js"),
            version: &reference.version,
            address,
            reference,
            language,
            languages: Language::ALL.map(link),
            first: first_request(),
        }
    }
}

/// A chat completion with a fallback of its own.
fn first_request() -> Samples {
    let text = |text: &str| Sample::Value(json!(text));
    let message = [("role", text("user")), ("content", text("Hello"))];
    let members = [
        ("model", text("smart")),
        ("models", Sample::List(vec![text("steady")])),
        ("messages", Sample::List(vec![Sample::object(message)])),
    ];
    let body = Sample::object(members);
    samples(Call {
        method: "POST",
        target: "/v1/chat/completions",
        variable: Some(VARIABLE),
        sent: Sent::Json(&body),
        returned: Returned::Json,
    })
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
    let wanted = Query::parse(request.query_string()).text("code");
    let language = Language::ALL.into_iter().find(|language| Some(language.word()) == wanted.as_deref());
    reading_page(&Page::of(address, &reference, language.unwrap_or(Language::Curl)))
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
        for language in Language::ALL {
            let page = Page::of("http://<d>".to_owned(), &reference, language);
            let html = page.render().expect("a page");
            for tag in ["<b>", "<c>", "<d>"] {
                assert!(!html.contains(tag), "{tag}");
            }
        }
    }

    #[test]
    fn the_samples_are_in_the_chosen_language() {
        let reference = Reference::new(&Nothing::openapi());
        for (language, sample) in [
            (Language::Curl, "curl &#39;"),
            (Language::Python, "requests.post("),
            (Language::TypeScript, "await fetch("),
        ] {
            let html = Page::of(String::new(), &reference, language).render().expect("a page");
            let samples = ["curl &#39;", "requests.post(", "await fetch("];
            let found: Vec<&str> = samples.into_iter().filter(|sample| html.contains(sample)).collect();
            assert_eq!(found, [sample]);
            let chosen = format!("href=\"?code={}\" aria-current=\"true\"", language.word());
            assert!(html.contains(&chosen) && html.matches("aria-current").count() == 1, "{html}");
        }
    }
}
