//! The query budget of pages: at most eight queries, as reported in the header `Server-Timing`.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use failsoft::app::routes::{Endpoint, ROUTES, Surface, Verb};
use failsoft::auth::console::link_secret;
use failsoft::domain::actor::Actor;
use failsoft::store::LinkKind;
use serde_json::json;

use super::events::catalog;
use crate::support::app::{App, beginning};
use crate::support::browser::{Browser, Page};
use crate::support::on_both_databases;

/// The most queries of one page.
const MOST: u32 = 8;

/// The number of queries of a page.
fn queries(page: &Page) -> Option<u32> {
    page.answer.header("server-timing").strip_prefix("db;desc=\"")?.strip_suffix('"')?.parse().ok()
}

/// The routes of pages, without files and streams.
fn pages() -> impl Iterator<Item = &'static Endpoint> {
    let page = |route: &&Endpoint| route.surface == Surface::Page && route.method == Verb::Get;
    ROUTES.iter().filter(page).filter(|route| {
        let file = [".csv", ".txt", "/live"].iter().any(|end| route.path.ends_with(*end));
        !file && !route.path.starts_with("/static")
    })
}

/// A link as the command line creates it.
async fn made(app: &App, kind: LinkKind, word: &str) -> String {
    let store = &app.organization.vault;
    let user = store.system().user_by_email("first@example.com").await.expect("read").expect("a user");
    let (secret, hash) = link_secret::generate(store.vault()).expect("random bytes");
    let (end, actor) = (beginning() + TimeDelta::hours(24), Actor::system("test"));
    store.system().link_create(kind, user.id, hash, end, &actor).await.expect("made");
    link_secret::path(word, &secret)
}

/// Values for `{id}` under a path, and the paths of the public links.
async fn places(app: &App, owner: &Browser) -> BTreeMap<&'static str, String> {
    let text = |value: &serde_json::Value| value.as_str().expect("an id").to_owned();
    let first = async |path: &str| text(&app.get(path).await.json()["items"][0]["id"]);
    let invited = [("email", "guest@example.com"), ("role", "admin")];
    let invite = owner.submit("/members", "/members/invite", &invited).await.link(&app.url("/invite/"));
    let members = owner.get("/members").await.html;
    let (_, member) = members.split_once("action=\"/members/").expect("a member");
    BTreeMap::from([
        ("/events", text(&app.events().await[0]["id"])),
        ("/requests", text(&app.requests(2).await[0]["id"])),
        ("/models", first("/v1/model-router/models").await),
        ("/fallbacks", first("/v1/model-router/models").await),
        ("/providers", first("/v1/model-router/providers").await),
        // Of a provider with one credential, it has the provider's id.
        ("/credentials", first("/v1/model-router/providers").await),
        ("/keys", first("/v1/identity/api-keys").await),
        ("/members", member.split('/').next().expect("an id").to_owned()),
        ("/invite", invite.strip_prefix(&app.url("")).expect("a link").to_owned()),
        ("/reset", made(app, LinkKind::Reset, "reset").await),
        ("/enter", made(app, LinkKind::Console, "enter").await),
    ])
}

on_both_databases! {
    async fn no_page_makes_more_than_eight_queries(app: App) {
        let _fake = catalog(&app).await;
        app.chat(&json!({"model": "bad", "session_id": "visit"})).await;
        app.chat(&json!({"model": "worse"})).await;
        let email = app.organization.member(failsoft::domain::permission::Role::Owner).await;
        app.organization.member(failsoft::domain::permission::Role::Member).await;
        let owner = Browser::logged_in(&app, &email).await;
        let places = places(&app, &owner).await;
        let mut seen = 0;
        for route in pages() {
            let (area, rest) = route.path[1..].split_once('/').unwrap_or((&route.path[1..], ""));
            let place = places.get(format!("/{area}").as_str());
            let path = match place {
                Some(link) if rest == "{secret}" => link.clone(),
                Some(id) => route.path.replace("{id}", id),
                None => route.path.replace("{name}", "fallback"),
            };
            // The sign-in pages are for visitors without a session.
            let browser = if route.access == failsoft::app::routes::Access::Public { &Browser::new(&app) } else { &owner };
            let page = browser.get(&path).await.expect(200);
            let made = queries(&page).unwrap_or_else(|| panic!("{path} tells no number"));
            assert!(made <= MOST, "{path}: {made} queries");
            seen += made;
        }
        assert!(seen > 50, "nothing counts: {seen}");
        // With filters, the query may differ.
        for path in ["/events?range=30d&model=bad&class=overloaded", "/?range=30d", "/requests?range=30d&outcome=failed"] {
            let made = queries(&owner.get(path).await.expect(200)).expect("a number");
            assert!((1..=MOST).contains(&made), "{path}: {made} queries");
        }
        // API calls, files and forms of anonymous visitors are not counted.
        assert_eq!(app.get("/v1/models").await.header("server-timing"), "");
        assert_eq!(owner.get("/events.csv").await.answer.header("server-timing"), "");
        let refused = Browser::new(&app).submit("/login", "/login", &[("email", &email), ("password", "wrong")]).await;
        assert_eq!((refused.status, queries(&refused)), (422, None));
    }
}
