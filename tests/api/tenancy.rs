//! Tenant isolation: calls every route of the application without a credential, with broken ones, without the
//! required scope, and with another organization's credential and this one's ids.
//!
//! The routes come from the application's own list, and [`matrix`] derives how each is called. A route that it cannot
//! derive fails the first test.

mod error_dialect;
mod exceptions;
mod mangled_bodies;
mod matrix;
mod pages;
mod victim;

use std::collections::BTreeSet;

use failsoft::app::routes::{Access, ROUTES, Surface, Verb};
use failsoft::auth::api::api_key;
use failsoft::domain::permission::Scope;
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::support::app::{Answer, App, with_json};
use crate::support::forms::with_form;
use crate::support::on_both_databases;
use error_dialect::assert_dressed;
use exceptions::EXCEPTIONS;
use matrix::{Foreign, Row, Shape, rows, title};
use victim::Victim;

fn request(app: &App, row: &Row) -> RequestBuilder {
    let request = app.request(row.method.clone(), &row.path);
    match (&row.body, row.form) {
        (serde_json::Value::Null, _) => request,
        (fields, true) => with_form(request, fields),
        (body, false) => with_json(request, body),
    }
}

/// Checks that a missing credential is refused in the dialect's format, whatever the body and the id.
fn assert_unauthenticated(row: &Row, answer: &Answer, how: &str) {
    assert_eq!(answer.status, 401, "{} with {how}: {}", row.title, answer.text());
    assert_dressed(&row.path, answer);
}

#[test]
fn every_exception_is_of_a_route() {
    let routes: BTreeSet<String> = ROUTES.iter().map(title).collect();
    let gone: Vec<_> = EXCEPTIONS.iter().map(|own| own.title).filter(|own| !routes.contains(*own)).collect();
    assert!(gone.is_empty(), "these exceptions are of no route: {gone:?}");
}

on_both_databases! {
    async fn every_route_has_rows_or_is_a_page_of_a_user(app: App) {
        let victim = Victim::create(&app).await;
        let (rows, unbuilt) = matrix::derive(&victim);
        assert!(unbuilt.is_empty(), "these routes have no row:\n{}", unbuilt.join("\n"));
        let covered: BTreeSet<&str> = rows.iter().map(|row| row.title.as_str()).collect();
        for route in ROUTES {
            // The behavior of a public form is tested with its page.
            let form = route.surface == Surface::Page && route.method == Verb::Post;
            let elsewhere = matches!(route.access, Access::ConsoleUser(_)) || form;
            assert!(elsewhere || covered.contains(title(route).as_str()), "{} has no row", title(route));
        }
    }

    async fn a_route_that_cannot_be_called_says_what_it_lacks(app: App) {
        let victim = Victim::create(&app).await;
        let document = json!({"paths": {
            "/v1/model-router/plans": {"get": {}, "post": {"requestBody": {"content": {"application/json": {}}}}},
            "/v1/model-router/plans/{id}": {"delete": {}},
        }});
        for (method, path, lack) in [
            (Verb::Get, "/v1/model-router/plans", "it lists 'plans', and the victim has none"),
            (Verb::Post, "/v1/model-router/plans", "its body has no example"),
            (Verb::Delete, "/v1/model-router/plans/{id}", "the path names one of 'plans', and the victim has none"),
            (Verb::Patch, "/v1/model-router/plans/{id}", "it is not described"),
        ] {
            let access = Access::Scope(Scope::RouterRead);
            let shape = Shape { method, path, access, surface: Surface::Api };
            let refused = shape.row(&document, &victim).expect_err(lack);
            let expected = format!("{} {path}: {lack}", method.as_str());
            assert!(refused.starts_with(&expected), "{refused}");
        }
    }

    async fn every_route_requires_a_valid_key(app: App) {
        let victim = Victim::create(&app).await;
        let fresh = api_key::generate().expect("random bytes").key.expose_secret().to_owned();
        let revoked = victim.revoked_key(&app).await;
        let other = |letter| if letter == 'x' { 'y' } else { 'x' };
        let letters = || app.organization.key.chars();
        let mistyped: String = letters().take(39).chain(letters().skip(39).map(other)).collect();
        let half: String = letters().take(20).collect();
        for row in rows(&victim).iter().filter(|row| matches!(row.access, Access::Key | Access::Scope(_))) {
            assert_unauthenticated(row, &app.send(request(&app, row)).await, "no credential");
            for (how, key) in [
                ("a key that was never issued", fresh.as_str()),
                ("a revoked key", &revoked),
                ("a mistyped key", &mistyped),
                ("half a key", &half),
                ("something else", "sk-123"),
            ] {
                assert_unauthenticated(row, &app.send(request(&app, row).bearer_auth(key)).await, how);
                assert_unauthenticated(row, &app.send(request(&app, row).header("x-api-key", key)).await, how);
            }
            let basic = request(&app, row).basic_auth(&app.organization.key, None::<&str>);
            assert_unauthenticated(row, &app.send(basic).await, "another scheme");
            let two = request(&app, row).bearer_auth(&app.organization.key).header("x-api-key", &fresh);
            assert_unauthenticated(row, &app.send(two).await, "two different keys");
        }
        victim.assert_untouched(&app).await;
    }

    async fn an_expired_key_is_no_key(app: App) {
        let victim = Victim::create(&app).await;
        let end = crate::support::app::beginning() + chrono::TimeDelta::hours(1);
        let key = app.organization.key_like(&Scope::ALL, |new| new.expires_at = Some(end)).await;
        app.clock.advance(std::time::Duration::from_secs(3_600));
        for row in rows(&victim).iter().filter(|row| matches!(row.access, Access::Key | Access::Scope(_))) {
            assert_unauthenticated(row, &app.call(request(&app, row), &key).await, "an expired key");
        }
    }

    async fn every_scope_but_the_right_one_is_not_enough(app: App) {
        let victim = Victim::create(&app).await;
        let mut scoped = 0;
        for row in rows(&victim) {
            let Access::Scope(scope) = row.access else { continue };
            let others: Vec<Scope> = Scope::ALL.into_iter().filter(|other| *other != scope).collect();
            let key = app.organization.key_with(&others).await;
            let answer = app.call(request(&app, &row), &key).await;
            assert_eq!(answer.status, 403, "{}: {}", row.title, answer.text());
            assert_dressed(&row.path, &answer);
            assert!(answer.text().contains(&format!("'{scope}'")), "{}: {}", row.title, answer.text());
            scoped += 1;
        }
        assert!(scoped > 20, "only {scoped} routes have a scope");
        victim.assert_untouched(&app).await;
    }

    async fn another_organization_sees_nothing_and_changes_nothing(app: App) {
        let victim = Victim::create(&app).await;
        let stranger = victim::stranger(&app).await;
        for row in rows(&victim) {
            let answer = app.call(request(&app, &row), &stranger.key).await;
            let expected = match row.foreign {
                Foreign::Absent => vec![404],
                Foreign::Own(status) | Foreign::Refused(status) => vec![status],
            };
            assert!(expected.contains(&answer.status), "{}: {} {}", row.title, answer.status, answer.text());
            if answer.status >= 400 {
                assert_dressed(&row.path, &answer);
            }
            victim.assert_unnamed(&row, &answer);
        }
        victim.assert_untouched(&app).await;
    }

    // The same calls by their owner: otherwise a row with a wrong path would pass, too.
    async fn the_owner_is_answered_with_just_the_scope(app: App) {
        let victim = Victim::create(&app).await;
        for row in rows(&victim) {
            let key = match row.access {
                Access::Scope(scope) => app.organization.key_with(&[scope]).await,
                Access::Key => app.organization.key_with(&[]).await,
                Access::Public | Access::Operator | Access::ConsoleUser(_) => continue,
            };
            let answer = app.call(request(&app, &row), &key).await;
            assert_eq!(answer.status, row.owner, "{}: {}", row.title, answer.text());
            let named = row.shows.iter().all(|name| answer.text().contains(name));
            assert!(named, "{} does not show {:?}: {}", row.title, row.shows, answer.text());
        }
    }

    async fn public_routes_name_no_organization(app: App) {
        let victim = Victim::create(&app).await;
        for row in rows(&victim).iter().filter(|row| row.access == Access::Public) {
            let answer = app.send(request(&app, row)).await;
            assert_eq!(answer.status, row.owner, "{}: {}", row.title, answer.text());
            victim.assert_unnamed(row, &answer);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_are_the_operators_alone() {
    let kind = crate::support::database::Kind::Sqlite;
    let closed = App::start(kind).await;
    let row = "/metrics";
    for key in [None, Some(&closed.organization.key)] {
        let request = closed.request(Method::GET, row);
        let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
        let answer = closed.send(request).await;
        assert_eq!(answer.status, 404, "without a token the route is closed: {}", answer.text());
        assert_dressed(row, &answer);
    }
    let open = App::start_with(kind, |settings| {
        settings.telemetry.metrics_token = Some("metrics-token-of-the-operator".into());
    })
    .await;
    let victim = Victim::create(&open).await;
    for key in ["", "metrics-token-of-the-operato", "metrics-token-of-the-operator2", &open.organization.key]
    {
        let answer = open.call(open.request(Method::GET, row), key).await;
        assert_eq!(answer.status, 401, "{key}: {}", answer.text());
        assert_dressed(row, &answer);
    }
    let answer = open.call(open.request(Method::GET, row), "metrics-token-of-the-operator").await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().ends_with("# EOF\n"), "{}", answer.text());
    let metrics = rows(&victim).into_iter().find(|own| own.path == row).expect("a row");
    victim.assert_unnamed(&metrics, &answer);
}
