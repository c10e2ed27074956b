//! `/events`: the list with its filters, its pages and its CSV file, and one event.

use std::time::Duration;

use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::Role;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::errors::assert_page;
use crate::support::app::App;
use crate::support::browser::{Browser, Page};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// A model `bad` that fails, with a fallback `good` that answers; and `worse`, which fails without a fallback.
pub(super) async fn catalog(app: &App) -> FakeProvider {
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["good", "bad", "worse"]).await;
    fake.always_for("good-upstream", Script::answer("Hello"));
    fake.always_for("bad-upstream", Script::error(503, "overloaded", "busy <b>now</b>"));
    fake.always_for("worse-upstream", Script::error(503, "overloaded", "busy"));
    app.organization.fallback("bad", FallbackType::General, &["good"]).await;
    fake
}

/// A member with read access only.
pub(super) async fn member(app: &App) -> Browser {
    let email = app.organization.member(Role::Member).await;
    Browser::logged_in(app, &email).await
}

/// The ids of the rows of a table, in order.
pub(super) fn rows(page: &Page) -> Vec<String> {
    let ids = page.html.split("<tr id=\"row-").skip(1);
    ids.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

/// The URL of the link with this relation.
pub(super) fn link(page: &Page, relation: &str) -> Option<String> {
    let (_, rest) = page.html.split_once(&format!(r#"rel="{relation}" href=""#))?;
    rest.split('"').next().map(|address| address.replace("&#38;", "&"))
}

/// The ids of the events, newest first.
async fn ids(app: &App) -> Vec<String> {
    let id = |event: &Value| event["id"].as_str().expect("an id").to_owned();
    app.events().await.iter().rev().map(id).collect()
}

on_both_databases! {
    async fn the_list_shows_what_failed_and_why_and_its_filters_narrow_it(app: App) {
        let _fake = catalog(&app).await;
        let browser = member(&app).await;
        let empty = browser.get("/events").await.expect(200);
        assert_page(&empty);
        // A member may not send requests, so there is no button.
        assert!(empty.shows("No fallbacks yet") && !empty.shows("Send a test request"), "{}", empty.html);

        app.chat(&json!({"model": "bad", "session_id": "visit 7"})).await;
        app.clock.advance(Duration::from_secs(3_601));
        let answer = app.chat(&json!({"model": "worse"})).await;
        let all = ids(&app).await;
        assert_eq!(all.len(), 2);
        let page = browser.get("/events").await.expect(200);
        assert_page(&page);
        assert_eq!(rows(&page), all);
        for text in ["Overloaded", "503", "busy &#60;b&#62;now", "then </span><span class=\"model\">good", "2 events"] {
            assert!(page.shows(text), "{text}: {}", page.html);
        }
        assert!(page.shows("Fallback events over time") && page.shows("Events <b>2</b>"), "{}", page.html);

        let (new, old) = (all[0].as_str(), all[1].as_str());
        let request = format!("request={}", answer.header("x-request-id"));
        for (query, found) in [
            ("model=bad", vec![old]),
            ("model=worse", vec![new]),
            ("model=good", vec![]),
            ("next=good", vec![old]),
            ("class=overloaded&range=24h", vec![new, old]),
            ("class=timeout", vec![]),
            ("session=visit+7", vec![old]),
            (request.as_str(), vec![new]),
            ("range=1h", vec![new]),
            ("origin=demo", vec![]),
            ("since=1970-01-01T00:00&until=2999-01-01T00:00", vec![new, old]),
            ("until=1971-01-01T00:00", vec![]),
        ] {
            let page = browser.get(&format!("/events?{query}")).await.expect(200);
            assert_eq!(rows(&page), found, "{query}");
            assert_eq!(page.shows("No event matches"), found.is_empty() && !query.contains("origin") && !query.contains("until="), "{query}");
            let chart = page.shows("Fallback events over time");
            let counted = !query.contains("session") && !query.contains("request=") && !query.contains("since");
            assert_eq!(chart, counted && !found.is_empty(), "{query}: the counts are as fine as that, or there is no chart");
            let file = browser.get(&format!("/events.csv?{query}")).await.expect(200);
            let mut reader = csv::Reader::from_reader(&file.answer.body[..]);
            let written = reader.records().map(|row| row.expect("a line")[0].to_owned());
            assert_eq!(written.collect::<Vec<_>>(), found, "{query}");
        }
        let file = browser.get("/events.csv").await.expect(200).answer;
        let export = app.request(Method::GET, "/v1/model-router/fallback-events?origin=live").header("accept", "text/csv");
        assert_eq!(file.text(), app.call(export, &app.organization.key).await.text(), "the API writes the same file");
        assert_eq!(file.header("cache-control"), "no-store");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
    }

    async fn a_bad_parameter_is_a_note_and_never_an_error(app: App) {
        let browser = member(&app).await;
        for query in [
            "class=nonsense",
            "origin=else",
            "range=5y",
            "since=yesterday",
            "request=1",
            "session=%00",
            "until=99999-01-01T00:00",
            "since=2026-01-02T00:00&until=2026-01-01T00:00",
            "older=nonsense",
            "newer=AAAA",
            "model=%00",
        ] {
            let page = browser.get(&format!("/events?{query}")).await.expect(200);
            assert!(page.shows(r#"<p class="note warn" role="status">"#), "{query}: {}", page.html);
            let page = browser.get(&format!("/requests?{query}")).await.expect(200);
            assert_page(&page);
        }
        for query in ["unknown=1", "class=&model=", "%ff=%ff", "model=%3Cscript%3E"] {
            let page = browser.get(&format!("/events?{query}")).await.expect(200);
            assert!(!page.shows("<script>"), "{query}");
        }
    }

    async fn the_list_is_leafed_through_in_both_directions(app: App) {
        let provider = app.organization.provider_at("none", "simulated", None).await;
        for name in ["off-1", "off-2", "off-3", "off-4", "off-5"] {
            app.organization.model_like(name, provider, |model| model.enabled = false).await;
        }
        for _ in 0..21 {
            app.clock.advance(Duration::from_secs(1));
            app.chat(&json!({"models": ["off-1", "off-2", "off-3", "off-4", "off-5"]})).await;
        }
        let browser = member(&app).await;
        let all = ids(&app).await;
        assert_eq!(all.len(), 105);
        let first = browser.get("/events?class=disabled").await.expect(200);
        assert_eq!((rows(&first), link(&first, "prev")), (all[..50].to_vec(), None));
        let second = browser.get(&link(&first, "next").expect("older rows")).await.expect(200);
        assert_eq!(rows(&second), all[50..100]);
        let third = browser.get(&link(&second, "next").expect("older rows")).await.expect(200);
        assert_eq!((rows(&third), link(&third, "next")), (all[100..].to_vec(), None));
        let back = browser.get(&link(&third, "prev").expect("newer rows")).await.expect(200);
        assert_eq!(rows(&back), all[50..100]);
        let front = browser.get(&link(&back, "prev").expect("newer rows")).await.expect(200);
        assert_eq!((rows(&front), link(&front, "prev")), (all[..50].to_vec(), None));
        assert!(link(&front, "next").is_some_and(|path| path.contains("class=disabled")));

        let other = Browser::owner(&app, "other").await;
        let stolen = other.get(&link(&first, "next").expect("older rows")).await.expect(200);
        assert!(stolen.shows("That page does not exist in this list") && rows(&stolen).is_empty(), "{}", stolen.html);
    }

    async fn equal_skips_in_a_row_are_one_row_and_lead_to_the_failure_before(app: App) {
        let app = app.cooling().await;
        let _fake = catalog(&app).await;
        let body = json!({"model": "bad"});
        for turn in 0..5 {
            app.chat_number(turn, &body).await;
        }
        for _ in 0..3 {
            app.clock.advance(Duration::from_secs(1));
            app.chat(&body).await;
        }
        let all = ids(&app).await;
        assert_eq!(all.len(), 8);
        let browser = member(&app).await;
        let page = browser.get("/events").await.expect(200);
        assert_page(&page);
        assert_eq!(rows(&page), [&all[..1], &all[3..]].concat());
        for part in ["Cooling down (overloaded)", "3 times since ", "8 events", "/events?fold=no"] {
            assert!(page.shows(part), "{part}: {}", page.html);
        }
        let each = browser.get("/events?fold=no").await.expect(200);
        assert!(rows(&each) == all && !each.shows(" times since "), "{}", each.html);
        let file = browser.get("/events.csv").await.expect(200).html;
        assert_eq!((file.lines().count(), file.matches(",cooldown:overloaded,").count()), (9, 3), "{file}");
        let overview = browser.get("/").await.expect(200);
        assert_eq!(rows(&overview), rows(&page));

        let skipped = browser.get(&format!("/events/{}", all[0])).await.expect(200);
        for part in ["bad was cooling down, because it was overloaded; good answered in", "The failure before", &all[3]] {
            assert!(skipped.shows(part), "{part}: {}", skipped.html);
        }
        assert!(!browser.get(&format!("/events/{}", all[3])).await.expect(200).shows("The failure before"));
    }

    async fn an_event_shows_its_chain_and_links_to_the_fix(app: App) {
        let _fake = catalog(&app).await;
        let answer = app.chat(&json!({"model": "bad", "session_id": "visit 7"})).await;
        let event = &app.events().await[0];
        let id = event["id"].as_str().expect("an id");
        let browser = member(&app).await;
        let page = browser.get(&format!("/events/{id}")).await.expect(200);
        assert_page(&page);
        let model = app.model_as_served("bad").id.0;
        for text in [
            "bad answered 503 after",
            "it was overloaded; good answered in",
            "busy &#60;b&#62;now",
            "this event",
            event["matched_rule"].as_str().expect("a rule"),
            "revision 1",
            "visit 7",
            &format!("/fallbacks/{model}"),
            &format!("/requests/{}", answer.header("x-request-id")),
        ] {
            assert!(page.shows(text), "{text}: {}", page.html);
        }
        assert!(!page.shows("(now"), "the configuration is the same");
        app.organization.model("third", app.organization.provider_at("more", "simulated", None).await).await;
        app.organization.fallback("bad", FallbackType::General, &["third"]).await;
        assert!(browser.get(&format!("/events/{id}")).await.shows("(now 2)"));

        let other = Browser::owner(&app, "other").await;
        let ours = other.get(&format!("/events/{id}")).await.expect(404);
        let none = other.get(&format!("/events/{}", Uuid::nil())).await.expect(404);
        assert_eq!(ours.without_token().replace(id, ""), none.without_token().replace(&Uuid::nil().to_string(), ""));
        assert!(rows(&other.get("/events").await).is_empty());
        for path in ["/events/1", "/events/%00", "/events/x/y"] {
            assert_page(&browser.get(path).await.expect(404));
        }
    }
}
