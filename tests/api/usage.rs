//! `/v1/model-router/usage`: the sum of the rows, by any grouping.

use std::collections::BTreeMap;
use std::time::Duration;

use failsoft::providers::ModelPrice;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::management::{assert_guarded, items, refusal, violation, walk};
use crate::support::on_both_databases;

const USAGE: &str = "/v1/model-router/usage";

/// Requests on three days, with two models, two keys and three sessions, answered and failed.
async fn used(app: &App) -> FakeProvider {
    let fake = FakeProvider::start().await;
    let provider = app.organization.provider("fake", &fake).await;
    let price = ModelPrice { input: Some(1_000_333), output: Some(2_000_777), ..ModelPrice::default() };
    for name in ["good", "bad"] {
        app.organization.model_like(name, provider, |fields| fields.settings.price = Some(price)).await;
    }
    fake.always_for("good-upstream", Script::answer("Hello"));
    let mut count = 0;
    for _ in 0..3 {
        fake.next_for("bad-upstream", Script::answer("Hello"));
        fake.next_for("bad-upstream", Script::stream().text("Hel").end());
        fake.always_for("bad-upstream", Script::error(503, "overloaded", "busy"));
        for (body, streamed) in [
            (json!({"model": "good", "session_id": "a"}), false),
            (json!({"model": "bad"}), false),
            (json!({"model": "bad"}), true),
            (json!({"model": "bad", "models": ["good"], "session_id": "b"}), false),
            (json!({"model": "bad", "session_id": "c"}), false),
        ] {
            let mut body = body;
            body["stream"] = json!(streamed);
            app.chat(&body).await;
            count += 1;
            app.requests(count).await;
        }
        app.clock.advance(Duration::from_secs(86_400));
    }
    fake
}

/// Sums members of objects.
fn sums(rows: &[Value], members: &[&str]) -> BTreeMap<String, i64> {
    let sum = |name: &str| rows.iter().filter_map(|row| row[name].as_i64()).sum();
    members.iter().map(|name| ((*name).to_owned(), sum(name))).collect()
}

const MEMBERS: &[&str] =
    &["input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost_nano_dollars"];

on_both_databases! {
    async fn whatever_it_is_added_up_by_it_is_the_sum_of_the_rows(app: App) {
        let _fake = used(&app).await;
        let rows = app.requests(15).await;
        let expected = sums(&rows, MEMBERS);
        assert!(expected["cost_nano_dollars"] > 0);
        let estimated = rows.iter().filter(|row| row["estimated"] == true).count();
        assert_eq!(estimated, 3);
        for (by, groups) in [("day", 3), ("model", 3), ("key", 1), ("day,model", 9), ("model,day,key", 9)] {
            let usage = items(&app, &format!("{USAGE}?group_by={by}&limit=200")).await;
            assert_eq!(sums(&usage, MEMBERS), expected, "{by}");
            let counts = sums(&usage, &["requests", "answered", "by_fallback", "failed", "estimated"]);
            assert_eq!(counts.values().copied().collect::<Vec<i64>>(), [9, 3, 3, 6, 15], "{by}: {counts:?}");
            assert_eq!(usage.len(), groups, "{by}: {usage:?}");
        }
        let sessions = items(&app, &format!("{USAGE}?group_by=session")).await;
        assert_eq!(sessions.iter().map(|row| row["requests"].as_i64()).collect::<Vec<_>>(), [Some(3); 3]);
        let of_session: Vec<Value> = rows.iter().filter(|row| !row["session_id"].is_null()).cloned().collect();
        assert_eq!(sums(&sessions, MEMBERS), sums(&of_session, MEMBERS));
        let days = items(&app, USAGE).await;
        assert_eq!(days.iter().map(|row| row["day"].as_str().expect("a day")).collect::<Vec<_>>(), ["2024-10-06", "2024-10-05", "2024-10-04"]);
        assert_eq!(days[0]["model"], Value::Null);
    }

    async fn filters_pages_and_exports(app: App) {
        let _fake = used(&app).await;
        let whole = items(&app, &format!("{USAGE}?group_by=day,model,session&limit=200")).await;
        let paged = walk(&app, &format!("{USAGE}?group_by=day,model,session&limit=2")).await;
        assert_eq!(paged.concat(), whole);
        assert!(paged.len() > 2);
        for (filter, requests) in [
            ("since=2024-10-05T12:00:00Z", 10),
            ("until=2024-10-05T00:00:00Z", 5),
            ("model=good", 6),
            ("session_id=a", 3),
            ("origin=live", 15),
            ("origin=demo", 0),
            ("model=bad&since=2024-10-06T00:00:00Z", 2),
        ] {
            let usage = items(&app, &format!("{USAGE}?group_by=key&{filter}")).await;
            assert_eq!(sums(&usage, &["requests"])["requests"], requests, "{filter}");
        }
        for (query, field) in [("group_by=week", "group_by"), ("group_by=", "group_by"), ("origin=drill", "origin"), ("limit=0", "limit"), ("more=1", "more")] {
            assert!(violation(&app.get(&format!("{USAGE}?{query}")).await).contains(field), "{query}");
        }
        let foreign = app.get("/v1/model-router/requests?limit=1").await.json()["next_cursor"].clone();
        let foreign = foreign.as_str().expect("a cursor");
        for cursor in [foreign, "x", "AAAA", ""] {
            assert_eq!(refusal(&app.get(&format!("{USAGE}?cursor={cursor}")).await).0, 400, "{cursor}");
        }
        let csv = app.call(app.request(Method::GET, &format!("{USAGE}?group_by=day,model")).header("accept", "text/csv"), &app.organization.key).await;
        assert_eq!(csv.text().lines().count(), 10, "{}", csv.text());
        assert!(csv.text().starts_with("day,model,api_key_id,"));
        let lines = app.call(app.request(Method::GET, USAGE).header("accept", "application/x-ndjson"), &app.organization.key).await;
        assert_eq!(lines.text().lines().count(), 3);
        assert_guarded(&app, Method::GET, USAGE, "router:read").await;
    }
}
