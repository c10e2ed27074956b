//! Concurrent edits: the slower user sees who changed what, and keeps what was typed.

use std::time::Duration;

use failsoft::domain::permission::{Role, Scope};

use crate::support::app::App;
use crate::support::browser::{Browser, Page};
use crate::support::on_both_databases;

/// The revision that the page's form was created for.
fn seen(page: &Page) -> String {
    let (_, rest) =
        page.html.split_once(r#"name="seen" value=""#).unwrap_or_else(|| panic!("no form in {}", page.html));
    rest.split('"').next().expect("a value").replace("&#34;", "\"")
}

/// Two owners: the first one's page shows the second one's address.
async fn two(app: &App) -> (Browser, Browser, String) {
    let [one, other] =
        [app.organization.member(Role::Owner).await, app.organization.member(Role::Owner).await];
    (Browser::logged_in(app, &one).await, Browser::logged_in(app, &other).await, other)
}

/// Opens the page with both, saves `theirs` with the second and then `ours` with the first. The latter is refused and
/// shows `expected`. The typed values are kept, and are saved when the form is sent again.
async fn race(app: &App, path: &str, ours: &[(&str, &str)], theirs: &[(&str, &str)], expected: &[&str]) {
    let (slow, fast, name) = two(app).await;
    let page = slow.get(path).await.expect(200);
    let (token, first) = (page.token(), seen(&page));
    let with = |seen: &str, fields: &[(&str, &str)]| {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        [("seen".to_owned(), seen.to_owned())].into_iter().chain(fields.iter().map(own)).collect::<Vec<_>>()
    };
    let send = async |browser: &Browser, token: &str, fields: Vec<(String, String)>| {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.submit_with(token, path, &fields).await
    };
    app.clock.advance(Duration::from_secs(60));
    let other = fast.get(path).await.expect(200);
    send(&fast, &other.token(), with(&seen(&other), theirs)).await.leads_to(path);

    app.clock.advance(Duration::from_secs(60));
    let held = send(&slow, &token, with(&first, ours)).await.expect(409);
    assert!(held.shows(&format!("{name} saved first")), "{}", held.html);
    for text in expected {
        assert!(held.shows(text), "{text}: {}", held.html);
    }
    // Nothing was saved; an invalid form does not bypass the conflict.
    let now = seen(&fast.get(path).await.expect(200));
    assert_ne!(now, first, "{path}");
    assert_eq!(seen(&held), now);
    send(&slow, &held.token(), with(&seen(&held), ours)).await.leads_to(path);
    assert_ne!(seen(&slow.get(path).await.expect(200)), now);
}

on_both_databases! {
    async fn concurrent_edits_of_a_model_are_reported(app: App) {
        let provider = app.organization.provider_at("sim", "simulated", None).await.to_string();
        let id = app.organization.model("smart", provider.parse().expect("an id")).await;
        let path = format!("/models/{id}");
        let ours = [("name", "clever"), ("provider_id", provider.as_str()), ("context_window", "4096"), ("enabled", "on")];
        let theirs = [("name", "wise"), ("provider_id", provider.as_str()), ("enabled", "on")];
        let expected = [
            "<del>smart</del>", "<ins>wise</ins>", r#"value="clever""#, r#"value="4096""#, "Your input is below and was not saved",
        ];
        race(&app, &path, &ours, &theirs, &expected).await;
        assert_eq!(app.model_as_served("clever").settings.context_window, Some(4096));
    }

    async fn concurrent_edits_of_a_provider_are_reported(app: App) {
        let id = app.organization.provider_at("one", "custom", Some("http://127.0.0.1:1/v1")).await;
        let fields = |name: &'static str| [("name", name), ("preset", "custom"), ("base_url", "http://127.0.0.1:1/v1")];
        let expected = ["<del>one</del>", "<ins>theirs</ins>", r#"value="ours""#];
        race(&app, &format!("/providers/{id}"), &fields("ours"), &fields("theirs"), &expected).await;
    }

    async fn concurrent_edits_of_a_key_are_reported(app: App) {
        app.clock.advance(Duration::from_secs(1));
        app.organization.key_like(&[Scope::Inference], |key| key.name = "mobile".to_owned()).await;
        let path = two(&app).await.0.get("/keys").await.link("/keys/0");
        let ours = [("name", "mobile"), ("scopes", "inference"), ("requests_per_minute", "60")];
        let theirs = [("name", "mobile"), ("scopes", "inference"), ("scopes", "router:read")];
        let expected = ["<del>inference</del>", "<ins>inference, router:read</ins>", r#"value="60""#];
        race(&app, &path, &ours, &theirs, &expected).await;
    }

    async fn concurrent_edits_of_the_settings_are_reported(app: App) {
        let fields = |most: &'static str, deadline: &'static str| {
            [("max_fallbacks", most), ("deadline", deadline), ("keepalive", "45"), ("typed_fallbacks", "cascade")]
        };
        let expected = ["<del>600000</del>", "<ins>300000</ins>", r#"value="7""#];
        race(&app, "/settings", &fields("7", "600"), &fields("5", "300"), &expected).await;
    }

    async fn a_refused_form_does_not_forget_what_it_was_made_for(app: App) {
        let provider = app.organization.provider_at("sim", "simulated", None).await.to_string();
        let id = app.organization.model("smart", provider.parse().expect("an id")).await;
        let (path, (slow, fast, _)) = (format!("/models/{id}"), two(&app).await);
        let page = slow.get(&path).await.expect(200);
        app.clock.advance(Duration::from_secs(60));
        let fields = [("name", "wise"), ("provider_id", provider.as_str()), ("enabled", "on")];
        fast.submit(&path, &path, &fields).await.leads_to(&path);
        let first = seen(&page);
        let wrong = [("seen", first.as_str()), ("name", ""), ("provider_id", provider.as_str())];
        let refused = slow.submit_with(&page.token(), &path, &wrong).await.expect(422);
        assert_eq!(seen(&refused), first);
        let mended = [("seen", first.as_str()), ("name", "clever"), ("provider_id", provider.as_str())];
        slow.submit_with(&page.token(), &path, &mended).await.expect(409);
    }
}
