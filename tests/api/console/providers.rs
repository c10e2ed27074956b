//! `/providers`: added, tested, changed and deleted in a browser.

use serde_json::json;

use crate::support::app::App;
use crate::support::browser::Browser;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;
use failsoft::domain::permission::Role;

const SECRET: &str = "sk-upstream-secret-0001";

async fn owner(app: &App) -> Browser {
    Browser::logged_in(app, &app.organization.member(Role::Owner).await).await
}

/// The fields of the form for a new provider.
fn fields<'a>(
    name: &'a str,
    preset: &'a str,
    base_url: &'a str,
    credential: &'a str,
) -> Vec<(&'static str, &'a str)> {
    vec![("name", name), ("preset", preset), ("base_url", base_url), ("credential", credential)]
}

on_both_databases! {
    async fn a_provider_is_added_tested_mended_and_offers_its_models(app: App) {
        let fake = FakeProvider::start().await;
        let browser = owner(&app).await;
        assert!(browser.get("/providers").await.expect(200).shows("No providers yet"));

        let base_url = fake.base_url();
        let added = browser.submit("/providers/new", "/providers/new", &fields(" EU <1> ", "custom", &base_url, "wrong-credential-9999")).await;
        assert_eq!(added.status, 303, "{}", added.html);
        let path = added.location;
        let page = browser.get(&path).await.expect(200);
        assert!(page.shows("EU &#60;1&#62; was added. Test its connection."), "{}", page.html);
        assert!(page.shows("••••9999") && !page.shows("wrong-credential"), "{}", page.html);
        assert!(page.shows("Not tried yet"), "{}", page.html);

        fake.next(Script::error(401, "invalid_api_key", "Incorrect API key provided: wrong-credential-9999"));
        let test = browser.submit(&path, &format!("{path}/test"), &[]).await.expect(200);
        assert!(test.shows("Credential refused") && test.shows("Paste it again"), "{}", test.html);
        assert!(!test.shows("wrong-credential"), "{}", test.html);
        // The result stays: the state, its cause, and since when.
        for page in [test, browser.get(&path).await.expect(200), browser.get("/providers").await.expect(200)] {
            for text in ["Failing", "Incorrect API key provided", "since "] {
                assert!(page.shows(text), "{text}: {}", page.html);
            }
        }

        let mended = fields("EU <1>", "custom", &base_url, SECRET);
        browser.submit(&path, &path, &mended).await.leads_to(&path);
        fake.next(Script::json(200, &json!({"object": "list", "data": [{"id": "one/x"}, {"id": "two"}]})));
        let test = browser.submit(&path, &format!("{path}/test"), &[]).await.expect(200);
        assert!(test.shows("offers 2 models"), "{}", test.html);
        let id = path.trim_start_matches("/providers/");
        assert!(test.shows(&format!("/models/new?provider={id}&#38;upstream=one%2Fx")), "{}", test.html);
        let sent = fake.requests().pop().expect("a call");
        assert_eq!(sent.header("authorization"), Some("Bearer sk-upstream-secret-0001"));
        // A form without the field keeps the value.
        let streams = |setting| [fields("EU <1>", "custom", &base_url, SECRET), vec![("stream_options", setting)]].concat();
        browser.submit(&path, &path, &streams("unsupported")).await.leads_to(&path);
        browser.submit(&path, &path, &fields("EU <1>", "custom", &base_url, SECRET)).await.leads_to(&path);
        let page = browser.get(&path).await.expect(200);
        assert!(page.shows("<option value=\"unsupported\" selected>") && page.shows("<dd>not supported</dd>"), "{}", page.html);
        let wrong = browser.submit(&path, &path, &streams("maybe")).await.expect(422);
        assert!(wrong.shows("Choose whether the provider supports stream options."), "{}", wrong.html);
        let list = browser.get("/providers").await.expect(200);
        assert!(list.shows("EU &#60;1&#62;") && list.shows("••••0001"), "{}", list.html);
        for page in [&list, &test] {
            assert!(!page.shows(SECRET), "{}", page.html);
        }
    }

    async fn models_of_a_test_are_added_at_once_with_their_kinds(app: App) {
        let fake = FakeProvider::start().await;
        let browser = owner(&app).await;
        let provider = app.organization.provider("fake", &fake).await;
        app.organization.model("taken", provider).await;
        let path = format!("/providers/{provider}");
        let ids = ["one", "two/x", "text-embedding-3-small", "taken", "no name"];
        let offers: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
        fake.next(Script::json(200, &json!({"object": "list", "data": offers})));
        let test = browser.submit(&path, &format!("{path}/test"), &[]).await.expect(200);
        for text in ["Add the checked models", "Embedding", "name=\"model\" value=\"one\""] {
            assert!(test.shows(text), "{text}: {}", test.html);
        }
        let add = format!("{path}/models");
        let sent = async |fields: &[(&str, &str)]| {
            browser.submit_with(&test.token(), &add, fields).await.leads_to(&path);
            browser.get(&path).await.expect(200)
        };
        assert!(sent(&[]).await.shows("No model was checked, so none was added."));
        let page = sent(&[("model", "one"), ("model", "text-embedding-3-small"), ("model", "taken"), ("model", "no name")]).await;
        for text in ["2 models were added.", "taken is in the catalog already, no name is no name for a model"] {
            assert!(page.shows(text), "{text}: {}", page.html);
        }
        let page = sent(&[("all", "1"), ("offered", "one"), ("offered", "two/x"), ("prefix", "fake/")]).await;
        assert!(page.shows("2 models were added.") && page.shows(">fake/two/x</a>"), "{}", page.html);
        let rows = app.get("/v1/model-router/models").await.json();
        let rows = rows["items"].as_array().expect("models");
        let shown = |name: &str| {
            let row = rows.iter().find(|row| row["name"] == name).expect(name);
            (row["upstream_model"].clone(), row["kind"].clone())
        };
        assert_eq!(shown("text-embedding-3-small"), (json!("text-embedding-3-small"), json!("embedding")));
        assert_eq!(shown("fake/two/x"), (json!("two/x"), json!("chat")));
        assert_eq!(rows.len(), 5);
        let many: Vec<String> = (0..101).map(|number| format!("m{number}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| ("model", name.as_str())).collect();
        assert!(sent(&many).await.shows("At most 100 models can be added at once"));
    }

    async fn an_unreachable_provider_is_shown_as_failing_until_it_is_reached(app: App) {
        let browser = owner(&app).await;
        let fake = FakeProvider::start().await;
        let id = app.organization.provider_at("gone", "custom", Some("http://127.0.0.1:1/v1")).await;
        let path = format!("/providers/{id}");
        let test = async || browser.submit(&path, &format!("{path}/test"), &[]).await.expect(200);
        assert!(browser.get("/providers").await.shows("Not tried yet"));
        assert!(test().await.shows("Nothing listens"));
        for page in [browser.get("/providers").await, browser.get(&path).await] {
            assert!(page.shows("Failing") && !page.shows("Not tried yet"), "{}", page.html);
        }
        let base_url = fake.base_url();
        browser.submit(&path, &path, &fields("gone", "custom", &base_url, SECRET)).await.leads_to(&path);
        assert!(browser.get("/providers").await.shows("Not tried yet"), "this address was not tested");
        fake.next(Script::json(200, &json!({"object": "list", "data": [{"id": "one"}]})));
        assert!(test().await.shows("offers 1 model."));
        assert!(browser.get("/providers").await.shows("Works"));
    }

    async fn a_refused_provider_says_why_and_keeps_what_was_typed(app: App) {
        let browser = owner(&app).await;
        let cases = [
            (fields("", "nonsense", "", ""), vec!["The name must be 1 to 100", "Choose a kind"]),
            (fields("a", "custom", "", ""), vec!["Enter the one of your account"]),
            (fields("a", "custom", "http://10.0.0.1/v1", ""), vec!["FAILSOFT_ALLOW_PRIVATE_UPSTREAMS"]),
            (fields("a", "custom", "https://user:pass@example.com", ""), vec!["holds a user name or password"]),
            (fields("a", "simulated", "https://example.com", ""), vec!["has no base URL. Leave this empty"]),
            (fields("a", "azure", "https://RESOURCE.openai.azure.com/openai/v1", SECRET), vec!["the placeholder RESOURCE in it"]),
            (fields("a", "custom", "https://api.example.com/v1", ""), vec!["the placeholder api.example.com in it"]),
            (fields("a", "openai", "", ""), vec!["This credential cannot be used"]),
        ];
        for (typed, expected) in cases {
            let page = browser.submit("/providers/new", "/providers/new", &typed).await.expect(422);
            for text in expected {
                assert!(page.shows(text), "{text}: {}", page.html);
            }
            if !typed[2].1.is_empty() {
                assert!(page.shows(&format!("value=\"{}\"", typed[2].1)), "{}", page.html);
            }
        }
        let page = browser.submit("/providers/new", "/providers/new", &fields("a", "openai", "", "bad\ncredential")).await.expect(422);
        assert!(!page.shows("bad\ncredential"), "a credential is not shown again");
        assert!(browser.get("/providers").await.shows("No providers yet"), "nothing was added");

        app.organization.provider_at("taken", "simulated", None).await;
        let page = browser.submit("/providers/new", "/providers/new", &fields("taken", "simulated", "", "")).await.expect(422);
        assert!(page.shows("A provider called &#39;taken&#39; exists already"), "{}", page.html);
    }

    async fn the_form_asks_for_what_the_chosen_kind_needs(app: App) {
        let browser = owner(&app).await;
        let fields = ["Base URL", "API key<", "API key (optional)<", "Key file or access token<", "It needs no credential"];
        for (kind, shown) in [
            ("openai", [true, true, false, false, false]),
            ("vllm", [true, false, true, false, false]),
            ("vertex-messages", [true, false, false, true, false]),
            ("simulated", [false, false, false, false, true]),
        ] {
            let page = browser.get(&format!("/providers/new?kind={kind}")).await.expect(200);
            assert!(page.shows(&format!("value=\"{kind}\" selected")), "{kind}: {}", page.html);
            let typed = [("look", "1"), ("name", "Mine & yours"), ("preset", kind), ("credential", SECRET)];
            let chosen = browser.submit("/providers/new", "/providers/new", &typed).await.expect(200);
            assert!(chosen.shows("value=\"Mine &#38; yours\"") && !chosen.shows(SECRET), "{}", chosen.html);
            for page in [page, chosen] {
                assert_eq!(fields.map(|field| page.shows(field)), shown, "{kind}: {}", page.html);
            }
        }
        assert!(browser.get("/providers").await.shows("No providers yet"), "nothing was added");
        assert!(browser.get("/providers/new?kind=nonsense").await.expect(200).shows("platform.openai.com"));

        let id = app.organization.provider_at("eu", "custom", Some("https://eu.example.com/v1")).await;
        let path = format!("/providers/{id}");
        let typed = [("look", "1"), ("name", "other"), ("preset", "vertex-messages")];
        let page = browser.submit(&path, &path, &typed).await.expect(200);
        assert!(page.shows("Key file or access token") && page.shows("value=\"other\""), "{}", page.html);
        assert!(page.shows("Stored: ••••0001."), "{}", page.html);
        assert!(browser.get(&path).await.expect(200).shows("<h1>eu</h1>"), "nothing was changed");
    }

    async fn a_credential_does_not_follow_its_provider_to_another_host(app: App) {
        let browser = owner(&app).await;
        let id = app.organization.provider_at("eu", "custom", Some("https://eu.example.com/v1")).await;
        let path = format!("/providers/{id}");
        for elsewhere in ["https://evil.example.com/v1", "https://eu.example.com:444/v1"] {
            let page = browser.submit(&path, &path, &fields("eu", "custom", elsewhere, "")).await.expect(422);
            assert!(page.shows("would be sent to another vendor, scheme, host or port"), "{}", page.html);
            assert!(page.shows(&format!("value=\"{elsewhere}\"")), "{}", page.html);
        }
        // Another path on the same host counts as the same host.
        browser.submit(&path, &path, &fields("eu", "custom", "https://eu.example.com/v2", "")).await.leads_to(&path);
        let moved = fields("eu", "custom", "https://other.example.com/v1", "another-credential-4444");
        browser.submit(&path, &path, &moved).await.leads_to(&path);
        assert!(browser.get(&path).await.shows("••••4444"));
        let mut forgotten = fields("eu", "custom", "https://third.example.com/v1", "");
        forgotten.push(("forget", "on"));
        browser.submit(&path, &path, &forgotten).await.leads_to(&path);
        let page = browser.get(&path).await;
        assert!(page.shows("<dd>none <a") && page.shows("third.example.com"), "{}", page.html);
    }

    async fn a_provider_that_serves_models_stays(app: App) {
        let browser = owner(&app).await;
        let id = app.organization.provider_at("sim", "simulated", None).await;
        let path = format!("/providers/{id}/delete");
        app.organization.model("smart", id).await;
        let page = browser.get(&path).await.expect(200);
        assert!(page.shows("it serves 1 model.") && page.shows("smart"), "{}", page.html);
        assert!(!page.shows("Delete provider</button>"), "{}", page.html);
        let page = browser.submit(&path, &path, &[]).await.expect(409);
        assert!(page.shows("serves the models"), "{}", page.html);

        let idle = app.organization.provider_at("idle", "simulated", None).await;
        let path = format!("/providers/{idle}/delete");
        assert!(browser.get(&path).await.expect(200).shows("It serves no model"));
        browser.submit(&path, &path, &[]).await.leads_to("/providers");
        assert!(browser.get("/providers").await.shows("idle was deleted."));
        browser.get(&format!("/providers/{idle}")).await.expect(404);
    }

    async fn a_member_looks_and_another_organization_does_not(app: App) {
        let id = app.organization.provider_at("sim", "simulated", None).await;
        let member = Browser::logged_in(&app, &app.organization.member(Role::Member).await).await;
        for path in ["/providers".to_owned(), format!("/providers/{id}")] {
            let page = member.get(&path).await.expect(200);
            for absent in ["/providers/new", "Save</button>", "Test connection", "Delete provider"] {
                assert!(!page.shows(absent), "{path} {absent}: {}", page.html);
            }
        }
        let stranger = Browser::owner(&app, "other").await;
        assert!(!stranger.get("/providers").await.expect(200).shows("sim"));
        let token = stranger.get("/").await.token();
        for path in ["", "/delete"] {
            stranger.get(&format!("/providers/{id}{path}")).await.expect(404);
        }
        for path in ["", "/test", "/delete"] {
            stranger.submit_with(&token, &format!("/providers/{id}{path}"), &fields("x", "simulated", "", "")).await.expect(404);
        }
        assert!(app.get(&format!("/v1/model-router/providers/{id}")).await.text().contains("sim"));
    }
}
