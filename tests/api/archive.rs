//! The archive of a real process, in a folder and in a bucket, read with DuckDB.
//!
//! The server of a test is in the past, so a process that has the machine's clock finds that its records are too old.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use chrono::DateTime;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{App, Organization, eventually};
use crate::support::database::Kind;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;
use crate::support::process::Process;

const TOKEN: &str = "metrics-token-of-the-operator";

/// A command of the Python environment that .ci/setup makes.
fn python(script: &str) -> Command {
    let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME")).join(".cache/failsoft/venv");
    let environment = std::env::var_os("FAILSOFT_VENV").map_or_else(home, PathBuf::from);
    let program = environment.join("bin/python");
    assert!(program.exists(), "{} is missing; run .ci/setup", program.display());
    let mut command = Command::new(program);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    command.arg("-B").arg(format!("{}/tests/archive/{script}", env!("CARGO_MANIFEST_DIR")));
    command
}

/// The rows of the archive, by table, once it has as many as were recorded. On PostgreSQL, lists no longer show
/// partitions that are being archived.
async fn read(place: &[&str], recorded: &Recorded) -> Value {
    let whole = |archive: &Value| {
        recorded
            .iter()
            .all(|(table, rows)| archive[table].as_array().is_some_and(|found| found.len() >= rows.len()))
    };
    eventually(async || {
        let output = python("read.py").args(place).output().expect("python");
        // A table without an object yet cannot be read.
        serde_json::from_slice(&output.stdout).ok().filter(whole)
    })
    .await
}

/// A storage with the interface of S3, which ends with its test.
struct Storage {
    child: Child,
    endpoint: String,
}

impl Storage {
    fn start() -> Self {
        let mut child = python("storage.py")
            .arg("records")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python");
        let mut endpoint = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut endpoint).expect("a line");
        Self { child, endpoint: endpoint.trim().to_owned() }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Failovers, answers and failures of two organizations, which keep their records for different periods.
async fn calls(app: &App) -> Organization {
    let fake = FakeProvider::start().await;
    fake.always_for("a-upstream", Script::error(503, "overloaded", "busy: \u{1F600}"));
    fake.always_for("b-upstream", Script::answer("Hi"));
    let other = app.other_organization("other").await;
    for organization in [&app.organization, &other] {
        organization.catalog(&fake, &["a", "b"]).await;
        for body in [json!({"model": "a", "models": ["b"]}), json!({"model": "b"}), json!({"model": "a"})] {
            let body = crate::support::app::chat_body(&body);
            let call =
                crate::support::app::with_json(app.request(Method::POST, "/v1/chat/completions"), &body);
            app.call(call, &organization.key).await;
        }
    }
    for (organization, days) in [(&app.organization, 30), (&other, 40)] {
        let settings = failsoft::store::OrganizationSettings {
            retention_days: days,
            ..failsoft::store::OrganizationSettings::default()
        };
        assert!(organization.store.settings_set(&settings, None).await.expect("set"));
    }
    other
}

async fn list(app: &App, path: &str, key: &str) -> Vec<Value> {
    let page = app.call(app.request(Method::GET, path), key).await;
    assert_eq!(page.status, 200, "{}", page.text());
    page.json()["items"].as_array().expect("a list").clone()
}

const REQUESTS: &str = "/v1/model-router/requests?limit=200";
const EVENTS: &str = "/v1/model-router/fallback-events?limit=200";

/// What the API says of both organizations, by table.
type Recorded = BTreeMap<&'static str, Vec<Value>>;

async fn recorded(app: &App, other: &Organization) -> Recorded {
    app.requests(3).await;
    let mut recorded = BTreeMap::new();
    for (table, path, count) in [("requests", REQUESTS, 6), ("fallback_events", EVENTS, 2)] {
        let rows = eventually(async || {
            let mut rows = list(app, path, &app.organization.key).await;
            rows.extend(list(app, path, &other.key).await);
            (rows.len() >= count).then_some(rows)
        })
        .await;
        recorded.insert(table, rows);
    }
    recorded
}

/// Fails unless the archive has the rows of the API, and each member that both have is the same.
fn assert_same(archive: &Value, recorded: &Recorded) {
    for (table, rows) in recorded {
        let archived = archive[table].as_array().expect("rows");
        assert_eq!(archived.len(), rows.len(), "{table}");
        for row in rows {
            let same = archived.iter().find(|found| found["id"] == row["id"]).expect("the row");
            let mut compared = 0;
            for (name, value) in row.as_object().expect("an object") {
                let Some(found) = same.get(name) else { continue };
                let found = match (name.as_str(), found) {
                    ("attempts", Value::String(text)) => serde_json::from_str(text).expect("JSON"),
                    (_, found) => found.clone(),
                };
                let value = match value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()) {
                    Some(time) => json!(time.timestamp_micros()),
                    None => value.clone(),
                };
                assert_eq!(found, value, "{table}.{name}");
                compared += 1;
            }
            assert!(compared >= 8, "{table}: {row}");
        }
    }
}

async fn assert_deleted(app: &App, other: &Organization) {
    for key in [&app.organization.key, &other.key] {
        for path in [REQUESTS, EVENTS] {
            eventually(async || list(app, path, key).await.is_empty().then_some(())).await;
        }
    }
}

async fn metric(app: &App, name: &str) -> i64 {
    let metrics = app.call(app.request(Method::GET, "/metrics"), TOKEN).await.text();
    let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("{name} ")).map(str::to_owned));
    line.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().expect("a number")
}

on_both_databases! {
    async fn records_are_in_the_folder_before_they_are_deleted(app: App) {
        let (mut app, folder) = (app, tempfile::tempdir().expect("a folder"));
        let other = calls(&app).await;
        let recorded = recorded(&app, &other).await;
        app.stop().await;
        let path = folder.path().join("archive");
        let url = format!("file://{}", path.display());
        let process = Process::serve(&app, &[("FAILSOFT_ARCHIVE_URL", &url), ("FAILSOFT_METRICS_TOKEN", TOKEN)]).await;
        app.address = process.address;
        assert_deleted(&app, &other).await;
        assert_same(&read(&[path.to_str().expect("a path")], &recorded).await, &recorded);
        // Two tables, two organizations, and the figures of usage stay.
        assert_eq!(metric(&app, "failsoft_archive_objects_total").await, 4);
        let rows = recorded.values().map(Vec::len).sum::<usize>();
        assert_eq!(metric(&app, "failsoft_archive_rows_total").await, i64::try_from(rows).expect("few"));
        assert_eq!(metric(&app, "failsoft_archive_failing_seconds").await, 0);
        drop(process);
    }

    async fn records_are_in_the_bucket_before_they_are_deleted(app: App) {
        let (mut app, folder) = (app, tempfile::tempdir().expect("a folder"));
        let other = calls(&app).await;
        let recorded = recorded(&app, &other).await;
        app.stop().await;
        let storage = Storage::start();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "a secret key\n").expect("written");
        let process = Process::serve(&app, &[
            ("FAILSOFT_ARCHIVE_URL", "s3://records/failsoft"),
            ("FAILSOFT_ARCHIVE_ENDPOINT", &storage.endpoint),
            ("AWS_ACCESS_KEY_ID", "an id"),
            ("AWS_SECRET_ACCESS_KEY_FILE", secret.to_str().expect("a path")),
        ]).await;
        app.address = process.address;
        assert_deleted(&app, &other).await;
        assert_same(&read(&[&storage.endpoint, "records", "failsoft"], &recorded).await, &recorded);
        drop(process);
    }

    async fn nothing_is_deleted_while_the_archive_cannot_be_written(app: App) {
        let (mut app, folder) = (app, tempfile::tempdir().expect("a folder"));
        let other = calls(&app).await;
        let recorded = recorded(&app, &other).await;
        app.stop().await;
        // A file where the folder should be refuses also the superuser, who runs the tests in a container.
        let path = folder.path().join("archive");
        std::fs::write(&path, "").expect("written");
        let url = format!("file://{}", path.display());
        let variables = [("FAILSOFT_ARCHIVE_URL", url.as_str()), ("FAILSOFT_METRICS_TOKEN", TOKEN)];
        let process = Process::serve(&app, &variables).await;
        app.address = process.address;
        eventually(async || (metric(&app, "failsoft_archive_failures_total").await > 0).then_some(())).await;
        assert_eq!(metric(&app, "failsoft_archive_rows_total").await, 0);
        process.stop();
        // The next process can, and has everything.
        std::fs::remove_file(&path).expect("removed");
        let process = Process::serve(&app, &variables).await;
        app.address = process.address;
        assert_deleted(&app, &other).await;
        assert_same(&read(&[path.to_str().expect("a path")], &recorded).await, &recorded);
        drop(process);
    }
}

/// A process that is killed while it archives leaves all records in the archive or the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_no_record() {
    let mut app = App::start(Kind::Sqlite).await;
    let folder = tempfile::tempdir().expect("a folder");
    let other = calls(&app).await;
    let recorded = recorded(&app, &other).await;
    app.stop().await;
    let path = folder.path().join("archive");
    let url = format!("file://{}", path.display());
    for _ in 0..6 {
        let mut process = Process::serve(&app, &[("FAILSOFT_ARCHIVE_URL", &url)]).await;
        process.kill();
    }
    let process = Process::serve(&app, &[("FAILSOFT_ARCHIVE_URL", &url)]).await;
    app.address = process.address;
    assert_deleted(&app, &other).await;
    assert_same(&read(&[path.to_str().expect("a path")], &recorded).await, &recorded);
    drop(process);
}
