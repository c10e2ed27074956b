//! `/docs/api`: it names every route, with code that calls it.

use std::collections::BTreeSet;

use failsoft::app::routes::{Access, ROUTES, Surface, described_path};
use reqwest::Method;
use serde_json::json;

use super::{document, operations};
use crate::support::app::App;
use crate::support::database::Kind;

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[tokio::test(flavor = "multi_thread")]
async fn the_page_names_every_route_and_every_scope() {
    let app = App::start(Kind::Sqlite).await;
    let page = app.send(app.request(Method::GET, "/docs/api")).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.header("content-security-policy"), CONTENT_SECURITY_POLICY);
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "same-origin");
    // Templates break lines where a page shows a space.
    let html = page.text().split_whitespace().collect::<Vec<_>>().join(" ");
    let aliases: BTreeSet<String> = operations(&document(&app).await)
        .into_iter()
        .filter(|(_, operation)| operation.get("x-alias-of").is_some())
        .map(|(title, _)| title)
        .collect();
    for route in ROUTES.iter().filter(|route| route.surface == Surface::Api) {
        let (method, path) = (route.method.as_str(), described_path(route.path));
        if aliases.contains(&format!("{method} {path}")) {
            assert!(html.contains(&format!("<code>{path}</code>")), "{path} is not named");
            continue;
        }
        let heading =
            format!("<span class=\"method {method}\">{method}</span> <code class=\"path\">{path}</code>");
        let (_, section) =
            html.split_once(&heading).unwrap_or_else(|| panic!("{method} {path} is not there"));
        let (section, _) = section.split_once("</article>").expect("its end");
        let access = match route.access {
            Access::ConsoleUser(_) => panic!("{method} {path}: a page is no operation"),
            Access::Public => "no key".to_owned(),
            Access::Operator => "operator’s token".to_owned(),
            Access::Key => "any key".to_owned(),
            Access::Scope(scope) => format!("scope <code>{scope}</code>"),
        };
        assert!(section.contains(&access), "{method} {path} does not say: {access}");
        let address = format!("{}{}", app.url(""), path.split('{').next().expect("a start"));
        assert!(section.contains(&format!("&#39;{address}")), "{method} {path} has no command");
    }
    assert_eq!(html.matches("<script").count(), 1, "one file of our own");
    for forbidden in ["<script>", " style=", " onclick=", "<form", "http-equiv"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_within_the_page_lead_somewhere_and_names_are_used_once() {
    let app = App::start(Kind::Sqlite).await;
    let html = app.send(app.request(Method::GET, "/docs/api")).await.text();
    let values = |attribute: &str| -> Vec<String> {
        let start = format!(" {attribute}=\"");
        html.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect()
    };
    let ids = values("id");
    let known: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(known.len(), ids.len(), "an id is on the page twice");
    let links = values("href");
    let within: Vec<&str> = links.iter().filter_map(|link| link.strip_prefix('#')).collect();
    assert!(within.len() > 100, "{}", within.len());
    for link in within {
        assert!(known.contains(&link.to_owned()), "#{link} leads nowhere");
    }
    for link in links.iter().filter(|link| link.starts_with('/')) {
        let answer = app.send(app.request(Method::GET, link)).await;
        assert_eq!(answer.status, 200, "{link}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_page_is_kept_for_ever_under_a_name_of_its_content() {
    let app = App::start(Kind::Sqlite).await;
    let html = app.send(app.request(Method::GET, "/docs/api")).await.text();
    let (_, rest) = html.split_once("<link rel=\"stylesheet\" href=\"").expect("a style sheet");
    let path = rest.split('"').next().expect("its address");
    let sheet = app.send(app.request(Method::GET, path)).await;
    assert_eq!((sheet.status, sheet.header("content-type")), (200, "text/css; charset=utf-8"));
    assert_eq!(sheet.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(sheet.header("x-content-type-options"), "nosniff");
    for path in
        ["/static/docs.css", "/static/docs.0000000000000000.css", "/static/..%2FCargo.toml", "/static/"]
    {
        let nothing = app.send(app.request(Method::GET, path)).await;
        assert_eq!(
            (nothing.status, nothing.header("content-type")),
            (404, "text/html; charset=utf-8"),
            "{path}"
        );
        assert_eq!(nothing.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_are_in_the_language_that_is_asked_for() {
    let app = App::start(Kind::Sqlite).await;
    for (query, sample) in [
        ("", "curl -X PATCH &#39;"),
        ("?code=curl", "curl -X PATCH &#39;"),
        ("?code=python", "requests.patch("),
        ("?code=typescript", "method: &#34;PATCH&#34;"),
        ("?code=cobol&code=python", "curl -X PATCH &#39;"),
    ] {
        let page = app.send(app.request(Method::GET, &format!("/docs/api{query}"))).await;
        assert_eq!(page.status, 200, "{query}");
        let html = page.text();
        assert!(html.contains(sample), "{query} has no {sample}");
        assert!(html.contains("<script type=\"module\" src=\"/static/docs."), "{query}");
        for language in ["curl", "python", "typescript"] {
            assert!(
                html.contains(&format!("href=\"?code={language}\"")),
                "{query} has no link to {language}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_name_the_address_that_the_operator_configured() {
    let app = App::start_with(Kind::Sqlite, |settings| {
        settings.server.public_url = Some("https://gateway.example.com/".parse().expect("a URL"));
    })
    .await;
    assert_eq!(document(&app).await["servers"], json!([{"url": "https://gateway.example.com"}]));
    let html = app.send(app.request(Method::GET, "/docs/api")).await.text();
    assert!(html.contains("curl &#39;https://gateway.example.com/v1/models&#39;"));
    assert!(!html.contains(&app.address.to_string()));
}
