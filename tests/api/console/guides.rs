//! `/docs/{name}` and `/llms.txt`: the documents of the repository, for everyone.

use crate::support::app::App;
use crate::support::browser::Browser;
use crate::support::database::Kind;

/// The names of the guides, and something in each.
const GUIDES: [(&str, &str); 6] = [
    ("fallback", "What happens when a model fails</h1>"),
    ("dialects", "<h2 id=\"azure-openai\">"),
    ("endpoints", "<h2 id=\"kinds-of-models\">"),
    ("ledger", "<h2 id=\"budgets\">"),
    ("archive", "<h1 id=\"the-archive\">"),
    ("settings", "<code>FAILSOFT_LISTEN</code>"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_guide_is_a_page_for_visitors_too() {
    let app = App::start(Kind::Sqlite).await;
    let guest = Browser::new(&app);
    let start = guest.get("/docs").await.expect(200);
    for (name, text) in GUIDES {
        let path = format!("/docs/{name}");
        assert!(start.shows(&format!("href=\"{path}\"")), "{path} is not linked: {}", start.html);
        let page = guest.get(&path).await.expect(200);
        assert!(page.html.contains(text), "{path} has no {text}");
        assert!(
            page.answer
                .header("content-security-policy")
                .starts_with("default-src 'none'; script-src 'self'")
        );
        for forbidden in ["<script>", " style=", " onclick=", "<form", "href=\"../"] {
            assert!(!page.html.contains(forbidden), "{path}: {forbidden}");
        }
        let written = guest.get(&format!("{path}.md")).await.expect(200);
        assert_eq!(written.answer.header("content-type"), "text/markdown; charset=utf-8");
        assert!(written.html.starts_with("# "), "{path}.md");
    }
    for nothing in
        ["/docs/architecture", "/docs/FALLBACK", "/docs/fallback.html", "/docs/..%2FCargo.toml", "/docs/.md"]
    {
        guest.get(nothing).await.expect(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_find_the_documents_in_llms_txt() {
    let app = App::start_with(Kind::Sqlite, |settings| {
        settings.server.public_url = Some("https://gateway.example.com/".parse().expect("a URL"));
    })
    .await;
    let guest = Browser::new(&app);
    let text = guest.get("/llms.txt").await.expect(200);
    assert_eq!(text.answer.header("content-type"), "text/plain; charset=utf-8");
    assert!(text.html.starts_with("# Failsoft\n\n> "), "{}", text.html);
    assert!(text.html.contains("https://gateway.example.com/v1"), "{}", text.html);
    let links = text.html.split("](https://gateway.example.com").skip(1);
    let links: Vec<&str> = links.filter_map(|rest| rest.split(')').next()).collect();
    assert_eq!(links.len(), 3 + GUIDES.len(), "{links:?}");
    for link in links {
        guest.get(link).await.expect(200);
    }
}
