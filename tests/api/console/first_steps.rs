//! `/start`, `/fallbacks/{id}/try` and `/playground`: requests sent from a page.

use failsoft::domain::fallback_type::FallbackType::{ContextWindow, General};
use failsoft::domain::permission::Role;
use serde_json::json;

use crate::support::app::{App, with_json};
use crate::support::browser::{Browser, Page};
use crate::support::on_both_databases;

/// Models of the simulated provider: each name with its behavior. Returns the path of the first one's editor.
async fn simulated(app: &App, models: &[(&str, &str)]) -> String {
    let provider = app.organization.provider_at("simulated", "simulated", None).await;
    let mut first = String::new();
    for (name, upstream) in models {
        let id = app
            .organization
            .model_like(name, provider, |model| (*upstream).clone_into(&mut model.upstream_model))
            .await;
        if first.is_empty() {
            first = format!("/fallbacks/{id}");
        }
    }
    first
}

async fn admin(app: &App) -> Browser {
    Browser::logged_in(app, &app.organization.member(Role::Admin).await).await
}

/// The key on the page, and the command that uses it.
fn key(page: &Page) -> String {
    let (_, rest) = page.html.split_once("<code>fsk_").unwrap_or_else(|| panic!("no key in {}", page.html));
    format!("fsk_{}", rest.split('<').next().expect("a key"))
}

/// The hidden field that lets the form create only one key.
fn once(page: &Page) -> String {
    let (_, rest) = page.html.split_once(r#"name="once" value=""#).expect("a form for a key");
    rest.split('"').next().expect("a value").to_owned()
}

async fn make_key(browser: &Browser) -> Page {
    let page = browser.get("/start").await.expect(200);
    browser.submit_with(&page.token(), "/start/key", &[("once", once(&page).as_str())]).await
}

on_both_databases! {
    async fn a_newcomer_sees_a_failover_after_one_click(app: App) {
        // Signing up is the first click, and leads to the first steps.
        let newcomer = Browser::owner(&app, "newcomer").await;
        let page = newcomer.get("/start").await.expect(200);
        assert!(page.shows("0 of 4 done") && page.shows("Send a test request") && page.shows("Create a key"), "{}", page.html);
        let page = newcomer.submit("/start", "/start/request", &[]).await.expect(200);
        for part in ["smart answered 503", "steady answered in", "smart → steady: overloaded", "2 of 4 done"] {
            assert!(page.shows(part), "{part}: {}", page.html);
        }
        let event = page.link("/events/0");
        assert!(newcomer.get(&event).await.expect(200).shows("steady"));
        assert!(newcomer.get("/requests").await.expect(200).shows("smart"), "it is an ordinary request");

        // Again, with the existing resources.
        newcomer.submit("/start", "/start/request", &[]).await.expect(200);
        assert!(newcomer.get("/fallbacks").await.expect(200).shows("General fallbacks of smart"));

        let page = make_key(&newcomer).await.expect(200);
        let key = key(&page);
        assert!(page.shows(&format!("Authorization: Bearer {key}")) && page.shows("3 of 4 done"), "{}", page.html);
        let body = json!({"model": "smart", "messages": [{"role": "user", "content": "Are you there?"}]});
        let call = with_json(app.request(reqwest::Method::POST, "/v1/chat/completions"), &body);
        let answer = app.call(call, &key).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "steady"), "{}", answer.text());
        assert!(!newcomer.get("/start").await.expect(200).shows(&key), "a key is shown only once");
    }

    async fn a_first_key_works_with_the_command_beside_it(app: App) {
        let newcomer = Browser::owner(&app, "newcomer").await;
        let page = make_key(&newcomer).await.expect(200);
        let (_, body) = page.html.split_once("-d &#39;").unwrap_or_else(|| panic!("no command in {}", page.html));
        let body = body.split("&#39;").next().expect("a body").replace("&#34;", "\"");
        let body: serde_json::Value = serde_json::from_str(&body).expect(&body);
        let call = with_json(app.request(reqwest::Method::POST, "/v1/chat/completions"), &body);
        let answer = app.call(call, &key(&page)).await;
        assert_eq!((answer.status, answer.header("x-failsoft-model")), (200, "steady"), "{}", answer.text());
    }

    async fn simulated_models_take_no_name_that_is_taken(app: App) {
        simulated(&app, &[("smart", "sim/steady")]).await;
        let admin = admin(&app).await;
        let page = admin.submit("/start", "/start/request", &[]).await.expect(200);
        assert!(page.shows("demo/smart answered 503") && page.shows("demo/steady answered in"), "{}", page.html);
        let models = app.get("/v1/model-router/models?limit=50").await.json();
        assert_eq!(models["items"].as_array().expect("a list").len(), 3);
    }

    async fn a_drill_proves_each_list_and_counts_in_no_figure(app: App) {
        let models = [("first", "sim/steady"), ("second", "sim/steady"), ("third", "sim/steady")];
        let path = simulated(&app, &models).await;
        app.organization.fallback("first", General, &["second", "third"]).await;
        app.organization.fallback("first", ContextWindow, &["third"]).await;
        let admin = admin(&app).await;
        let drill = format!("{path}/try");
        let page = admin.get(&drill).await.expect(200);
        assert!(page.shows("fails: Unavailable") && page.shows(r#"value="third""#), "{}", page.html);
        let asked = |fails: [&'static str; 3]| [
            ("prompt", "Hello"), ("step", "first"), ("fails", fails[0]), ("step", "second"), ("fails", fails[1]),
            ("step", "third"), ("fails", fails[2]),
        ];
        for (fails, served, rail) in [
            (["", "", ""], "first", &["first answered in"][..]),
            (["timeout", "", ""], "second", &["first failed on purpose (a drill: timed out)", "second answered in"]),
            (["timeout", "rate_limited", ""], "third", &["second failed on purpose (a drill: rate limited)", "third answered in"]),
            (["context_window_exceeded", "", ""], "third", &["first failed on purpose (a drill: prompt too long)", "on purpose (drill)", "third answered in"]),
        ] {
            let page = admin.submit(&drill, &drill, &asked(fails)).await.expect(200);
            assert!(page.shows(&format!("{served} answered · ")), "{fails:?}: {}", page.html);
            for part in rail {
                assert!(page.shows(part), "{part}: {}", page.html);
            }
            assert_eq!(page.shows("/events/0"), !fails[0].is_empty(), "{}", page.html);
        }
        let page = admin.submit(&drill, &drill, &asked(["timeout", "timeout", "timeout"])).await.expect(200);
        assert!(page.shows("No model answered") && page.shows("No model left"), "{}", page.html);

        let event = admin.get(&page.link("/events/0")).await.expect(200);
        for part in ["first failed on purpose", "none: it failed on purpose", "Why it failed"] {
            assert!(event.shows(part), "{part}: {}", event.html);
        }

        let requests = app.requests(5).await;
        let origins: Vec<&str> = requests.iter().map(|request| request["origin"].as_str().expect("a word")).collect();
        assert_eq!(origins, ["live", "drill", "drill", "drill", "drill"]);
        assert!(requests.iter().all(|request| request["api_key_id"].is_null()), "{requests:?}");
        assert!(app.events().await.iter().all(|event| event["origin"] == "drill"));

        let page = admin.submit(&drill, &drill, &[("prompt", " "), ("step", "first"), ("fails", "timeout")]).await.expect(422);
        assert!(page.shows("Enter a prompt") && page.shows(r#"value="timeout" selected"#), "{}", page.html);
    }

    async fn the_playground_asks_and_gives_the_code(app: App) {
        simulated(&app, &[("down", "sim/error-500"), ("up", "sim/steady")]).await;
        let admin = admin(&app).await;
        let page = admin.get("/playground?model=up").await.expect(200);
        assert!(page.shows(r#"value="up" selected"#) && page.shows(&app.url("/v1/chat/completions")), "{}", page.html);
        let prompt = "What's <b>this</b>?";
        let page = admin.submit("/playground", "/playground", &[("model", "up"), ("prompt", prompt)]).await.expect(200);
        assert!(page.shows("up answered · ") && page.shows("up answered in"), "{}", page.html);
        for part in ["from openai import OpenAI", "import OpenAI from", "<b>this"] {
            assert_eq!(page.shows(part), part != "<b>this", "{part}: {}", page.html);
        }
        let page = admin.submit("/playground", "/playground", &[("model", "down"), ("prompt", prompt)]).await.expect(200);
        assert!(page.shows("No model answered. The caller would get"), "{}", page.html);
        for (fields, said) in [
            ([("model", "nobody"), ("prompt", "Hello")], "There is no such model"),
            ([("model", "up"), ("prompt", "")], "Enter a prompt"),
        ] {
            let page = admin.submit("/playground", "/playground", &fields).await.expect(422);
            assert!(page.shows(said), "{said}: {}", page.html);
        }
        assert_eq!(app.requests(2).await.len(), 2, "what is refused is not asked");
    }

    async fn another_organizations_models_are_not_asked(app: App) {
        let path = simulated(&app, &[("first", "sim/steady")]).await;
        let other = Browser::owner(&app, "other").await;
        other.get(&format!("{path}/try")).await.expect(404);
        let token = other.get("/start").await.expect(200).token();
        other.submit_with(&token, &format!("{path}/try"), &[("prompt", "Hello")]).await.expect(404);
        let asked = [("model", "first"), ("prompt", "Hello")];
        other.submit_with(&token, "/playground", &asked).await.expect(422);
        assert!(app.requests(0).await.is_empty());
    }

    async fn a_first_key_that_is_sent_twice_is_one_key(app: App) {
        let newcomer = Browser::owner(&app, "newcomer").await;
        let page = newcomer.get("/start").await.expect(200);
        let (token, once) = (page.token(), once(&page));
        let fields = [("once", once.as_str())];
        let secret = key(&newcomer.submit_with(&token, "/start/key", &fields).await.expect(200));
        newcomer.submit_with(&token, "/start/key", &fields).await.leads_to("/start");
        let again = newcomer.get("/start").await.expect(200);
        assert!(again.shows("already created its key") && again.shows("There is one key.") && !again.shows(&secret), "{}", again.html);
        for wrong in ["", "x", "01920000-0000-7000-8000-000000000000.x"] {
            newcomer.submit_with(&token, "/start/key", &[("once", wrong)]).await.expect(403);
        }
        assert_eq!(newcomer.get("/keys").await.html.matches("First key").count(), 1);
    }
}
