//! `/models`: added, filled in, changed and deleted in a browser.

use std::time::Duration;

use crate::support::app::App;
use crate::support::browser::Browser;
use crate::support::on_both_databases;
use failsoft::domain::permission::{Role, Scope};
use serde_json::json;

async fn owner(app: &App) -> Browser {
    Browser::logged_in(app, &app.organization.member(Role::Owner).await).await
}

on_both_databases! {
    async fn a_model_is_added_filled_in_and_answers_at_once(app: App) {
        let browser = owner(&app).await;
        let page = browser.get("/models").await.expect(200);
        assert!(page.shows("No models yet") && page.shows("/providers/new"), "a provider is needed first");
        let provider = app.organization.provider_at("sim", "simulated", None).await.to_string();
        assert!(browser.get("/models").await.shows("href=\"/models/new\""));

        let form = browser.get(&format!("/models/new?provider={provider}&upstream=sim/steady")).await.expect(200);
        assert!(form.shows("value=\"sim/steady\"") && form.shows(&format!("value=\"{provider}\" selected")), "{}", form.html);
        let fields = [
            ("name", "smart"), ("provider_id", &provider), ("upstream_model", "sim/steady"), ("enabled", "on"),
            ("context_window", "128,000"), ("tools", "yes"), ("vision", "no"), ("input", "2.5"), ("output", "10"),
            ("first_frame_timeout", "2.5"), ("num_retries", "0"), ("rules", "own"),
            ("rename", "max_tokens = max_completion_tokens\r\n"), ("drop", "temperature, top_p"), ("clamp", "on"),
        ];
        let added = browser.submit_with(&form.token(), "/models/new", &fields).await;
        assert_eq!(added.status, 303, "{}", added.html);
        let path = added.location;
        let page = browser.get(&path).await.expect(200);
        for text in [
            "smart was added. Apps can request it now.", "128,000 tokens", "prompt $2.50, answer $10.00",
            "max_tokens becomes max_completion_tokens, temperature is removed", "value=\"2.5\"", "value=\"128000\"",
        ] {
            assert!(page.shows(text), "{text}: {}", page.html);
        }
        let api = app.get(&path.replace("/models/", "/v1/model-router/models/")).await.json();
        assert_eq!(api["price"], json!({"input": 2_500_000, "output": 10_000_000, "cache_read": null, "cache_write": null}));
        assert_eq!((&api["first_frame_timeout_ms"], &api["num_retries"]), (&json!(2_500), &json!(0)));
        assert_eq!(api["capabilities"]["reasoning"], json!(null));
        assert_eq!((&api["capabilities"]["tools"], &api["capabilities"]["vision"]), (&json!(true), &json!(false)));
        assert_eq!(app.chat(&json!({"model": "smart"})).await.status, 200);
        let list = browser.get("/models").await.expect(200);
        assert!(list.shows("$2.50 / $10.00") && list.shows("Ready") && list.shows("Tools"), "{}", list.html);
    }

    async fn what_the_table_knows_is_marked_and_what_is_cleared_goes_back_to_it(app: App) {
        let browser = owner(&app).await;
        let provider = app.organization.provider_at("openai", "openai", None).await.to_string();
        let fields = [("name", "gpt-4o"), ("provider_id", provider.as_str()), ("enabled", "on"), ("context_window", "1000")];
        let path = browser.submit("/models/new", "/models/new", &fields).await.location;
        let page = browser.get(&path).await.expect(200);
        assert!(page.shows("1,000 tokens</dd>") && page.shows("placeholder=\"128000\""), "{}", page.html);
        assert!(page.shows("(from the built-in table)") && page.shows("As known: yes"), "{}", page.html);
        browser.submit(&path, &path, &fields[..3]).await.leads_to(&path);
        let page = browser.get(&path).await.expect(200);
        assert!(page.shows("128,000 tokens <span class=\"filled\""), "{}", page.html);
        // An unchecked box is not sent at all.
        browser.submit(&path, &path, &fields[..2]).await.leads_to(&path);
        assert!(browser.get("/models").await.shows("Disabled"));
    }

    async fn the_form_says_which_endpoints_a_kind_serves_and_knows_kinds_by_name(app: App) {
        let browser = owner(&app).await;
        let provider = app.organization.provider_at("sim", "simulated", None).await.to_string();
        let form = browser.get(&format!("/models/new?provider={provider}&upstream=tts-1")).await.expect(200);
        for text in ["By its name: Speech", "Chat: every dialect", "Rerank: /v1/rerank", "Transcription: /v1/audio/transcriptions"] {
            assert!(form.shows(text), "{text}: {}", form.html);
        }
        let all = "/v1/chat/completions, /v1/messages, /v1/responses";
        for (name, kind, called) in [
            ("text-embedding-3-small", "", "/v1/embeddings"),
            ("whisper-1", "", "/v1/audio/transcriptions, /v1/audio/translations"),
            ("tts-1", "chat", all),
            ("gpt-4o", "", all),
        ] {
            let fields = [("name", name), ("provider_id", &provider), ("kind", kind), ("enabled", "on")];
            let path = browser.submit("/models/new", "/models/new", &fields).await.location;
            let page = browser.get(&path).await.expect(200);
            assert!(page.shows("Called by</dt>") && page.shows(called), "{name}: {}", page.html);
        }
    }

    async fn a_refused_model_says_why_and_keeps_what_was_typed(app: App) {
        let browser = owner(&app).await;
        let provider = app.organization.provider_at("sim", "simulated", None).await;
        app.organization.model("taken", provider).await;
        let provider = provider.to_string();
        let fields = [
            ("name", "no spaces"), ("provider_id", ""), ("context_window", "many"), ("input", "-1"),
            ("num_retries", "6"), ("answer_timeout", "601"), ("rules", "own"), ("rename", "max_tokens"),
        ];
        let page = browser.submit("/models/new", "/models/new", &fields).await.expect(422);
        for text in [
            "The name must be 1 to 200 of the letters", "Choose a provider.", "The context window must be a whole number from 1 to",
            "The price of prompts must be a number from 0 to 1,000,000", "The number of retries must be a whole number from 0 to 5",
            "The time until a whole answer must be a number from 0.001 to 600", "has no =",
            "value=\"no spaces\"", "value=\"many\"", ">max_tokens</textarea>", "href=\"#context_window\"",
        ] {
            assert!(page.shows(text), "{text}: {}", page.html);
        }
        let fields = [("name", "taken"), ("provider_id", provider.as_str())];
        let page = browser.submit("/models/new", "/models/new", &fields).await.expect(422);
        assert!(page.shows("A model called &#39;taken&#39; exists already"), "{}", page.html);
        let foreign = app.other_organization("other").await.provider_at("theirs", "simulated", None).await.to_string();
        let fields = [("name", "mine"), ("provider_id", foreign.as_str())];
        let page = browser.submit("/models/new", "/models/new", &fields).await.expect(422);
        assert!(page.shows("No such provider") && !page.shows("theirs"), "{}", page.html);
    }

    async fn deleting_says_what_it_does_and_fallbacks_forbid_it(app: App) {
        let browser = owner(&app).await;
        let provider = app.organization.provider_at("sim", "simulated", None).await;
        let steady = |fields: &mut failsoft::store::ModelFields| fields.upstream_model = "sim/steady".to_owned();
        let smart = app.organization.model_like("smart", provider, steady).await;
        let cheap = app.organization.model_like("cheap", provider, steady).await;
        app.organization.key_like(&[Scope::Inference], |key| {
            key.name = "batch".to_owned();
            key.models = Some(vec!["cheap".to_owned()]);
        }).await;
        let key = app.organization.key_with(&[Scope::Inference]).await;
        app.chat(&json!({"model": "cheap"})).await;
        app.chat(&json!({"model": "cheap"})).await;
        let body = crate::support::app::chat_body(&json!({"model": "cheap"}));
        let request = crate::support::app::with_json(app.request(reqwest::Method::POST, "/v1/chat/completions"), &body);
        assert_eq!(app.call(request, &key).await.status, 200);
        let set = json!({"model": "smart", "fallback_models": ["cheap"]});
        assert_eq!(app.post("/fallback", &set).await.status, 200);

        let path = format!("/models/{cheap}/delete");
        let page = browser.get(&path).await.expect(200);
        assert!(page.shows("2 keys used this model in the last 24 hours, in 3 requests."), "{}", page.html);
        assert!(page.shows("cannot be deleted while fallbacks use it") && page.shows("falls back to it"), "{}", page.html);
        assert!(browser.get(&format!("/models/{smart}/delete")).await.shows("has fallbacks of its own"));
        browser.submit(&path, &path, &[]).await.expect(409);
        assert_eq!(app.delete("/fallback/smart").await.status, 200);
        let page = browser.get(&path).await.expect(200);
        assert!(page.shows("1 key names it in the list of models (batch)"), "{}", page.html);
        browser.submit(&path, &path, &[]).await.leads_to("/models");
        assert_eq!(app.chat(&json!({"model": "cheap"})).await.status, 404);
        app.clock.advance(Duration::from_secs(25 * 3_600));
        let page = Browser::logged_in(&app, &app.organization.member(Role::Admin).await).await;
        assert!(page.get(&format!("/models/{smart}/delete")).await.shows("No requests used this model"));
    }

    async fn a_member_looks_and_another_organization_does_not(app: App) {
        let provider = app.organization.provider_at("sim", "simulated", None).await;
        let id = app.organization.model("smart", provider).await;
        let member = Browser::logged_in(&app, &app.organization.member(Role::Member).await).await;
        for path in ["/models".to_owned(), format!("/models/{id}")] {
            let page = member.get(&path).await.expect(200);
            assert!(page.shows("smart"));
            for absent in ["/models/new", "Save</button>", "Delete model"] {
                assert!(!page.shows(absent), "{path} {absent}: {}", page.html);
            }
        }
        let stranger = Browser::owner(&app, "other").await;
        assert!(!stranger.get("/models").await.expect(200).shows("smart"));
        let token = stranger.get("/").await.token();
        for path in ["", "/delete"] {
            stranger.get(&format!("/models/{id}{path}")).await.expect(404);
            stranger.submit_with(&token, &format!("/models/{id}{path}"), &[]).await.expect(404);
        }
    }

    async fn the_list_is_narrowed_by_name_provider_and_state(app: App) {
        let [one, two] = [app.organization.provider_at("one", "simulated", None).await, app.organization.provider_at("two", "simulated", None).await];
        for (name, provider, enabled) in [("GPT-4o", one, true), ("gpt-4o-mini", two, true), ("100%_off", one, false)] {
            app.clock.advance(Duration::from_secs(1));
            app.organization.model_like(name, provider, |model| model.enabled = enabled).await;
        }
        let browser = Browser::logged_in(&app, &app.organization.member(Role::Admin).await).await;
        let (by_one, both) = (format!("provider={one}"), format!("name=gpt&provider={two}&enabled=true"));
        for (query, found) in [
            ("", vec!["100%_off", "gpt-4o-mini", "GPT-4o"]),
            ("name=gpt-4O", vec!["gpt-4o-mini", "GPT-4o"]),
            ("name=%25", vec!["100%_off"]),
            ("name=%25_", vec!["100%_off"]),
            ("name=o_m", vec![]),
            (by_one.as_str(), vec!["100%_off", "GPT-4o"]),
            ("enabled=false", vec!["100%_off"]),
            (both.as_str(), vec!["gpt-4o-mini"]),
        ] {
            let page = browser.get(&format!("/models?{query}")).await.expect(200);
            let links = page.html.split(r#"<a class="model" href="/models/"#).skip(1);
            let names: Vec<&str> = links.filter_map(|rest| rest.split(['>', '<']).nth(1)).collect();
            assert_eq!(names, found, "{query}");
            assert_eq!(page.shows("No model matches these filters"), found.is_empty(), "{query}");
            assert_eq!(page.shows("Clear the filters"), !query.is_empty(), "{query}");
        }
        let page = browser.get("/models?name=gpt&provider=x&enabled=perhaps").await.expect(200);
        for text in ["The filter \u{201c}Provider\u{201d} cannot be \u{201c}x\u{201d}", "The filter \u{201c}State\u{201d}", r#"value="gpt""#] {
            assert!(page.shows(text), "{text}: {}", page.html);
        }
    }
}
