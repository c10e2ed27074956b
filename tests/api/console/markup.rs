//! The markup of every page: links work, names are unique, every field has a label.

use std::collections::BTreeSet;

use failsoft::domain::permission::Role;

use super::errors::assert_page;
use crate::support::app::App;
use crate::support::browser::{Browser, Page};
use crate::support::database::Kind;

/// The values of an attribute anywhere in the page.
fn values(html: &str, attribute: &str) -> Vec<String> {
    let start = format!(" {attribute}=\"");
    html.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect()
}

fn assert_sound(page: &Page, path: &str) {
    assert_page(page);
    assert_eq!(page.answer.header("cache-control"), "no-store", "{path}");
    let ids = values(&page.html, "id");
    let known: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(known.len(), ids.len(), "{path}: an id stands there twice: {ids:?}");
    let mut references = values(&page.html, "for");
    references.extend(
        values(&page.html, "href").iter().filter_map(|link| link.strip_prefix('#')).map(str::to_owned),
    );
    for described in values(&page.html, "aria-describedby") {
        references.extend(described.split_whitespace().map(str::to_owned));
    }
    for reference in references {
        assert!(known.contains(&reference), "{path}: nothing is called {reference}");
    }
    assert_eq!(page.html.matches("<h1").count(), 1, "{path}");
    for control in
        page.html.split(['<']).filter(|tag| tag.starts_with("input ") || tag.starts_with("select "))
    {
        let labelled = control.contains("type=\"hidden\"")
            || control.contains("aria-label=")
            || control.contains(" id=");
        assert!(labelled, "{path}: {control}");
    }
    for form in page.html.split("<form").skip(1) {
        let (head, rest) = form.split_once('>').expect("a tag");
        let posts = head.contains("method=\"post\"");
        assert_eq!(
            posts,
            rest.split("</form>").next().expect("a form").contains("form_token"),
            "{path}: {head}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_sound_and_every_link_on_it_leads_somewhere() {
    let app = App::start(Kind::Sqlite).await;
    let guest = Browser::new(&app);
    for role in Role::ALL {
        let email = app.organization.member(role).await;
        let visitor = Browser::logged_in(&app, &email).await;
        if role == Role::Owner {
            visitor
                .submit("/members", "/members/invite", &[("email", "x@y.z"), ("role", "member")])
                .await
                .expect(200);
        }
        let mut seen = BTreeSet::new();
        let mut open = vec!["/".to_owned()];
        while let Some(path) = open.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let page = visitor.get(&path).await.expect(200);
            if path.starts_with("/static/")
                || path.starts_with("/docs")
                || path.ends_with(".json")
                || path.ends_with(".txt")
                || path.contains(".csv")
            {
                continue;
            }
            assert_sound(&page, &path);
            open.extend(values(&page.html, "href").into_iter().filter(|link| link.starts_with('/')));
        }
        assert!(seen.contains("/members") && seen.contains("/account"), "{seen:?}");
        assert_eq!(seen.iter().any(|path| path.ends_with("/remove")), role == Role::Owner, "{seen:?}");
    }
    for path in ["/login", "/signup"] {
        assert_sound(&guest.get(path).await.expect(200), path);
        assert_sound(&guest.submit(path, path, &[]).await.expect(422), path);
    }
}

/// Checks that the fields in the summary appear in the page in the same order.
fn assert_in_order(page: &Page, expected: &[&str]) {
    let (_, rest) =
        page.html.split_once(r#"id="problems""#).unwrap_or_else(|| panic!("no summary in {}", page.html));
    let (summary, form) = rest.split_once("</ul>").expect("a list");
    let named: Vec<String> =
        values(summary, "href").iter().map(|link| link.trim_start_matches('#').to_owned()).collect();
    assert_eq!(named, expected, "{summary}");
    let ids = values(form, "id");
    let places: Vec<Option<usize>> =
        named.iter().map(|field| ids.iter().position(|id| id == field)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{named:?}: {places:?}");
}

#[tokio::test]
async fn a_summary_of_problems_follows_the_form() {
    let app = App::start(Kind::Sqlite).await;
    let owner = Browser::logged_in(&app, &app.organization.member(Role::Owner).await).await;
    let send = async |path: &str, fields: &[(&str, &str)]| {
        let page = owner.get(path).await.expect(200);
        let once = page
            .html
            .split_once(r#"name="once" value=""#)
            .map(|(_, rest)| rest.split('"').next().expect("a value"));
        let once = once.map(|once| ("once", once));
        let fields: Vec<(&str, &str)> = once.into_iter().chain(fields.iter().copied()).collect();
        owner.submit_with(&page.token(), path, &fields).await.expect(422)
    };
    let wrong = [
        ("context_window", "x"),
        ("max_output_tokens", "x"),
        ("input", "x"),
        ("output", "x"),
        ("reasoning_price", "x"),
        ("cache_read", "x"),
        ("cache_write", "x"),
        ("cache_write_1h", "x"),
        ("audio_input", "x"),
        ("audio_output", "x"),
        ("long_above", "x"),
        ("long_input", "x"),
        ("long_reasoning", "x"),
        ("long_cache_write_1h", "x"),
        ("first_frame_timeout", "x"),
        ("answer_timeout", "x"),
        ("num_retries", "x"),
        ("rules", "own"),
        ("rename", "x"),
    ];
    let page = send("/models/new", &wrong).await;
    let fields = [
        "name",
        "provider_id",
        "context_window",
        "max_output_tokens",
        "input",
        "output",
        "reasoning_price",
        "cache_read",
        "cache_write",
        "cache_write_1h",
        "audio_input",
        "audio_output",
        "long_above",
        "long_input",
        "long_reasoning",
        "long_cache_write_1h",
        "first_frame_timeout",
        "answer_timeout",
        "num_retries",
        "rename",
    ];
    assert_in_order(&page, &fields);
    let limits = [
        "requests_per_minute",
        "requests_per_day",
        "tokens_per_minute",
        "tokens_per_day",
        "concurrent_requests",
    ];
    let wrong_limits = limits.map(|limit| (limit, "x"));
    let wrong = [&wrong_limits[..], &[("expires_at", "x"), ("which", "some")]].concat();
    let fields = [&["name", "scopes", "models"][..], &limits, &["expires_at"]].concat();
    assert_in_order(&send("/keys/new", &wrong).await, &fields);
    let page =
        send("/providers/new", &[("preset", "custom"), ("base_url", "nonsense"), ("credential", "a b")])
            .await;
    assert!(page.shows(r##"href="#name""##), "{}", page.html);
    assert_in_order(&page, &["name", "base_url", "credential"]);
    let fields = ["max_fallbacks", "deadline", "keepalive", "typed_fallbacks"];
    let wrong = [&fields.map(|field| (field, "x"))[..], &wrong_limits].concat();
    assert_in_order(&send("/settings", &wrong).await, &[&fields[..], &limits].concat());
    let guest = Browser::new(&app);
    let page = guest.submit("/signup", "/signup", &[]).await.expect(422);
    assert_in_order(&page, &["organization", "email", "password"]);
}
