//! `GET /llms.txt`: what this server is and where its documents are, for programs that write code (llmstxt.org).

use std::fmt::Write as _;

use actix_web::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpRequest, HttpResponse, web};

use super::guides::SOURCES;
use crate::auth::access::Anyone;
use crate::config::Settings;
use crate::console::http::base_url;

/// Sends the text for programs.
pub async fn read(_: Anyone, request: HttpRequest, settings: web::Data<Settings>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text(&base_url::of(&settings, &request)))
}

fn text(address: &str) -> String {
    let mut text = format!(
        "# Failsoft

> An LLM gateway that fails soft: when a model fails, the next one answers the same request, and the failover is on record.

- Base URL of OpenAI's clients: {address}/v1. Of Anthropic's: {address}.
- The key goes into `Authorization: Bearer` or `x-api-key`. Its scopes decide what it may do.
- Names of models are those of the organization's catalog: GET {address}/v1/models.
- A request can bring its own fallbacks: `\"models\": [\"steady\"]` beside `\"model\"`.
- The response headers `x-failsoft-model`, `x-failsoft-attempts` and `x-failsoft-fallback` say which model answered, after how many calls, \
and why it was not the first.

## API

- [OpenAPI document]({address}/openapi.json): every route, with its fields, errors and examples
- [API reference]({address}/docs/api): the same as a page, with samples for curl, Python and TypeScript
- [Quick start]({address}/docs): from a provider to a request, with snippets for common clients

## Guides

"
    );
    for guide in &SOURCES {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- [{}]({address}/docs/{}.md): {}", guide.label, guide.name, guide.about);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_a_title_a_summary_and_links_to_every_guide() {
        let text = text("https://gateway.test");
        assert!(text.starts_with("# Failsoft\n\n> "), "{text}");
        assert_eq!(text.matches("](https://gateway.test/").count(), SOURCES.len() + 3, "{text}");
        assert!(text.contains("- [Ledger](https://gateway.test/docs/ledger.md): records"), "{text}");
    }
}
