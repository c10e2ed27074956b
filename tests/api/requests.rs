//! `/v1/model-router/requests`.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{App, chat_body};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::management::{assert_absent, assert_guarded, each, items, refusal, violation, walk};
use crate::support::on_both_databases;

const REQUESTS: &str = "/v1/model-router/requests";

/// A provider with a model `good` that answers and a model `bad` that fails.
async fn catalog(app: &App) -> FakeProvider {
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["good", "bad"]).await;
    fake.always_for("good-upstream", Script::answer("Hello"));
    fake.always_for("bad-upstream", Script::error(503, "overloaded", "busy"));
    fake
}

on_both_databases! {
    async fn a_row_shows_the_request_the_answering_model_and_its_cost(app: App) {
        let _fake = catalog(&app).await;
        let answer = app.chat(&json!({"model": "bad", "models": ["good"], "session_id": "visit 7"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let row = app.requests(1).await[0].clone();
        assert_eq!(row["id"], answer.header("x-request-id"));
        assert_eq!(row["organization_id"], json!(app.organization.id));
        assert_eq!(row["api_key_name"], "test key");
        assert_eq!(row["requested_model"], "bad");
        assert_eq!(row["served_model"], "good");
        assert_eq!(row["served_provider"], "fake");
        assert_eq!(row["outcome"], "answered");
        assert_eq!(row["status_code"], 200);
        assert_eq!(row["endpoint"], "/v1/chat/completions");
        assert_eq!((&row["streamed"], &row["invocation_type"]), (&json!(false), &json!("chat_completion")));
        assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(3), &json!(2)));
        assert_eq!((&row["upstream_calls"], &row["hops"]), (&json!(2), &json!(1)));
        assert_eq!(row["attempts"].as_array().map(Vec::len), Some(2));
        assert_eq!(row["session_ref"], "visit 7");
        assert_eq!(row["origin"], "live");
        for member in ["error_class", "cost_nano_dollars", "model_price_id", "client_retry_count"] {
            assert_eq!(row.get(member), Some(&json!(null)), "{member}");
        }
        let alone = app.get(&format!("{REQUESTS}/{}", answer.header("x-request-id"))).await;
        assert_eq!((alone.status, alone.json()), (200, row));
    }

    async fn pages_filters_and_exports_work_as_they_do_for_events(app: App) {
        let _fake = catalog(&app).await;
        for (model, session) in [("good", "a"), ("bad", "=a"), ("good", "b"), ("bad", "b"), ("good", "=c")] {
            app.clock.advance(Duration::from_secs(1));
            app.chat(&json!({"model": model, "session_id": session})).await;
        }
        app.requests(5).await;
        let whole = items(&app, REQUESTS).await;
        assert_eq!(each(&whole, "session_ref"), ["=c", "b", "b", "=a", "a"]);
        for limit in [1, 2, 5] {
            let pages = walk(&app, &format!("{REQUESTS}?limit={limit}")).await;
            assert_eq!(pages.concat(), whole, "{limit} on a page");
        }

        let key = whole[0]["api_key_id"].as_str().expect("a key");
        let moment = whole[2]["created_at"].as_str().expect("a time");
        for (query, found) in [
            ("requested_model=good".to_owned(), "=c b a"),
            ("served_model=good&session_id=b".to_owned(), "b"),
            ("served_model=bad".to_owned(), ""),
            ("endpoint=/v1/chat/completions".to_owned(), "=c b b =a a"),
            ("endpoint=/v1/embeddings&origin=live".to_owned(), ""),
            ("outcome=failed".to_owned(), "b =a"),
            ("outcome=client_closed".to_owned(), ""),
            ("session_id=%3Dc".to_owned(), "=c"),
            (format!("api_key_id={key}"), "=c b b =a a"),
            (format!("api_key_id={}", app.organization.id), ""),
            ("origin=live&outcome=answered".to_owned(), "=c b a"),
            ("origin=demo".to_owned(), ""),
            (format!("since={moment}"), "=c b b"),
            (format!("until={moment}"), "=a a"),
        ] {
            let rows = items(&app, &format!("{REQUESTS}?{query}")).await;
            assert_eq!(each(&rows, "session_ref").join(" "), found, "{query}");
        }

        let csv =
            app.request(Method::GET, &format!("{REQUESTS}?requested_model=bad")).header("accept", "text/csv");
        let file = app.call(csv, &app.organization.key).await;
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"requests.csv\"");
        let mut reader = csv::Reader::from_reader(&file.body[..]);
        let columns: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
        let mut members: Vec<String> = whole[0].as_object().expect("a row").keys().cloned().collect();
        let mut sorted = columns.clone();
        sorted.sort();
        members.sort();
        assert_eq!(sorted, members, "a column for every member");
        let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a line")).collect();
        let cell = |row: usize, name: &str| {
            let column = columns.iter().position(|column| column == name).expect("a column");
            rows[row][column].to_owned()
        };
        assert_eq!(rows.len(), 2);
        assert_eq!(cell(1, "session_ref"), "'=a");
        let attempts: Value = serde_json::from_str(&cell(0, "attempts")).expect("JSON in a cell");
        assert_eq!(attempts, whole[1]["attempts"]);
        let lines = app.request(Method::GET, REQUESTS).header("accept", "application/x-ndjson");
        assert_eq!(app.call(lines, &app.organization.key).await.text().lines().count(), 5);
    }

    async fn requests_are_found_by_their_endpoint(app: App) {
        let fake = catalog(&app).await;
        let provider = app.organization.provider("vectors", &fake).await;
        app.organization
            .model_like("small", provider, |model| model.settings.kind = failsoft::domain::operation::ModelKind::Embedding)
            .await;
        let vector = json!({"object": "list", "data": [{"index": 0, "embedding": [1.0]}], "usage": {"prompt_tokens": 1}});
        fake.always_for("small-upstream", Script::json(200, &vector));
        app.chat(&json!({"model": "good"})).await;
        for (path, body) in [
            ("/v1/messages", chat_body(&json!({"model": "good", "max_tokens": 9}))),
            ("/v1/responses", json!({"model": "good", "input": "Hi"})),
            ("/openai/v1/embeddings", json!({"model": "small", "input": "Hi"})),
        ] {
            let answer = app.post(path, &body).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
        app.requests(4).await;
        for endpoint in ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings"] {
            let found = items(&app, &format!("{REQUESTS}?endpoint={endpoint}&origin=live")).await;
            assert_eq!(each(&found, "endpoint"), [endpoint]);
            let csv = app.request(Method::GET, &format!("{REQUESTS}?endpoint={endpoint}")).header("accept", "text/csv");
            assert_eq!(app.call(csv, &app.organization.key).await.text().lines().count(), 2, "{endpoint}");
        }
        assert!(items(&app, &format!("{REQUESTS}?endpoint=/v1/rerank")).await.is_empty());
    }

    async fn bad_parameters_and_foreign_cursors_are_refused(app: App) {
        for (query, named) in [
            ("limit=201", "query.limit value_error"),
            ("outcome=won", "query.outcome literal_error"),
            ("endpoint=/chat/completions", "query.endpoint literal_error"),
            ("api_key_id=fsk_x", "query.api_key_id uuid_parsing"),
            ("requested_model=", "query.requested_model string_pattern_mismatch"),
            ("origin=live&origin=demo", "query.origin value_error"),
            ("error_class=timeout", "query.error_class extra_forbidden"),
        ] {
            assert_eq!(violation(&app.get(&format!("{REQUESTS}?{query}")).await), named);
        }
        let _fake = catalog(&app).await;
        let models = app.get("/v1/model-router/models?limit=1").await.json();
        let cursor = models["next_cursor"].as_str().expect("a cursor");
        let answer = app.get(&format!("{REQUESTS}?cursor={cursor}")).await;
        assert_eq!(refusal(&answer), (400, "invalid_cursor".to_owned()));
    }

    async fn another_organizations_requests_are_not_there(app: App) {
        let stranger = app.other_organization("stranger").await;
        let fake = FakeProvider::start().await;
        fake.always(Script::answer("Hello"));
        stranger.catalog(&fake, &["theirs"]).await;
        let body = chat_body(&json!({"model": "theirs"})).to_string();
        let answer =
            app.call(app.request(Method::POST, "/v1/chat/completions").body(body), &stranger.key).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let foreign = answer.header("x-request-id").to_owned();
        let path = format!("{REQUESTS}/{foreign}");
        assert_eq!(app.call(app.request(Method::GET, &path), &stranger.key).await.status, 200);
        assert_eq!(items(&app, REQUESTS).await, Vec::<Value>::new());
        assert_absent(&app, Method::GET, REQUESTS, &foreign).await;
        assert_guarded(&app, Method::GET, REQUESTS, "router:read").await;
        assert_guarded(&app, Method::GET, &path, "router:read").await;
    }
}
