//! `/settings`, `/audit` and `/docs`.

use std::time::Duration;

use crate::support::app::App;
use crate::support::browser::Browser;
use crate::support::on_both_databases;
use failsoft::domain::permission::Role;
use serde_json::json;

async fn owner(app: &App) -> Browser {
    Browser::logged_in(app, &app.organization.member(Role::Owner).await).await
}

on_both_databases! {
    async fn settings_are_in_force_at_once_and_in_the_audit(app: App) {
        let browser = owner(&app).await;
        let provider = app.organization.provider_at("sim", "simulated", None).await;
        app.organization.model_like("broken", provider, |model| model.upstream_model = "sim/error-500".to_owned()).await;
        app.organization.model_like("steady", provider, |model| model.upstream_model = "sim/steady".to_owned()).await;
        app.post("/fallback", &json!({"model": "broken", "fallback_models": ["steady"]})).await;
        assert_eq!(app.chat(&json!({"model": "broken"})).await.status, 200);
        let page = browser.get("/settings").await.expect(200);
        assert!(page.shows("value=\"5\"") && page.shows("value=\"600\"") && page.shows("value=\"45\""), "{}", page.html);

        let fields = [
            ("max_fallbacks", "0"), ("deadline", "1.5"), ("keepalive", "0"), ("typed_fallbacks", "strict"),
            ("unpriced_models", "allow"), ("requests_per_day", "5,000"),
        ];
        app.clock.advance(Duration::from_secs(1));
        browser.submit("/settings", "/settings", &fields).await.leads_to("/settings");
        assert_ne!(app.chat(&json!({"model": "broken"})).await.status, 200, "no fallback may be called");
        let page = browser.get("/settings").await;
        assert!(page.shows("in effect now") && page.shows("value=\"1.5\"") && page.shows("value=\"strict\" selected"), "{}", page.html);
        assert!(page.shows("value=\"allow\" selected") && page.shows("value=\"5000\""), "{}", page.html);
        browser.submit("/settings", "/settings", &fields).await.leads_to("/settings");
        assert!(browser.get("/settings").await.shows("Nothing was changed."));

        let audit = browser.get("/audit?kind=organization").await.expect(200);
        for text in ["Organization settings changed: <a", "<del>5</del>", "<ins>0</ins>", "<del>cascade</del>", "<ins>strict</ins>", "<ins>1500</ins>", "<ins>allow</ins>"] {
            assert!(audit.shows(text), "{text}: {}", audit.html);
        }
        assert_eq!(audit.html.matches("settings changed:").count(), 1, "what changed nothing leaves no entry");
        // An empty field gets its default.
        browser.submit("/settings", "/settings", &[]).await.leads_to("/settings");
        assert_eq!(app.chat(&json!({"model": "broken"})).await.status, 200);
    }

    async fn refused_settings_say_why_and_change_nothing(app: App) {
        let browser = owner(&app).await;
        let fields = [("max_fallbacks", "33"), ("deadline", "0.5"), ("keepalive", "-1"), ("typed_fallbacks", "x")];
        let page = browser.submit("/settings", "/settings", &fields).await.expect(422);
        for text in [
            "The number of fallbacks must be a whole number from 0 to 32", "The deadline must be a number from 1 to 3,600",
            "The waiting time must be a number from 0 to 600", "Choose one of the two", "value=\"33\"", "href=\"#deadline\"",
        ] {
            assert!(page.shows(text), "{text}: {}", page.html);
        }
        assert!(browser.get("/settings").await.shows("value=\"5\""));
        let member = Browser::logged_in(&app, &app.organization.member(Role::Member).await).await;
        let page = member.get("/settings").await.expect(200);
        assert!(page.shows("600 seconds") && !page.shows("Save</button>"), "{}", page.html);
        member.submit("/settings", "/settings", &[("max_fallbacks", "1")]).await.expect(403);
    }

    async fn the_audit_shows_who_changed_what_and_no_secret(app: App) {
        let browser = owner(&app).await;
        app.clock.advance(Duration::from_secs(1));
        let fields = [("name", "eu"), ("preset", "custom"), ("base_url", "https://eu.example.com/v1"), ("credential", "sk-upstream-secret-0001")];
        let path = browser.submit("/providers/new", "/providers/new", &fields).await.location;
        app.clock.advance(Duration::from_secs(1));
        let moved = [("name", "eu <2>"), ("preset", "custom"), ("base_url", "https://us.example.com/v1"), ("credential", "sk-upstream-secret-0002")];
        browser.submit(&path, &path, &moved).await.leads_to(&path);
        let audit = browser.get("/audit").await.expect(200);
        for text in [
            "Provider changed", "Provider added", "<del>https://eu.example.com/v1</del>", "<ins>https://us.example.com/v1</ins>",
            "<ins>eu &#60;2&#62;</ins>", "<del>0001</del>", "<ins>0002</ins>", "owner-",
        ] {
            assert!(audit.shows(text), "{text}: {}", audit.html);
        }
        assert!(!audit.shows("sk-upstream"), "{}", audit.html);
        assert!(audit.html.find("Provider changed") < audit.html.find("Provider added"), "newest first");

        let key = browser.get("/audit?kind=provider&name=eu").await.expect(200);
        assert_eq!((key.html.matches("Provider added").count(), key.html.matches("Provider changed").count()), (1, 0));
        let note = browser.get("/audit?kind=nonsense&actor=nobody").await.expect(200);
        assert!(note.shows("cannot be") && note.shows("No change matches these filters"), "{}", note.html);
        app.post("/v1/model-router/providers", &json!({"name": "sim", "preset": "simulated"})).await;
        let by_key = browser.get("/audit?actor=test+key").await.expect(200);
        assert!(by_key.shows(">sim</a>") && by_key.shows("(key)") && !by_key.shows("Provider changed"), "{}", by_key.html);
        let stranger = Browser::owner(&app, "other").await;
        assert!(!stranger.get("/audit").await.expect(200).shows("eu.example.com"));
        let member = Browser::logged_in(&app, &app.organization.member(Role::Member).await).await;
        member.get("/audit").await.expect(403);
    }

    async fn the_audit_is_leafed_through_in_both_directions(app: App) {
        let browser = owner(&app).await;
        for number in 0..60 {
            app.clock.advance(Duration::from_secs(1));
            app.organization.provider_at(&format!("p{number:02}"), "simulated", None).await;
        }
        let first = browser.get("/audit?kind=provider").await.expect(200);
        assert!(first.shows(">p59</a>") && first.shows(">p10</a>") && !first.shows(">p09</a>"), "{}", first.html);
        let older = first.link("/audit?kind=provider&#38;older=").replace("&#38;", "&");
        let second = browser.get(&older).await.expect(200);
        assert!(second.shows(">p09</a>") && !second.shows(">p10</a>"), "{}", second.html);
        let newer = second.link("/audit?kind=provider&#38;newer=").replace("&#38;", "&");
        assert!(browser.get(&newer).await.expect(200).shows(">p59</a>"));
        // The catalog's lists have pages, too; a cursor of another list is invalid.
        let list = browser.get("/providers").await.expect(200);
        let older = list.link("/providers?older=");
        assert!(browser.get(&older).await.expect(200).shows(">p09</a>"));
        let foreign = browser.get(&older.replace("/providers", "/models")).await.expect(200);
        assert!(foreign.shows("That page does not exist in this list"), "{}", foreign.html);
    }

    async fn the_quick_start_is_for_all_roles_and_names_this_server(app: App) {
        let stranger = Browser::new(&app);
        let page = stranger.get("/docs").await.expect(200);
        for text in [app.url("/v1"), "Fallback event".to_owned(), "/docs/api".to_owned(), "from openai import OpenAI".to_owned()] {
            assert!(page.shows(&text), "{text}: {}", page.html);
        }
        assert!(!page.shows("Log out"));
        assert!(owner(&app).await.get("/docs").await.expect(200).shows("Log out"));
    }

    async fn users_without_permission_see_who_can_do_the_steps(app: App) {
        let owner = app.organization.member(Role::Owner).await;
        let admin = app.organization.member(Role::Admin).await;
        let other = Browser::owner(&app, "elsewhere").await;
        let links = [r#"href="/providers/new""#, r#"href="/models/new""#, r#"href="/keys/new""#];
        let member = Browser::logged_in(&app, &app.organization.member(Role::Member).await).await;
        let page = member.get("/docs").await.expect(200);
        assert!(page.shows("Add a provider") && links.iter().all(|link| !page.shows(link)), "{}", page.html);
        for email in [&owner, &admin] {
            assert!(page.shows(&format!("mailto:{email}")), "{email}: {}", page.html);
        }
        assert!(!page.shows("elsewhere@example.com"), "{}", page.html);
        let able = Browser::logged_in(&app, &admin).await.get("/docs").await.expect(200);
        let stranger = Browser::new(&app).get("/docs").await.expect(200);
        for page in [able, stranger, other.get("/docs").await.expect(200)] {
            assert!(links.iter().all(|link| page.shows(link)) && !page.shows("mailto:"), "{}", page.html);
        }
    }
}
