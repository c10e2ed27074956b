//! Durability: what a crash leaves, what waits during a PostgreSQL outage, and that nothing is counted twice.

use failsoft::domain::period::Period;
use reqwest::Method;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use super::pick;
use super::recording::hold_up_writers;
use crate::support::app::{App, chat_body, eventually};
use crate::support::browser::Browser;
use crate::support::database::Kind;
use crate::support::fake_provider::{FakeProvider, Gate, Script};
use crate::support::on_both_databases;
use crate::support::process::Process;
use crate::support::raw_client::Raw;

const TOKEN: &str = "metrics-token-of-the-operator";

/// The number of live requests with this outcome, according to the roll-ups.
async fn counted(app: &App, outcome: &str) -> i64 {
    // Before a read, what is committed is added to the roll-ups.
    app.store.system().spent_since(Period::Day).await.expect("read");
    let statement = format!(
        "SELECT CAST(sum(requests) AS bigint) FROM request_rollups WHERE width = 300 AND outcome = '{outcome}'"
    );
    let database = app.database().await;
    let statement = Statement::from_string(database.get_database_backend(), statement);
    let sum = database.query_one_raw(statement).await.expect("read").expect("a row");
    sum.try_get_by_index::<Option<i64>>(0).expect("a number").unwrap_or(0)
}

async fn metric(app: &App, name: &str) -> u64 {
    let metrics = app.call(app.request(Method::GET, "/metrics"), TOKEN).await.text();
    let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("{name} ")).map(str::to_owned));
    line.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().expect("a number")
}

/// A server on the same database with its own spool, and the spool's folder.
async fn with_spool(app: &App, bytes: u64) -> (App, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool.db");
    let spooling = app
        .beside(|settings| {
            settings.recording.spool = Some(path);
            settings.recording.spool_bytes = bytes;
            settings.telemetry.metrics_token = Some(TOKEN.into());
        })
        .await;
    (spooling, folder)
}

on_both_databases! {
    async fn a_stream_that_its_process_did_not_survive_is_interrupted_and_free(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.always_for("a-upstream", Script::error(503, "overloaded", "busy"));
        fake.always_for("b-upstream", Script::stream().text("Hel").hang());
        let mut process = Process::serve(&app, &[]).await;
        for body in [json!({"model": "a", "models": ["b"], "stream": true}), json!({"model": "b", "stream": true})] {
            let mut caller = Raw::connect(process.address).await;
            caller.chat(&app.organization.key, &chat_body(&body)).await;
            caller.read_until("Hel").await;
            // The caller stays connected while the process is killed.
            std::mem::forget(caller);
        }
        assert_eq!(pick(&app.running(2).await, &["served_model"]), json!([["b"], ["b"]]));
        process.kill();
        let restarted = Process::serve(&app, &[]).await;
        let rows = app.requests(2).await;
        let expected = json!(["interrupted", "stream_interrupted", "b", 0, true]);
        let told = ["outcome", "error_class", "served_model", "cost_nano_dollars", "estimated"];
        assert_eq!(pick(&rows, &told), json!([expected, expected]));
        assert!(app.running(0).await.is_empty());
        eventually(async || (counted(&app, "interrupted").await == 2).then_some(())).await;
        assert_eq!((counted(&app, "running").await, app.events().await.len()), (0, 1));
        drop(restarted);
    }

    async fn a_stream_is_counted_when_it_ends_and_once(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let gate = Gate::new();
        fake.next(Script::stream().text("Hel").wait_until(&gate).finish("stop").usage(3, 2).done());
        let mut caller = Raw::connect(app.address).await;
        caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "stream": true}))).await;
        caller.read_until("Hel").await;
        let begun = app.running(1).await;
        assert_eq!(pick(&begun, &["served_model", "output_tokens", "cost_nano_dollars"]), json!([["a", null, null]]));
        assert_eq!((counted(&app, "running").await, counted(&app, "answered").await), (0, 0));
        let page = app.get("/v1/model-router/requests?outcome=running").await.json();
        assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
        gate.open();
        caller.read_until("[DONE]").await;
        let ended = app.requests(1).await;
        assert_eq!(pick(&ended, &["id", "outcome", "input_tokens", "output_tokens"]), json!([[begun[0]["id"], "answered", 3, 2]]));
        assert_eq!((counted(&app, "running").await, counted(&app, "answered").await), (0, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_slow_answers_are_given_and_nothing_is_lost_or_written_twice() {
    let app = App::start(Kind::Postgres).await;
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["a", "b"]).await;
    fake.always_for("a-upstream", Script::error(503, "overloaded", "busy"));
    fake.always_for("b-upstream", Script::answer("Hi"));
    let (spooling, _folder) = with_spool(&app, 1 << 24).await;
    let body = json!({"model": "a", "models": ["b"]});
    assert_eq!(spooling.chat(&body).await.status, 200);
    let owner = Browser::owner(&spooling, "Acme").await;
    let lock = hold_up_writers(&app).await;
    for _ in 0..20 {
        assert_eq!(spooling.chat(&body).await.status, 200);
    }
    assert!(owner.get("/").await.expect(200).shows("not written yet"));
    // A failover with a whole answer leaves one record: its event and its row.
    assert_eq!(metric(&spooling, "failsoft_recorder_spooled").await, 20);
    assert_eq!((app.requests(0).await.len(), app.events().await.len()), (1, 1));
    lock.execute_unprepared("ROLLBACK").await.expect("released");
    assert_eq!((app.requests(21).await.len(), app.events().await.len()), (21, 21));
    eventually(async || (metric(&spooling, "failsoft_recorder_spooled").await == 0).then_some(())).await;
    assert!(!owner.get("/").await.expect(200).shows("not written yet"));
    assert_eq!(counted(&app, "answered").await, 21);
    assert_eq!(metric(&spooling, "failsoft_recorder_lost_total").await, 0);
    // Everything works as before.
    assert_eq!(spooling.chat(&body).await.status, 200);
    assert_eq!((app.requests(0).await.len(), metric(&spooling, "failsoft_recorder_spooled").await), (22, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn during_a_postgresql_outage_calls_succeed_and_other_routes_report_it() {
    let app = App::start(Kind::Postgres).await;
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["a", "b"]).await;
    fake.always_for("a-upstream", Script::error(503, "overloaded", "busy"));
    fake.always_for("b-upstream", Script::answer("Hi"));
    let (spooling, _folder) = with_spool(&app, 1 << 24).await;
    let body = json!({"model": "a", "models": ["b"]});
    app.database_of_its_own().shut().await;
    for _ in 0..10 {
        assert_eq!(spooling.chat(&body).await.status, 200);
    }
    let unknown = spooling.call(spooling.request(Method::POST, "/v1/chat/completions"), "fsk_unknown").await;
    assert_eq!(unknown.status, 401);

    let away = |path: &'static str| {
        let spooling = &spooling;
        // As a browser asks; with an API key the response is JSON.
        async move {
            let answer = spooling.send(spooling.request(Method::GET, path)).await;
            Some(answer).filter(|answer| answer.status == 503)
        }
    };
    let page = eventually(async || away("/login").await).await;
    assert!(page.header("content-type").starts_with("text/html"), "{}", page.text());
    assert!(
        page.text().contains("Database unavailable") && page.text().contains("Calls to models"),
        "{}",
        page.text()
    );
    assert_eq!(spooling.get("/v1/model-router/requests").await.json()["error"], "database_away");
    let fallback = spooling.get("/fallback").await;
    assert!(fallback.json()["detail"]["error"].as_str().is_some_and(|text| text.contains("database")));
    assert_eq!((fallback.status, spooling.get("/livez").await.status), (503, 200));
    // A load balancer keeps sending calls here; without a spool it would not.
    let ready = spooling.get("/readyz").await;
    assert!(ready.status == 200 && ready.text().contains("spool"), "{}", ready.text());
    eventually(async || (app.get("/readyz").await.status == 503).then_some(())).await;
    assert_eq!(spooling.get("/v1/models").await.status, 200);
    let kept = metric(&spooling, "failsoft_recorder_spooled").await;
    assert_eq!(kept, 10);

    app.database_of_its_own().open().await;
    eventually(async || (app.get("/v1/model-router/requests").await.status == 200).then_some(())).await;
    assert_eq!(app.requests(10).await.len(), 10);
    eventually(async || (metric(&spooling, "failsoft_recorder_spooled").await == 0).then_some(())).await;
    assert_eq!((app.requests(0).await.len(), app.events().await.len()), (10, 10));
    assert_eq!(counted(&app, "answered").await, 10);
    eventually(async || {
        (spooling.send(spooling.request(Method::GET, "/login")).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_in_the_spool_survives_a_kill() {
    let app = App::start(Kind::Postgres).await;
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["a", "b"]).await;
    fake.always_for("a-upstream", Script::error(503, "overloaded", "busy"));
    fake.always_for("b-upstream", Script::stream().text("Hi").finish("stop").usage(3, 2).done());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool.db").display().to_string();
    let mut process = Process::serve(&app, &[("FAILSOFT_SPOOL", &path)]).await;
    let lock = hold_up_writers(&app).await;
    for _ in 0..5 {
        let mut caller = Raw::connect(process.address).await;
        let body = chat_body(&json!({"model": "a", "models": ["b"], "stream": true}));
        caller.chat(&app.organization.key, &body).await;
        caller.read_until("[DONE]").await;
    }
    process.kill();
    lock.execute_unprepared("ROLLBACK").await.expect("released");
    assert!(app.requests(0).await.is_empty());
    let _restarted = Process::serve(&app, &[("FAILSOFT_SPOOL", &path)]).await;
    let rows = app.requests(5).await;
    assert!(rows.iter().all(|row| row["outcome"] == "answered" && row["output_tokens"] == 2), "{rows:?}");
    assert_eq!((app.events().await.len(), app.running(0).await.len()), (5, 0));
    assert_eq!((counted(&app, "answered").await, counted(&app, "interrupted").await), (5, 0));
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).expect("the spool"));
    assert_eq!(mode & 0o077, 0, "records are for their owner's eyes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_spool_is_full_as_well_answers_are_withheld() {
    let app = App::start(Kind::Postgres).await;
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["a"]).await;
    fake.always_for("a-upstream", Script::answer("SECRET"));
    let (spooling, _folder) = with_spool(&app, 64 << 10).await;
    let lock = hold_up_writers(&app).await;
    let mut kept = 0;
    let refused = loop {
        let answer = spooling.chat(&json!({"model": "a"})).await;
        if answer.status != 200 {
            break answer;
        }
        kept += 1;
        assert!(kept < 1_000, "64 KiB hold no thousand records");
    };
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (503, &Value::from("recording_unavailable"))
    );
    assert!(kept > 0 && !refused.text().contains("SECRET"));
    lock.execute_unprepared("ROLLBACK").await.expect("released");
    let answered = |rows: &[Value]| rows.iter().filter(|row| row["outcome"] == "answered").count();
    let rows =
        eventually(async || Some(app.requests(kept).await).filter(|rows| answered(rows) >= kept)).await;
    assert_eq!(answered(&rows), kept, "{rows:?}");
    eventually(async || (spooling.chat(&json!({"model": "a"})).await.status == 200).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_whose_process_was_taken_for_dead_ends_as_it_ended() {
    let app = App::start(Kind::Postgres).await;
    let fake = FakeProvider::start().await;
    app.organization.catalog(&fake, &["a"]).await;
    let gate = Gate::new();
    fake.next(Script::stream().text("Hel").wait_until(&gate).finish("stop").usage(3, 2).done());
    let process = Process::serve(&app, &[]).await;
    let mut caller = Raw::connect(process.address).await;
    caller.chat(&app.organization.key, &chat_body(&json!({"model": "a", "stream": true}))).await;
    caller.read_until("Hel").await;
    app.running(1).await;
    process.pause();
    let taken = app.requests(1).await;
    assert_eq!(pick(&taken, &["outcome", "cost_nano_dollars"]), json!([["interrupted", 0]]));
    assert_eq!(counted(&app, "interrupted").await, 1);
    process.resume();
    gate.open();
    caller.read_until("[DONE]").await;
    assert_eq!(pick(&app.requests(1).await, &["outcome", "output_tokens"]), json!([["answered", 2]]));
    assert_eq!((counted(&app, "answered").await, counted(&app, "interrupted").await), (1, 0));
}
