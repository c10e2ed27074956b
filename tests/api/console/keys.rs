//! `/keys`: created, shown once, revoked in a browser.

use std::time::Duration;

use crate::support::app::{App, chat_body, with_json};
use crate::support::browser::{Browser, Page};
use crate::support::on_both_databases;
use failsoft::domain::permission::{Role, Scope};
use reqwest::Method;
use serde_json::json;

async fn owner(app: &App) -> Browser {
    Browser::logged_in(app, &app.organization.member(Role::Owner).await).await
}

/// The hidden field that lets a form create only one resource.
fn once(page: &Page) -> String {
    let (_, rest) = page.html.split_once(r#"name="once" value=""#).expect("a form for a key");
    rest.split('"').next().expect("a value").to_owned()
}

/// The key that a page shows.
fn key(page: &Page) -> String {
    page.link("fsk_")
}

async fn works(app: &App, key: &str) -> u16 {
    app.call(app.request(Method::GET, "/v1/identity/whoami"), key).await.status
}

on_both_databases! {
    async fn a_key_is_shown_once_and_a_form_makes_one(app: App) {
        let browser = owner(&app).await;
        let provider = app.organization.provider_at("sim", "simulated", None).await;
        app.organization.model("smart", provider).await;
        app.organization.model("other", provider).await;
        let form = browser.get("/keys/new").await.expect(200);
        let (token, once) = (form.token(), once(&form));
        let fields = [
            ("once", once.as_str()), ("name", "app <1>"), ("scopes", "inference"), ("scopes", "router:read"), ("which", "some"),
            ("models", "smart"), ("requests_per_minute", "1,000"), ("concurrent_requests", ""), ("expires_at", "2030-01-31T12:00"),
            ("tokens_per_day", "2,000,000"),
        ];
        let made = browser.submit_with(&token, "/keys/new", &fields).await.expect(200);
        let secret = key(&made);
        assert_eq!((secret.len(), works(&app, &secret).await), (40, 200));
        assert!(made.shows("never shown again") && made.shows("app &#60;1&#62; is created"), "{}", made.html);
        assert!(made.shows(&app.url("/v1/chat/completions")) && made.shows("smart"), "{}", made.html);
        assert_eq!(made.answer.header("cache-control"), "no-store");

        let again = browser.submit_with(&token, "/keys/new", &fields).await.leads_to("/keys");
        assert!(!again.html.contains("fsk_"));
        let list = browser.get("/keys").await.expect(200);
        assert!(list.shows("already created its key") && !list.shows(&secret), "{}", list.html);
        assert_eq!(list.html.matches("app &#60;1&#62;").count(), 1, "{}", list.html);
        let shape = format!("{}…{}", &secret[..8], &secret[36..]);
        for text in [shape.as_str(), "inference, router:read", "1,000 a minute", "2,000,000 tokens a day", "Jan 31", "Works", ">smart<"] {
            assert!(list.shows(text), "{text}: {}", list.html);
        }
    }

    async fn a_form_makes_only_the_key_that_it_was_given_for(app: App) {
        let browser = owner(&app).await;
        let form = browser.get("/keys/new").await;
        let (token, mine) = (form.token(), once(&form));
        let other = once(&owner(&app).await.get("/keys/new").await);
        let own_id = format!("01920000-0000-7000-8000-000000000000.{}", mine.split_once('.').expect("a signature").1);
        for wrong in ["", "x", &other, &own_id, &mine[1..]] {
            let fields = [("once", wrong), ("name", "a"), ("scopes", "inference")];
            let page = browser.submit_with(&token, "/keys/new", &fields).await.expect(403);
            assert!(page.shows("nothing was changed"), "{wrong}: {}", page.html);
        }
        // A form refused for its fields can be sent again with the same token.
        let page = browser.submit_with(&token, "/keys/new", &[("once", &mine), ("name", "")]).await.expect(422);
        assert_eq!(once(&page), mine);
        let fields = [("once", mine.as_str()), ("name", "a"), ("scopes", "inference")];
        browser.submit_with(&token, "/keys/new", &fields).await.expect(200);
    }

    async fn a_refused_key_says_why_and_keeps_what_was_typed(app: App) {
        let browser = owner(&app).await;
        let form = browser.get("/keys/new").await;
        let (token, once) = (form.token(), once(&form));
        let fields = [
            ("once", once.as_str()), ("name", " "), ("which", "some"), ("scopes", "all"), ("requests_per_minute", "0"),
            ("concurrent_requests", "x"), ("expires_at", "2001-01-01T00:00"),
        ];
        let page = browser.submit_with(&token, "/keys/new", &fields).await.expect(422);
        for text in [
            "The name must be 1 to 100", "at least one scope", "at least one model",
            "The requests per minute must be a whole number from 1", "The requests at once must be", "must be in the future",
            "value=\"2001-01-01T00:00\"", "value=\"some\" checked", "href=\"#scopes\"",
        ] {
            assert!(page.shows(text), "{text}: {}", page.html);
        }
        let fields = [("once", once.as_str()), ("name", "a"), ("scopes", "inference"), ("which", "some"), ("models", "nobody")];
        let page = browser.submit_with(&token, "/keys/new", &fields).await.expect(422);
        assert!(page.shows("is called &#39;nobody&#39;"), "{}", page.html);
    }

    async fn a_revoked_key_is_refused_at_once_and_stays_in_the_list(app: App) {
        let browser = owner(&app).await;
        let form = browser.get("/keys/new").await;
        let fields = [("once", once(&form)), ("name", "batch".to_owned()), ("scopes", "inference".to_owned())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let secret = key(&browser.submit_with(&form.token(), "/keys/new", &fields).await);
        assert_eq!(works(&app, &secret).await, 200);
        // The newest key is the first of the list.
        let path = browser.get("/keys").await.link("/keys/0");
        let page = browser.get(&path).await.expect(200);
        assert!(page.shows("<h1>batch</h1>") && !page.shows("<dt>Last used</dt><dd>never"), "{}", page.html);
        let revoke = format!("{path}/revoke");
        let page = browser.get(&revoke).await.expect(200);
        assert!(page.shows("No requests were made with it in the last 24 hours.") && page.shows("cannot be undone"), "{}", page.html);
        assert_eq!(works(&app, &secret).await, 200, "a page by itself does nothing");
        browser.submit(&revoke, &revoke, &[]).await.leads_to("/keys");
        assert_eq!(works(&app, &secret).await, 401);
        let list = browser.get("/keys").await.expect(200);
        assert!(list.shows("batch was revoked. It is rejected from now on.") && list.shows("Revoked"), "{}", list.html);
        assert!(browser.get(&revoke).await.shows("already revoked"));
    }

    async fn a_member_sees_keys_and_makes_none_and_others_see_nothing(app: App) {
        app.clock.advance(Duration::from_secs(1));
        app.organization.key_like(&[failsoft::domain::permission::Scope::Inference], |key| key.name = "ours".to_owned()).await;
        let member = Browser::logged_in(&app, &app.organization.member(Role::Member).await).await;
        let list = member.get("/keys").await.expect(200);
        assert!(list.shows("ours") && !list.shows("/keys/new"), "{}", list.html);
        let path = list.link("/keys/0");
        assert!(!member.get(&path).await.expect(200).shows("Revoke"));
        let stranger = Browser::owner(&app, "other").await;
        assert!(!stranger.get("/keys").await.expect(200).shows("ours"));
        let token = stranger.get("/").await.token();
        stranger.get(&path).await.expect(404);
        stranger.get(&format!("{path}/revoke")).await.expect(404);
        stranger.submit_with(&token, &format!("{path}/revoke"), &[]).await.expect(404);
        assert!(member.get(&path).await.shows("Works"));
    }

    async fn a_key_is_changed_in_force_at_once_and_its_secret_stays(app: App) {
        app.clock.advance(Duration::from_secs(1));
        let provider = app.organization.provider_at("simulated", "simulated", None).await;
        for name in ["one", "two"] {
            app.organization.model_like(name, provider, |model| "sim/steady".clone_into(&mut model.upstream_model)).await;
        }
        let secret = app.organization.key_like(&[Scope::Inference], |key| key.name = "mobile".to_owned()).await;
        let browser = owner(&app).await;
        let path = browser.get("/keys").await.link("/keys/0");
        let form = browser.get(&path).await.expect(200);
        assert!(form.shows(r#"value="mobile""#) && form.shows(r#"value="inference" checked"#), "{}", form.html);
        assert!(!form.shows(&secret), "the secret is shown once");
        app.clock.advance(Duration::from_secs(1));
        let fields = [
            ("name", "mobile app"), ("scopes", "inference"), ("scopes", "router:read"), ("which", "some"), ("models", "two"),
            ("requests_per_minute", "60"), ("concurrent_requests", ""), ("expires_at", "2030-01-31T12:00"),
        ];
        browser.submit(&path, &path, &fields).await.leads_to(&path);
        let page = browser.get(&path).await.expect(200);
        for text in ["mobile app was saved. The change is in effect now.", "60 a minute", "inference, router:read", r#"value="2030-01-31T12:00""#] {
            assert!(page.shows(text), "{text}: {}", page.html);
        }
        let ask = async |model: &str| {
            let request = app.request(Method::POST, "/v1/chat/completions");
            app.call(with_json(request, &chat_body(&json!({"model": model}))), &secret).await.status
        };
        assert_eq!((ask("two").await, ask("one").await), (200, 403));

        // Unchanged fields are not validated again: the expiry may have passed, and a model may have been deleted.
        app.clock.advance(Duration::from_secs(86_400 * 3_000));
        let browser = owner(&app).await;
        let kept = [&[("name", "old app")][..], &fields[1..]].concat();
        browser.submit(&path, &path, &kept).await.leads_to(&path);
        let late = [&kept[..7], &[("expires_at", "2030-01-31T12:01")]].concat();
        let refused = browser.submit(&path, &path, &late).await.expect(422);
        assert!(refused.shows("must be in the future") && refused.shows("2030-01-31T12:01"), "{}", refused.html);
        for (wrong, said) in [(("name", ""), "The name must be"), (("requests_per_minute", "0"), "must be a whole number from 1")] {
            let fields = [&[wrong][..], &[("name", "x"), ("scopes", "inference")][usize::from(wrong.0 == "name")..]].concat();
            let refused = browser.submit(&path, &path, &fields).await.expect(422);
            assert!(refused.shows(said), "{said}: {}", refused.html);
        }
        let unknown = [("name", "x"), ("scopes", "inference"), ("which", "some"), ("models", "nobody")];
        assert!(browser.submit(&path, &path, &unknown).await.expect(422).shows("is called &#39;nobody&#39;"));

        let audit = browser.get("/audit?kind=api_key&name=mobile+app").await.expect(200);
        for text in ["<del>mobile</del>", "<ins>mobile app</ins>"] {
            assert!(audit.shows(text), "{text}: {}", audit.html);
        }
    }

    async fn keys_change_only_with_permission_and_revoked_ones_stay(app: App) {
        app.clock.advance(Duration::from_secs(1));
        app.organization.key_like(&[Scope::Inference], |key| key.name = "ours".to_owned()).await;
        let member = Browser::logged_in(&app, &app.organization.member(Role::Member).await).await;
        let path = member.get("/keys").await.link("/keys/0");
        let page = member.get(&path).await.expect(200);
        assert!(!page.shows("Save") && !page.shows(&format!("action=\"{path}\"")), "{}", page.html);
        let fields = [("name", "theirs"), ("scopes", "inference")];
        member.submit_with(&page.token(), &path, &fields).await.expect(403);
        let browser = owner(&app).await;
        let token = browser.get(&path).await.token();
        browser.submit(&format!("{path}/revoke"), &format!("{path}/revoke"), &[]).await.leads_to("/keys");
        assert!(!browser.get(&path).await.expect(200).shows("Save"));
        assert!(browser.submit_with(&token, &path, &fields).await.expect(409).shows("is revoked"));
        assert!(member.get(&path).await.shows("<h1>ours</h1>"));
    }
}
