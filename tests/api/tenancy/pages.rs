//! A row for every page and every form of one: who may, and what another organization gets for the same ids.

use failsoft::auth::permission::Role;
use failsoft::routes::{Access, ROUTES, Surface, Verb};

use super::matrix::title;
use crate::support::browser::{Browser, Page};
use crate::support::on_both_databases;

/// What somebody of another organization gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Open to all; nobody is known there. What it does is tested where the page is.
    Public,
    /// It is about the caller's own things; no path or field names any.
    Own,
    /// It names a thing, which is not there for others.
    Names,
}

/// Every page's route but those that the matrix of the API has.
pub(super) const PAGES: &[(&str, Class)] = &[
    ("GET /signup", Class::Public),
    ("POST /signup", Class::Public),
    ("GET /login", Class::Public),
    ("POST /login", Class::Public),
    ("POST /logout", Class::Own),
    ("GET /", Class::Own),
];

/// The routes for somebody who is logged in.
fn visited()
-> impl Iterator<Item = (&'static failsoft::routes::Endpoint, failsoft::auth::permission::Permission)> {
    ROUTES.iter().filter_map(|route| match route.access {
        Access::Visitor(permission) => Some((route, permission)),
        _ => None,
    })
}

#[test]
fn every_page_for_visitors_is_a_page_and_no_public_one_is_about_somebody() {
    for (route, _) in visited() {
        assert_eq!(route.surface, Surface::Page, "{}", title(route));
    }
    for (page, class) in PAGES {
        let route = ROUTES.iter().find(|route| title(route) == *page).expect(page);
        assert_eq!(route.access == Access::Public, *class == Class::Public, "{page}");
    }
}

/// Calls a route with ids of nothing in it.
async fn call(browser: &Browser, route: &failsoft::routes::Endpoint, token: &str) -> Page {
    let path = route.path.replace("{id}", "01920000-0000-7000-8000-000000000000");
    match route.method {
        Verb::Post => browser.submit_with(token, &path, &[]).await,
        _ => browser.get(&path).await,
    }
}

on_both_databases! {
    async fn nobody_gets_past_the_log_in(app: App) {
        for (route, _) in visited() {
            let stranger = Browser::new(&app);
            let page = call(&stranger, route, "").await;
            assert_eq!(page.status, 303, "{}: {}", title(route), page.html);
            assert!(page.location.starts_with("/login"), "{}: {}", title(route), page.location);
        }
    }

    async fn a_role_opens_what_the_table_says_and_nothing_else(app: App) {
        for role in Role::ALL {
            for (route, permission) in visited() {
                // Anew for each: a form may end the session.
                let email = app.organization.member(role).await;
                let browser = Browser::logged_in(&app, &email).await;
                let token = browser.get("/").await.token();
                let page = call(&browser, route, &token).await;
                let refused = page.status == 403 && page.shows("Your role does not allow");
                assert_eq!(refused, !role.may(permission), "{role} {}: {}", title(route), page.html);
                assert!(page.status != 303 || !page.location.starts_with("/login?"), "{}", title(route));
            }
        }
    }
}
