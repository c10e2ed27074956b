//! `/v1/model-router/fallback-events`.

use std::time::Duration;

use failsoft::domain::fallback_type::FallbackType;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, chat_body};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::management::{
    assert_absent, assert_fits, assert_guarded, each, items, refusal, violation, violations, walk,
};
use crate::support::on_both_databases;

const EVENTS: &str = "/v1/model-router/fallback-events";

/// Disabled models: each is skipped, which is an event without a call.
async fn disabled(app: &App, count: usize) -> Vec<String> {
    let provider = app.organization.provider_at("none", "simulated", None).await;
    let names: Vec<String> = (0..count).map(|number| format!("off-{number}")).collect();
    for name in &names {
        app.organization.model_like(name, provider, |model| model.enabled = false).await;
    }
    names
}

/// One request whose models are all skipped.
async fn pass_over(app: &App, names: &[String], more: &Value) -> Answer {
    let mut body = json!({"models": names});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let answer = app.chat(&body).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    answer
}

async fn export(app: &App, path: &str, accept: &str) -> Answer {
    app.call(app.request(Method::GET, path).header("accept", accept), &app.organization.key).await
}

/// The rows of a CSV file, each with its cells by column.
fn csv_rows(answer: &Answer) -> Vec<Value> {
    let mut reader = csv::Reader::from_reader(&answer.body[..]);
    let columns = reader.headers().expect("a header").clone();
    let row = |record: csv::StringRecord| -> Value {
        columns.iter().zip(record.iter()).map(|(column, cell)| (column.to_owned(), json!(cell))).collect()
    };
    reader.records().map(|record| row(record.expect("a line"))).collect()
}

fn json_rows(answer: &Answer) -> Vec<Value> {
    let body = answer.text();
    assert!(body.is_empty() || body.ends_with('\n'));
    body.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

on_both_databases! {
    async fn a_page_is_an_instance_of_feathers_schema_and_says_more(app: App) {
        let empty = app.get(EVENTS).await.json();
        assert_eq!(empty, json!({"items": [], "next_cursor": null, "has_more": false}));
        assert_fits("CursorPage_FallbackEventResponse_", &empty);

        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["first", "second"]).await;
        let config = app.organization.fallback("first", FallbackType::General, &["second"]).await;
        fake.always_for("first-upstream", Script::error(429, "rate_limit_exceeded", "slow down"));
        fake.always_for("second-upstream", Script::error(500, "server_error", "broken"));
        let answer = app.chat(&json!({"model": "first", "session_id": "visit 7"})).await;
        assert_eq!(answer.status, 502, "{}", answer.text());

        let page = app.get(&format!("{EVENTS}?limit=2")).await;
        assert_eq!(page.header("content-type"), "application/json");
        let page = page.json();
        assert_fits("CursorPage_FallbackEventResponse_", &page);
        let (last, first) = (&page["items"][0], &page["items"][1]);
        assert_eq!(first["organization_id"], json!(app.organization.id));
        assert_eq!(first["failed_model"], "first");
        assert_eq!(first["next_model"], "second");
        assert_eq!(first["error_class"], "rate_limited");
        assert_eq!(first["error_message"], "slow down");
        assert_eq!(first["invocation_type"], "chat_completion");
        assert_eq!(first["router_config_id"], json!(config));
        assert_eq!(first["router_config_revision"], 1);
        assert_eq!(first["request_id"], answer.header("x-request-id"));
        assert_eq!(last["hop"].as_i64(), first["hop"].as_i64().map(|hop| hop + 1));
        assert_eq!(first["attempts"], 1);
        assert_eq!(first["status_code"], 429);
        assert!(first["matched_rule"].is_string() && first["duration_ms"].is_u64());
        assert_eq!(first["session_ref"], "visit 7");
        assert_eq!(first["origin"], "live");
        assert!(first["recorded_at"].is_string());
        // The chain ended there: missing values are null, not omitted.
        for member in ["next_model", "router_config_id", "router_config_revision"] {
            assert_eq!(last.get(member), Some(&json!(null)), "{member}");
        }

        let id = first["id"].as_str().expect("an id");
        let alone = app.get(&format!("{EVENTS}/{id}")).await;
        assert_eq!((alone.status, alone.json()), (200, first.clone()));
    }

    async fn pages_follow_each_other_without_gap_or_repeat(app: App) {
        let names = disabled(&app, 3).await;
        for round in 0..4 {
            // Rows of one request share their time: only the id distinguishes them.
            if round % 2 == 0 {
                app.clock.advance(Duration::from_micros(1));
            }
            pass_over(&app, &names, &json!({})).await;
        }
        let whole = items(&app, EVENTS).await;
        assert_eq!(whole.len(), 12);
        let moments = each(&whole, "created_at");
        assert!(moments.is_sorted_by(|newer, older| newer >= older), "{moments:?}");
        for (limit, count) in [(1, 12), (2, 6), (5, 3), (12, 1), (200, 1)] {
            let pages = walk(&app, &format!("{EVENTS}?limit={limit}")).await;
            assert_eq!(pages.len(), count, "{limit} on a page");
            assert_eq!(pages.concat(), whole, "{limit} on a page");
        }
        // A filter applies with the same cursors.
        let some = walk(&app, &format!("{EVENTS}?failed_model=off-1&limit=1")).await.concat();
        assert_eq!(each(&some, "failed_model"), vec!["off-1"; 4]);
        // New rows do not shift the pages after a cursor.
        let first = app.get(&format!("{EVENTS}?limit=6")).await.json();
        pass_over(&app, &names, &json!({})).await;
        let cursor = first["next_cursor"].as_str().expect("a cursor");
        assert_eq!(items(&app, &format!("{EVENTS}?limit=6&cursor={cursor}")).await, whole[6..]);
    }

    async fn fifty_are_on_a_page_unless_asked(app: App) {
        let names = disabled(&app, 30).await;
        for _ in 0..2 {
            pass_over(&app, &names, &json!({})).await;
        }
        let page = app.get(EVENTS).await.json();
        assert_eq!(page["items"].as_array().map(Vec::len), Some(50));
        assert_eq!(page["has_more"], true);
    }

    async fn every_filter_narrows(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["first", "second", "llama@3+turbo"]).await;
        let config = app.organization.fallback("first", FallbackType::General, &["second"]).await;
        fake.always_for("first-upstream", Script::error(429, "rate_limit_exceeded", "slow down"));
        fake.always_for("second-upstream", Script::answer("Hello"));
        fake.always_for("llama@3+turbo-upstream", Script::error(503, "overloaded", "busy"));
        let session = "0f8fad5b-d9cb-469f-a165-70867728950e";
        app.chat(&json!({"model": "first", "session_id": session})).await;
        app.clock.advance(Duration::from_secs(10));
        let named =
            app.chat(&json!({"model": "llama@3+turbo", "models": ["second"], "session_id": "visit 7"})).await;
        let request = named.header("x-request-id");
        let both = items(&app, EVENTS).await;
        assert_eq!(each(&both, "failed_model"), ["llama@3+turbo", "first"]);

        let moment = both[0]["created_at"].as_str().expect("a time");
        let ours = app.organization.id;
        for (query, found) in [
            ("failed_model=first".to_owned(), "first"),
            ("failed_model=llama@3%2Bturbo".to_owned(), "llama@3+turbo"),
            ("failed_model=second".to_owned(), ""),
            ("next_model=second&error_class=overloaded".to_owned(), "llama@3+turbo"),
            ("error_class=rate_limited".to_owned(), "first"),
            ("error_class=timeout".to_owned(), ""),
            (format!("session_id={session}"), "first"),
            ("session_id=visit%207".to_owned(), "llama@3+turbo"),
            ("session_id=visit+7".to_owned(), "llama@3+turbo"),
            ("session_id=visit".to_owned(), ""),
            (format!("request_id={request}"), "llama@3+turbo"),
            (format!("request_id={ours}"), ""),
            (format!("router_config_id={config}"), "first"),
            ("origin=live&failed_model=first".to_owned(), "first"),
            ("origin=drill".to_owned(), ""),
            (format!("since={moment}"), "llama@3+turbo"),
            (format!("until={moment}"), "first"),
            (format!("since={moment}&until={moment}"), ""),
            ("until=2024-10-04T04:00:05%2B04:00".to_owned(), "first"),
        ] {
            let rows = items(&app, &format!("{EVENTS}?{query}")).await;
            assert_eq!(each(&rows, "failed_model").join(" "), found, "{query}");
        }
    }

    async fn bad_parameters_are_named(app: App) {
        for (query, named) in [
            ("limit=0", "query.limit value_error"),
            ("limit=201", "query.limit value_error"),
            ("limit=99999999999999999999", "query.limit value_error"),
            ("limit=-1", "query.limit value_error"),
            ("limit=-99999999999999999999", "query.limit value_error"),
            ("limit=-", "query.limit int_parsing"),
            ("limit=%2B5", "query.limit int_parsing"),
            ("limit=", "query.limit int_parsing"),
            ("limit=1.5", "query.limit int_parsing"),
            ("limit=ten", "query.limit int_parsing"),
            ("limit=1&limit=1", "query.limit value_error"),
            ("failed_model=", "query.failed_model string_pattern_mismatch"),
            ("failed_model=a%20b", "query.failed_model string_pattern_mismatch"),
            ("next_model=%00", "query.next_model value_error"),
            ("error_class=boredom", "query.error_class literal_error"),
            ("session_id=", "query.session_id value_error"),
            ("session_id=%FF", "query.session_id value_error"),
            ("request_id=7", "query.request_id uuid_parsing"),
            ("router_config_id=x", "query.router_config_id uuid_parsing"),
            ("origin=LIVE", "query.origin literal_error"),
            ("since=yesterday", "query.since datetime_parsing"),
            ("until=2026-11-20", "query.until datetime_parsing"),
            ("since=2026-11-20T00:00:00Z&until=2026-11-19T00:00:00Z", "query.until value_error"),
            ("failed_modle=x", "query.failed_modle extra_forbidden"),
            ("page=2", "query.page extra_forbidden"),
        ] {
            let answer = app.get(&format!("{EVENTS}?{query}")).await;
            let first = violations(&answer).first().map(|(place, kind)| format!("{place} {kind}"));
            assert_eq!(first.as_deref(), Some(named), "{query}");
            let file = export(&app, &format!("{EVENTS}?{query}"), "text/csv").await;
            assert_eq!(file.status, if query == "limit=201" { 200 } else { 422 }, "{query}");
        }
        let several = app.get(&format!("{EVENTS}?limit=0&origin=x&y=1")).await;
        assert_eq!(violations(&several).len(), 3, "{}", several.text());
        let long = format!("{EVENTS}?session_id={}", "x".repeat(257));
        assert_eq!(violation(&app.get(&long).await), "query.session_id value_error");
        let many: Vec<String> = (0..100).map(|number| format!("p{number}=1")).collect();
        let answer = app.get(&format!("{EVENTS}?{}", many.join("&"))).await;
        assert_eq!(violations(&answer).len(), 65, "what is beyond 64 parameters is not read");
    }

    async fn a_foreign_or_broken_cursor_is_refused(app: App) {
        let names = disabled(&app, 3).await;
        pass_over(&app, &names, &json!({})).await;
        let page = app.get(&format!("{EVENTS}?limit=1")).await.json();
        let cursor = page["next_cursor"].as_str().expect("a cursor").to_owned();
        let stranger = app.other_organization("stranger").await;
        let models = app.get("/v1/model-router/models?limit=1").await.json();
        let of_models = models["next_cursor"].as_str().expect("a cursor").to_owned();
        let bent = format!("{}{}", if cursor.starts_with('A') { 'B' } else { 'A' }, &cursor[1..]);

        let bad_request = (400, "invalid_cursor".to_owned());
        for broken in ["", "1", "null", "%00", "%F0%9F%98%80", &cursor[..10], &bent, &of_models] {
            let path = format!("{EVENTS}?cursor={broken}");
            let answer = app.get(&path).await;
            if broken != "%00" {
                assert_eq!(refusal(&answer), bad_request, "{broken}");
                assert_eq!(refusal(&export(&app, &path, "text/csv").await), bad_request, "{broken}");
            } else {
                assert_eq!(violation(&answer), "query.cursor value_error");
            }
        }
        let theirs = app.request(Method::GET, &format!("{EVENTS}?cursor={cursor}"));
        assert_eq!(refusal(&app.call(theirs, &stranger.key).await), bad_request);
    }

    async fn an_export_holds_every_match_in_the_order_of_the_list(app: App) {
        let names = disabled(&app, 31).await;
        for _ in 0..14 {
            app.clock.advance(Duration::from_millis(7));
            pass_over(&app, &names, &json!({})).await;
        }
        let whole = walk(&app, &format!("{EVENTS}?limit=200")).await.concat();
        assert_eq!(whole.len(), 434);

        let file = export(&app, EVENTS, "application/x-ndjson").await;
        assert_eq!(file.status, 200);
        assert_eq!(file.header("content-type"), "application/x-ndjson; charset=utf-8");
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"fallback-events.ndjson\"");
        assert_eq!(json_rows(&file), whole);

        let file = export(&app, EVENTS, "application/json;q=0.2, text/csv").await;
        assert_eq!(file.status, 200);
        assert_eq!(file.header("content-type"), "text/csv; charset=utf-8; header=present");
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"fallback-events.csv\"");
        assert_eq!(file.header("vary"), "Accept");
        let rows = csv_rows(&file);
        assert_eq!(each(&rows, "id"), each(&whole, "id"));
        // A column for every member, as text, and empty for null.
        let (row, event) = (rows[0].as_object().expect("a row"), whole[0].as_object().expect("an event"));
        assert_eq!(row.len(), event.len());
        for (member, value) in event {
            let cell = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let cell = if value.is_null() { String::new() } else { cell };
            assert_eq!(row[member], json!(cell), "{member}");
        }
        let order: Vec<&str> =
            "id organization_id failed_model next_model error_class error_message invocation_type \
            router_config_id session_id created_at"
                .split_whitespace()
                .collect();
        assert!(file.text().starts_with(&order.join(",")), "Feather's columns come first");

        // Filters, a limit and a cursor work as for pages.
        let some = csv_rows(&export(&app, &format!("{EVENTS}?failed_model=off-30"), "text/csv").await);
        assert_eq!(each(&some, "failed_model"), vec!["off-30"; 14]);
        let some = json_rows(&export(&app, &format!("{EVENTS}?limit=201"), "application/x-ndjson").await);
        assert_eq!(some, whole[..201]);
        let page = app.get(&format!("{EVENTS}?limit=10")).await.json();
        let rest = format!("{EVENTS}?cursor={}", page["next_cursor"].as_str().expect("a cursor"));
        assert_eq!(json_rows(&export(&app, &rest, "application/x-ndjson").await), whole[10..]);
        let none = export(&app, &format!("{EVENTS}?origin=demo"), "text/csv").await;
        assert_eq!(none.text().lines().count(), 1, "an empty file still has its header");
        let too_many = export(&app, &format!("{EVENTS}?limit=100001"), "text/csv").await;
        assert_eq!(violation(&too_many), "query.limit value_error");
    }

    async fn a_cell_that_a_spreadsheet_would_run_is_text(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["first"]).await;
        let hostile = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=\"a\",\n\"b\""];
        for text in hostile {
            fake.next(Script::error(400, "bad", text));
            app.chat(&json!({"model": "first", "session_id": text})).await;
        }
        let events = items(&app, EVENTS).await;
        let mut sessions = each(&events, "session_ref");
        sessions.reverse();
        assert_eq!(sessions, hostile, "JSON has the words as they were");
        let file = export(&app, EVENTS, "text/csv").await;
        let rows = csv_rows(&file);
        for (row, event) in rows.iter().zip(&events) {
            for member in ["session_ref", "error_message"] {
                let (cell, words) =
                    (row[member].as_str().expect("a cell"), event[member].as_str().expect("words"));
                let runs = words.starts_with(['=', '+', '-', '@', '\t', '\r']);
                assert_eq!(cell, if runs { format!("'{words}") } else { words.to_owned() });
            }
            assert!(row["session_ref"].as_str().is_some_and(|cell| cell.starts_with('\'')));
        }
        assert_eq!(rows.len(), hostile.len());
    }

    async fn another_organizations_events_are_not_there(app: App) {
        let names = disabled(&app, 2).await;
        let stranger = app.other_organization("stranger").await;
        let provider = stranger.provider_at("none", "simulated", None).await;
        for name in &names {
            stranger.model_like(name, provider, |model| model.enabled = false).await;
        }
        let body = chat_body(&json!({"models": names, "session_id": "visit 7"}));
        let request = app.request(Method::POST, "/v1/chat/completions").body(body.to_string());
        assert_eq!(app.call(request, &stranger.key).await.status, 503);
        let theirs = app.call(app.request(Method::GET, EVENTS), &stranger.key).await.json();
        let foreign = theirs["items"][0]["id"].as_str().expect("an event").to_owned();

        assert_eq!(items(&app, EVENTS).await, Vec::<Value>::new());
        assert_eq!(items(&app, &format!("{EVENTS}?session_id=visit+7")).await, Vec::<Value>::new());
        assert!(json_rows(&export(&app, EVENTS, "application/x-ndjson").await).is_empty());
        assert_absent(&app, Method::GET, EVENTS, &foreign).await;
        assert_guarded(&app, Method::GET, EVENTS, "router:read").await;
        assert_guarded(&app, Method::GET, &format!("{EVENTS}/{foreign}"), "router:read").await;
        let wrong = app.send(app.request(Method::POST, EVENTS)).await;
        assert_eq!((refusal(&wrong), wrong.header("allow")), ((405, "method_not_allowed".to_owned()), "GET, HEAD"));
    }
}
