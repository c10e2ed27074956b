//! Paths outside of the API answer with pages, including errors.

use reqwest::Method;

use crate::support::app::App;
use crate::support::browser::{Browser, Page};
use crate::support::database::Kind;

/// Checks the parts that every page has.
pub(crate) fn assert_page(page: &Page) {
    let header = |name: &str| page.answer.header(name).to_owned();
    assert_eq!(header("content-type"), "text/html; charset=utf-8", "{}", page.html);
    assert!(header("content-security-policy").starts_with("default-src 'none'"), "{}", page.html);
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "same-origin");
    assert_eq!(header("x-request-id").len(), 36);
    assert!(page.html.starts_with("<!doctype html>"), "{}", page.html);
    assert!(!page.html.contains("style=") && !page.html.contains("onclick"), "the CSP allows nothing inline");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_of_a_page_is_a_page() {
    let app = App::start(Kind::Sqlite).await;
    let browser = Browser::owner(&app, "acme").await;
    for path in ["/nothing", "/fallbacks/x/y/z", "/members/nobody/nothing", "/a%00b", "/%ff", "//", "/docs/"]
    {
        let page = browser.get(path).await.expect(404);
        assert_page(&page);
    }
    let page = browser.send(browser.request(Method::DELETE, "/login")).await.expect(405);
    assert_page(&page);
    assert_eq!(page.answer.header("allow"), "GET, HEAD, POST");

    let large = "x".repeat(65_537);
    let page = browser.submit("/", "/logout", &[("filler", &large)]).await.expect(413);
    assert_page(&page);
    let token = browser.get("/").await.token();
    let json = browser.request(Method::POST, "/logout").header("content-type", "application/json");
    assert_page(&browser.send(json.body(format!("{{\"form_token\":\"{token}\"}}"))).await.expect(415));
    let packed = browser.post("/logout", &[("form_token", &token)]).header("content-encoding", "gzip");
    assert_page(&browser.send(packed).await.expect(415));
    assert_eq!(browser.get("/").await.status, 200, "none of it logged out");
    assert_page(&browser.get("/").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_shows_who_is_here_once_that_is_known() {
    let app = App::start(Kind::Sqlite).await;
    let browser = Browser::owner(&app, "acme").await;
    let refused = browser.submit_with("forged", "/logout", &[]).await.expect(403);
    assert!(refused.shows("acme@example.com"), "{}", refused.html);
    let stranger = Browser::new(&app).get("/nothing").await.expect(404);
    assert!(!stranger.shows("@example.com"), "{}", stranger.html);
}
