//! Every page and form: the required permission, and what another organization gets for the same ids.

use std::collections::BTreeMap;
use std::time::Duration;

use failsoft::app::routes::{Access, Endpoint, ROUTES, Surface, Verb};
use failsoft::domain::permission::{Permission, Role};
use serde_json::json;

use super::matrix::title;
use crate::support::app::App;
use crate::support::browser::{Browser, Page};
use crate::support::on_both_databases;

/// The kinds of resources that pages and forms refer to, by the segment of the path that precedes their id.
const KINDS: &[(&str, &str)] = &[
    ("credentials", "credential"),
    ("events", "fallback event"),
    ("fallbacks", "model"),
    ("invitations", "invitation"),
    ("keys", "API key"),
    ("mappings", "error mapping"),
    ("members", "member"),
    ("models", "model"),
    ("providers", "provider"),
    ("requests", "request"),
    ("sessions", "session"),
];

/// Forms that refer to a resource in a field.
const IN_A_FIELD: &[(&str, &str)] = &[("POST /account/switch", "organization")];

/// The kind of resource that a page or form refers to, which is absent for other organizations. None: it is about the
/// user's own resources.
fn named(route: &Endpoint) -> Option<&'static str> {
    if let Some((_, kind)) = IN_A_FIELD.iter().find(|(form, _)| *form == title(route)) {
        return Some(kind);
    }
    let (before, _) = route.path.split_once("/{")?;
    let collection = before.rsplit('/').next().expect("a segment");
    let kind = KINDS.iter().find(|(known, _)| *known == collection).map(|(_, kind)| *kind);
    let lack = || panic!("{}: add the kind of '{collection}' to tests/api/tenancy/pages.rs", title(route));
    Some(kind.unwrap_or_else(lack))
}

/// The routes for signed-in users.
fn visited() -> impl Iterator<Item = (&'static Endpoint, Permission)> {
    ROUTES.iter().filter_map(|route| match route.access {
        Access::ConsoleUser(permission) => Some((route, permission)),
        _ => None,
    })
}

#[test]
fn routes_for_users_are_pages_and_public_ones_concern_no_user() {
    for (route, _) in visited() {
        assert_eq!(route.surface, Surface::Page, "{}", title(route));
    }
    for route in
        ROUTES.iter().filter(|route| route.surface == Surface::Page && route.access == Access::Public)
    {
        assert!(!route.path.contains("{id}"), "{}: a visitor sees a resource", title(route));
    }
    for (form, _) in IN_A_FIELD {
        assert!(visited().any(|(route, _)| title(route) == *form), "{form} is of no route");
    }
}

/// An id that does not exist.
const NOTHING: &str = "01920000-0000-7000-8000-000000000000";

/// Calls a route with this id in every place that takes one.
async fn call(browser: &Browser, route: &Endpoint, id: &str, token: &str) -> Page {
    let path = route.path.replace("{id}", id);
    let fields = [("role", "admin"), ("organization", id)];
    if route.path.ends_with("/live") {
        // Its body never ends.
        return browser.beginning(&path).await;
    }
    match route.method {
        Verb::Post => browser.submit_with(token, &path, &fields).await,
        _ => browser.get(&path).await,
    }
}

/// Ids of an organization's resources, by kind, as its own members would use them.
async fn ids(app: &App, owner: &Browser) -> BTreeMap<&'static str, String> {
    let between = |html: &str, start: &str| {
        let (_, rest) = html.split_once(start).unwrap_or_else(|| panic!("no {start} in {html}"));
        rest.split(['/', '"']).next().expect("an id").to_owned()
    };
    owner.submit("/members", "/members/invite", &[("email", "guest@example.com"), ("role", "admin")]).await;
    let members = owner.get("/members").await.expect(200).html;
    let email = members.split("@example.com").next().expect("an address").rsplit('>').next().expect("a name");
    Browser::logged_in(app, &format!("{email}@example.com")).await;
    let account = owner.get("/account").await.expect(200).html;
    BTreeMap::from([
        ("member", between(&members, "action=\"/members/")),
        ("invitation", between(&members, "action=\"/members/invitations/")),
        ("session", between(&account, "action=\"/account/sessions/")),
    ])
}

on_both_databases! {
    async fn pages_require_signing_in(app: App) {
        for (route, _) in visited() {
            let stranger = Browser::new(&app);
            let page = call(&stranger, route, NOTHING, "").await;
            assert_eq!(page.status, 303, "{}: {}", title(route), page.html);
            assert!(page.location.starts_with("/login"), "{}: {}", title(route), page.location);
        }
    }

    async fn a_role_opens_what_the_table_says_and_nothing_else(app: App) {
        for role in Role::ALL {
            for (route, permission) in visited() {
                // A new session for each, because a form may end the session. The clock advances because sign-ins per
                // address are limited.
                app.clock.advance(Duration::from_secs(2));
                let email = app.organization.member(role).await;
                let browser = Browser::logged_in(&app, &email).await;
                let token = browser.get("/").await.token();
                let page = call(&browser, route, NOTHING, &token).await;
                let refused = page.status == 403 && page.shows("Your role does not allow");
                assert_eq!(refused, !role.may(permission), "{role} {}: {}", title(route), page.html);
                assert!(page.status != 303 || !page.location.starts_with("/login?"), "{}", title(route));
            }
        }
    }

    async fn what_another_organization_has_is_not_there(app: App) {
        let victim = Browser::owner(&app, "victim").await;
        let mut ids = ids(&app, &victim).await;
        ids.insert("organization", app.organization.id.to_string());
        let provider = app.organization.provider_at("none", "simulated", None).await;
        let model = app.organization.model_like("off", provider, |model| model.enabled = false).await;
        ids.extend([("provider", provider.to_string()), ("model", model.to_string())]);
        let keys = app.get("/v1/identity/api-keys").await.json();
        ids.insert("API key", keys["items"][0]["id"].as_str().expect("an id").to_owned());
        ids.insert("request", app.chat(&json!({"model": "off"})).await.header("x-request-id").to_owned());
        app.requests(1).await;
        ids.insert("fallback event", app.events().await[0]["id"].as_str().expect("an id").to_owned());
        let mapping = json!({"contains": ["victim window"], "class": "content_policy"});
        let mapping = app.post("/v1/model-router/error-mappings", &mapping).await.json();
        ids.insert("error mapping", mapping["id"].as_str().expect("an id").to_owned());
        let paid = app.organization.provider_at("paid", "custom", Some("http://127.0.0.1:9/v1")).await;
        let credential = json!({"name": "victim credential", "credential": "sk-victim-0002"});
        let credential =
            app.post(&format!("/v1/model-router/providers/{paid}/credentials"), &credential).await.json();
        ids.insert("credential", credential["id"].as_str().expect("an id").to_owned());
        let stranger = Browser::owner(&app, "stranger").await;
        let token = stranger.get("/").await.token();
        let before = (victim.get("/members").await.without_token(), victim.get("/account").await.without_token());
        let mut called = 0;
        for (route, _) in visited() {
            let Some(kind) = named(route) else { continue };
            let page = title(route);
            called += 1;
            for id in [ids[kind].as_str(), NOTHING, "no-id"] {
                let answer = call(&stranger, route, id, &token).await;
                assert_eq!(answer.status, 404, "{page} {id}: {}", answer.html);
                assert!(!answer.shows("victim"), "{page} gives something away: {}", answer.html);
            }
        }
        assert!(called > 25, "only {called} pages refer to a resource");
        let after = (victim.get("/members").await.without_token(), victim.get("/account").await.without_token());
        assert_eq!(before, after);
        for own in ["/", "/members", "/account"] {
            assert!(!stranger.get(own).await.expect(200).shows("victim"), "{own}");
        }
    }
}
