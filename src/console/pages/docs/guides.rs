//! `GET /docs/{name}`: the guides, rendered from the documents of the repository. With `.md` they are as written.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpResponse, web};
use askama::Template;

use super::markdown::{Heading, Rendered, render};
use crate::auth::access::Anyone;
use crate::console::http::assets;
use crate::console::http::responses::reading_page;
use crate::domain::error::{Error, Result};

/// A document that is served.
pub(crate) struct Source {
    /// The name in the address.
    pub(crate) name: &'static str,
    /// The name of its file, as links have it.
    file: &'static str,
    /// The name in menus.
    pub(crate) label: &'static str,
    /// What it is about.
    pub(crate) about: &'static str,
    text: &'static str,
}

/// Every guide, in the order of the menu.
pub(super) static SOURCES: [Source; 6] = [
    Source {
        name: "fallback",
        file: "FALLBACK.md",
        label: "Fallback",
        about: "what happens when a model fails: chains, error classes, cooldowns, streams, headers",
        text: include_str!("../../../../docs/FALLBACK.md"),
    },
    Source {
        name: "dialects",
        file: "DIALECTS.md",
        label: "Dialects",
        about: "chat completions, Messages and Responses, translation between them, and the vendors",
        text: include_str!("../../../../docs/DIALECTS.md"),
    },
    Source {
        name: "endpoints",
        file: "ENDPOINTS.md",
        label: "Endpoints",
        about: "embeddings, rerank, images, speech and the other endpoints that are no chats",
        text: include_str!("../../../../docs/ENDPOINTS.md"),
    },
    Source {
        name: "ledger",
        file: "LEDGER.md",
        label: "Ledger",
        about: "records, prices, budgets, usage and retention",
        text: include_str!("../../../../docs/LEDGER.md"),
    },
    Source {
        name: "archive",
        file: "ARCHIVE.md",
        label: "Archive",
        about: "where records are kept after their retention",
        text: include_str!("../../../../docs/ARCHIVE.md"),
    },
    Source {
        name: "settings",
        file: "SETTINGS.md",
        label: "Settings",
        about: "the flags and environment variables of the server, for operators",
        text: include_str!("../../../../docs/SETTINGS.md"),
    },
];

/// The rendered guides, in the order of [`SOURCES`].
static RENDERED: LazyLock<[Rendered; 6]> =
    LazyLock::new(|| SOURCES.each_ref().map(|source| render(source.text, target)));

#[derive(Template)]
#[template(path = "docs/guide.html")]
struct Page {
    stylesheet: &'static str,
    script: &'static str,
    version: &'static str,
    title: &'static str,
    about: &'static str,
    menu: Vec<MenuLine>,
    html: &'static str,
}

/// A guide in the menu.
struct MenuLine {
    name: &'static str,
    label: &'static str,
    current: bool,
    /// The sections of the current guide.
    sections: &'static [Heading],
}

/// Renders a guide.
///
/// # Errors
/// [`Error::RouteUnknown`] if there is no guide of this name.
pub async fn read(_: Anyone, name: web::Path<String>) -> Result<HttpResponse> {
    if let Some(source) = name.strip_suffix(".md").and_then(source_of) {
        return Ok(HttpResponse::Ok()
            .content_type("text/markdown; charset=utf-8")
            .insert_header((CACHE_CONTROL, "no-cache"))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(source.text));
    }
    reading_page(&Page::of(&name).ok_or(Error::RouteUnknown)?)
}

impl Page {
    fn of(name: &str) -> Option<Self> {
        let (source, rendered) =
            SOURCES.iter().zip(RENDERED.iter()).find(|(source, _)| source.name == name)?;
        let line = |(source, rendered): (&Source, &'static Rendered)| {
            let current = source.name == name;
            let sections: &[Heading] = if current { &rendered.sections } else { &[] };
            MenuLine { name: source.name, label: source.label, current, sections }
        };
        Some(Self {
            stylesheet: assets::path("docs.css"),
            script: assets::path("docs.js"),
            version: env!("CARGO_PKG_VERSION"),
            title: &rendered.title,
            about: source.about,
            menu: SOURCES.iter().zip(RENDERED.iter()).map(line).collect(),
            html: &rendered.html,
        })
    }
}

fn source_of(name: &str) -> Option<&'static Source> {
    SOURCES.iter().find(|source| source.name == name)
}

/// Where a link of a document leads: to a guide, or elsewhere on the web. `None` for files that are not served.
fn target(link: &str) -> Option<String> {
    if link.starts_with('#') || link.starts_with("https://") {
        return Some(link.to_owned());
    }
    let (file, place) = link.split_once('#').map_or((link, None), |(file, place)| (file, Some(place)));
    let source = SOURCES.iter().find(|source| source.file == file)?;
    Some(
        place.map_or_else(
            || format!("/docs/{}", source.name),
            |place| format!("/docs/{}#{place}", source.name),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    #[test]
    fn links_of_the_documents_lead_to_guides_and_their_sections() {
        let html = |name: &str| SOURCES.iter().zip(RENDERED.iter()).find(|(source, _)| source.name == name);
        for (source, rendered) in SOURCES.iter().zip(RENDERED.iter()) {
            let mut ids: Vec<&str> = values(&rendered.html, "id");
            ids.sort_unstable();
            let all = ids.len();
            ids.dedup();
            assert_eq!(ids.len(), all, "{}: an id is used twice", source.file);
            assert!(!ids.contains(&"content"), "{}: the page has this id", source.file);
            for link in values(&rendered.html, "href") {
                let (path, place) = link.split_once('#').unwrap_or((link, ""));
                if path.starts_with("https://") {
                    continue;
                }
                let name = path.strip_prefix("/docs/").unwrap_or(source.name);
                let (_, to) = html(name).unwrap_or_else(|| panic!("{}: {link}", source.file));
                assert!(
                    place.is_empty() || values(&to.html, "id").contains(&place),
                    "{}: {link}",
                    source.file
                );
            }
        }
    }

    #[test]
    fn headings_skip_no_level_and_columns_have_names() {
        for (source, rendered) in SOURCES.iter().zip(RENDERED.iter()) {
            let level = |rest: &str| rest.chars().next().and_then(|digit| digit.to_digit(10));
            let levels: Vec<u32> = rendered.html.split("<h").skip(1).filter_map(level).collect();
            assert_eq!(levels.first(), Some(&1), "{}", source.file);
            assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{}: {levels:?}", source.file);
            assert!(!rendered.html.contains("<th></th>"), "{}: a column has no name", source.file);
        }
    }

    fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
        let start = format!(" {attribute}=\"");
        html.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn the_documents_have_no_tags_and_pictures_which_would_be_left_out() {
        for source in &SOURCES {
            for event in Parser::new_ext(source.text, Options::ENABLE_TABLES) {
                match event {
                    Event::Html(text) => {
                        let comment =
                            text.trim_start().starts_with("<!--") && text.trim_end().ends_with("-->");
                        assert!(comment, "{}: {text}", source.file);
                    }
                    Event::InlineHtml(text) => panic!("{}: {text}", source.file),
                    Event::Start(Tag::Image { dest_url, .. }) => panic!("{}: {dest_url}", source.file),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn links_to_other_files_are_text() {
        assert_eq!(target("LEDGER.md#budgets").as_deref(), Some("/docs/ledger#budgets"));
        assert_eq!(target("#streams").as_deref(), Some("#streams"));
        assert_eq!(target("https://example.com/").as_deref(), Some("https://example.com/"));
        for other in ["../deploy/failsoft.example.toml", "ARCHITECTURE.md", "javascript:x"] {
            assert_eq!(target(other), None, "{other}");
        }
    }

    #[test]
    fn a_guide_shows_its_sections_in_the_menu() {
        let html = Page::of("ledger").expect("a guide").render().expect("a page");
        assert!(html.contains("href=\"#budgets\"") && html.contains("<h2 id=\"budgets\">"), "{html}");
        assert!(html.contains("href=\"/docs/fallback\"") && !html.contains("href=\"#cooldown\""), "{html}");
        assert!(Page::of("nothing").is_none());
    }
}
