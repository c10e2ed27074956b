//! `/find`: an id leads to its page, a name to what is called like it.

use serde_json::json;

use super::errors::assert_page;
use super::events::{catalog, member};
use crate::support::browser::Browser;
use crate::support::on_both_databases;

on_both_databases! {
    async fn a_pasted_id_leads_to_its_page_in_the_own_organization_only(app: App) {
        let _fake = catalog(&app).await;
        let request = app.chat(&json!({"model": "bad"})).await.header("x-request-id").to_owned();
        app.requests(1).await;
        let text = |value: &serde_json::Value| value.as_str().expect("an id").to_owned();
        let event = text(&app.events().await[0]["id"]);
        let model = app.model_as_served("bad").id.0;
        let key = text(&app.get("/v1/identity/api-keys").await.json()["items"][0]["id"]);
        let provider = text(&app.get("/v1/model-router/providers").await.json()["items"][0]["id"]);
        let browser = member(&app).await;
        let other = Browser::owner(&app, "other").await;
        for (id, path) in [
            (request.clone(), format!("/requests/{request}")),
            (format!("%22{event}%22"), format!("/events/{event}")),
            (model.to_string(), format!("/models/{model}")),
            (provider.clone(), format!("/providers/{provider}")),
            (key.clone(), format!("/keys/{key}")),
        ] {
            browser.get(&format!("/find?q={id}")).await.leads_to(&path);
            browser.get(&path).await.expect(200);
            let absent = other.get(&format!("/find?q={id}")).await.expect(200);
            assert!(absent.shows("Nothing found"), "{}", absent.html);
        }
        for path in ["/", "/events"] {
            assert!(browser.get(path).await.expect(200).shows("action=\"/find\""), "{path}");
        }
        let model = model.to_string();
        for (folder, id) in [("requests", &request), ("events", &event), ("models", &model), ("providers", &provider), ("keys", &key)] {
            let path = format!("/{folder}/{id}");
            let page = browser.get(&path).await.expect(200);
            assert!(page.shows(&format!("{id}</code> <copy-button")), "{}", page.html);
        }
        // What else is pasted elsewhere: the name of a model and the beginning of a key.
        for (path, text) in [
            (format!("/models/{model}"), "<code id=\"model-name\">bad</code> <copy-button"),
            (format!("/keys/{key}"), "<code id=\"key-prefix\">"),
        ] {
            let page = browser.get(&path).await.expect(200);
            assert!(page.shows(text), "{text}: {}", page.html);
        }
    }

    async fn a_name_leads_to_what_is_called_like_it(app: App) {
        let _fake = catalog(&app).await;
        let browser = member(&app).await;
        let model = app.model_as_served("good").id.0;
        browser.get("/find?q=GOO").await.leads_to(&format!("/models/{model}"));
        // `bad` and `good` are models; the exact name comes first.
        let page = browser.get("/find?q=d").await.expect(200);
        assert_page(&page);
        let (bad, good) = (page.html.find(">bad</a>").expect("bad"), page.html.find(">good</a>").expect("good"));
        assert!(bad < good, "{}", page.html);
        assert_eq!(page.html.matches("type=\"search\" value=\"d\"").count(), 2, "the query stays: {}", page.html);
        let nothing = browser.get("/find?q=visit+%3C7%3E").await.expect(200);
        assert!(nothing.shows("Nothing found") && nothing.shows("/requests?session=visit+%3C7%3E"), "{}", nothing.html);
        assert!(!browser.get("/find").await.expect(200).shows("Nothing found"));
    }
}
