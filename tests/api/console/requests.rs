//! `/requests`: the list with its filters and its CSV file, and one request.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::errors::assert_page;
use super::events::{catalog, member, rows};
use crate::support::app::with_json;
use crate::support::browser::Browser;
use crate::support::on_both_databases;

on_both_databases! {
    async fn the_list_shows_the_answering_model_and_its_filters_narrow_it(app: App) {
        let _fake = catalog(&app).await;
        let browser = member(&app).await;
        assert!(browser.get("/requests").await.expect(200).shows("No requests yet"));
        let mut ids = Vec::new();
        for body in [
            json!({"model": "good", "session_id": "a"}),
            json!({"model": "bad"}),
            json!({"model": "worse"}),
        ] {
            app.clock.advance(Duration::from_secs(1));
            ids.insert(0, app.chat(&body).await.header("x-request-id").to_owned());
        }
        let all = app.requests(3).await;
        let key = all[0]["api_key_id"].as_str().expect("a key");
        let [failed, rescued, plain] = [&ids[0], &ids[1], &ids[2]].map(String::as_str);
        let page = browser.get("/requests").await.expect(200);
        assert_page(&page);
        for text in ["First try", "By fallback", "Failed", "3 / 2", "test key"] {
            assert!(page.shows(text), "{text}: {}", page.html);
        }
        let by_key = format!("key={key}");
        let by_other = format!("key={}", app.organization.id);
        for (query, found) in [
            ("", vec![failed, rescued, plain]),
            ("model=bad", vec![rescued]),
            ("served=good", vec![rescued, plain]),
            ("endpoint=/v1/chat/completions", vec![failed, rescued, plain]),
            ("endpoint=/v1/embeddings", vec![]),
            ("outcome=failed", vec![failed]),
            ("session=a", vec![plain]),
            (by_key.as_str(), vec![failed, rescued, plain]),
            (by_other.as_str(), vec![]),
            ("origin=drill", vec![]),
        ] {
            let page = browser.get(&format!("/requests?{query}")).await.expect(200);
            assert_eq!(rows(&page), found, "{query}");
            let file = browser.get(&format!("/requests.csv?{query}")).await.expect(200);
            let mut reader = csv::Reader::from_reader(&file.answer.body[..]);
            let written = reader.records().map(|row| row.expect("a line")[0].to_owned());
            assert_eq!(written.collect::<Vec<_>>(), found, "{query}");
            assert_eq!(file.answer.header("content-disposition"), "attachment; filename=\"requests.csv\"");
        }
        let file = browser.get("/requests.csv").await.expect(200).answer;
        let export = app.request(Method::GET, "/v1/model-router/requests?origin=live").header("accept", "text/csv");
        assert_eq!(file.text(), app.call(export, &app.organization.key).await.text(), "the API writes the same file");
    }

    async fn a_request_shows_its_attempts_and_their_times(app: App) {
        let _fake = catalog(&app).await;
        let id = app.chat(&json!({"model": "bad", "session_id": "visit 7"})).await.header("x-request-id").to_owned();
        let failed = app.chat(&json!({"model": "worse"})).await;
        app.requests(2).await;
        let browser = member(&app).await;
        let page = browser.get(&format!("/requests/{id}")).await.expect(200);
        assert_page(&page);
        for text in ["bad answered 503 after", "good answered in", "Fallback events of this request", "visit 7", "lost to failures", "unknown: the model has no price"] {
            assert!(page.shows(text), "{text}: {}", page.html);
        }
        assert_eq!(rows(&page).len(), 1);
        let page = browser.get(&format!("/requests/{}", failed.header("x-request-id"))).await.expect(200);
        assert!(page.shows("No model left") && page.shows("no model was left, and the caller got 503"), "{}", page.html);

        let other = Browser::owner(&app, "other").await;
        other.get(&format!("/requests/{id}")).await.expect(404);
        assert!(rows(&other.get("/requests").await).is_empty());
        assert_page(&browser.get("/requests/1").await.expect(404));
    }

    async fn a_request_shows_the_dialect_that_it_was_translated_into(app: App) {
        let _fake = catalog(&app).await;
        let body = json!({"model": "good", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]});
        let asked = with_json(app.request(Method::POST, "/v1/messages"), &body);
        let translated = app.call(asked, &app.organization.key).await;
        let own = app.chat(&json!({"model": "good"})).await;
        app.requests(2).await;
        let browser = member(&app).await;
        for (answer, shown) in [(&translated, true), (&own, false)] {
            let page = browser.get(&format!("/requests/{}", answer.header("x-request-id"))).await.expect(200);
            assert_eq!(page.shows("translated to OpenAI"), shown, "{}", page.html);
        }
        // The list names an endpoint only if it is not that of chat completions.
        for (query, found) in [("endpoint=/v1/messages", &translated), ("endpoint=/v1/chat/completions", &own)] {
            let page = browser.get(&format!("/requests?{query}")).await.expect(200);
            assert_eq!(rows(&page), [found.header("x-request-id")], "{query}");
            assert_eq!(page.html.contains("<span class=\"soft\">/v1/"), query.ends_with("messages"), "{query}");
        }
        let ignored = browser.get("/requests?endpoint=/v1/nothing").await.expect(200);
        assert!(ignored.shows("so it was ignored") && rows(&ignored).len() == 2, "{}", ignored.html);
    }
}
