//! A streaming replica of PostgreSQL, from which records are read.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Instant;

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, Statement};
use serde_json::Value;

use crate::installation::{Installation, Kind, Server};
use crate::process::{PATIENCE, eventually, failed, text};

const IN_USE: &str = "records are read from the replica";
const NOT_IN_USE: &str = "records are read from the database instead of its replica";

/// A PostgreSQL server and its replica, which end when this is dropped.
struct Pair {
    child: Child,
    input: Option<ChildStdin>,
    database: String,
    replica: String,
    folder: String,
}

impl Pair {
    fn start() -> Self {
        let script = "echo \"$FAILSOFT_TEST_POSTGRES_URL $FAILSOFT_TEST_REPLICA_URL $FAILSOFT_TEST_REPLICA_DATA\"; exec cat";
        let mut child = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/with-postgres"))
            .args(["--replica", "sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the servers");
        let input = child.stdin.take().expect("a pipe");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let [database, replica, folder] = words.try_into().expect("two URLs and a folder");
        Self { child, input: Some(input), database, replica, folder }
    }

    fn stop_replica(&self) {
        let kill = "kill -QUIT \"$(head -n 1 \"$0/postmaster.pid\")\"";
        assert!(Command::new("sh").args(["-c", kill, &self.folder]).status().expect("a shell").success());
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // The command reads its input to the end, and then the script removes the servers.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// The first value of a query, as text.
fn ask(url: &str, query: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        let server = Database::connect(options).await.expect("the server");
        let statement = Statement::from_string(sea_orm::DbBackend::Postgres, query);
        let row = server.query_one_raw(statement).await.expect(query).expect("a row");
        server.close().await.expect("closed");
        row.try_get_by_index(0).expect("a text")
    })
}

fn chat(server: &Server, key: &str) -> String {
    let body = r#"{"model": "steady", "messages": [{"role": "user", "content": "Hello?"}]}"#;
    let header = format!("authorization: Bearer {key}");
    let ask =
        ["--include", "--header", &header, "--header", "content-type: application/json", "--data", body];
    let (status, answer) = server.call(&ask, "/v1/chat/completions");
    assert_eq!(status, 200, "{answer}");
    let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: "));
    id.expect("an id").trim().to_owned()
}

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().expect("a list");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

fn lists(server: &Server, key: &str, id: &str) -> bool {
    ids(&server.get(key, "/v1/model-router/requests?limit=100")).iter().any(|listed| listed == id)
}

fn times(server: &mut Server, line: &str) -> usize {
    server.process.said().matches(line).count()
}

#[test]
fn records_are_read_from_a_replica_while_it_follows_and_from_the_database_otherwise() {
    let pair = Pair::start();
    let mut installation = Installation::new(Kind::Postgres);
    installation.set("DATABASE_URL", &pair.database);
    installation.set("FAILSOFT_DATABASE_READ_URL", &pair.replica);
    installation.set("FAILSOFT_LOG", "info,failsoft::store::database::replica=debug");
    let made = installation.create_organization("owner@example.com");
    let key = made["api_key"].as_str().expect("a key");
    let mut server = installation.serve();
    server.wait_for_key(key);
    server.create_simulated_model(key, "steady", "sim/steady");
    eventually("the replica is read", || (times(&mut server, IN_USE) == 1).then_some(()));
    let first = chat(&server, key);
    eventually("the replica has it", || lists(&server, key, &first).then_some(()));
    let figures = server.get(key, "/v1/model-router/usage");
    assert!(figures["items"].as_array().is_some(), "{figures}");
    let read = "SELECT CAST(count(*) AS text) FROM pg_stat_activity \
         WHERE application_name = 'failsoft' AND query LIKE '%\"requests\"%'";
    assert_ne!(ask(&pair.replica, read), "0", "the list was read from the replica");

    // The replica receives everything and shows nothing of it.
    ask(&pair.replica, "SELECT CAST(pg_wal_replay_pause() AS text)");
    let second = chat(&server, key);
    let one = server.get(key, &format!("/v1/model-router/requests/{second}"));
    assert_eq!(one["id"], second.as_str());
    for name in ["new", "newer"] {
        server.create_simulated_model(key, name, "sim/steady");
        let models = server.get(key, "/v1/model-router/models?limit=100").to_string();
        assert!(models.contains(&format!("\"{name}\"")), "what was changed is there at once: {models}");
    }
    eventually("the database is read instead", || lists(&server, key, &second).then_some(()));
    assert_eq!(times(&mut server, NOT_IN_USE), 1);
    assert!(server.process.said().contains(" s behind"), "{}", server.process.said());
    ask(&pair.replica, "SELECT CAST(pg_wal_replay_resume() AS text)");
    let again = Instant::now();
    while times(&mut server, IN_USE) < 2 {
        assert!(again.elapsed() < PATIENCE, "the replica is not read again: {}", server.process.said());
    }
    assert!(lists(&server, key, &second));

    assert!(text(&installation.run(&["check"]).stdout).contains("ok      replica: it answers"));
    pair.stop_replica();
    let third = chat(&server, key);
    assert!(lists(&server, key, &third), "no list fails");
    assert_eq!(times(&mut server, NOT_IN_USE), 2);
    server.process.stop();
    let checked = text(&installation.run(&["check"]).stdout);
    assert!(
        checked.contains("failed  replica: ") && checked.contains("FAILSOFT_DATABASE_READ_URL"),
        "{checked}"
    );
    // A start does not wait for the replica.
    installation.serve().process.stop();
}

#[test]
fn a_database_that_follows_another_one_is_never_read() {
    let other = Installation::new(Kind::Postgres);
    let made = other.create_organization("owner@example.com");
    assert!(made["api_key"].as_str().is_some());
    let other_server = other.serve();
    let mut installation = Installation::new(Kind::Postgres);
    installation.set("FAILSOFT_DATABASE_READ_URL", &other.get("DATABASE_URL"));
    let made = installation.create_organization("owner@example.com");
    let key = made["api_key"].as_str().expect("a key");
    let mut server = installation.serve();
    server.wait_for_key(key);
    server.create_simulated_model(key, "steady", "sim/steady");
    for _ in 0..3 {
        let id = chat(&server, key);
        assert!(lists(&server, key, &id));
    }
    assert_eq!(times(&mut server, IN_USE), 0);
    server.process.stop();
    other_server.process.stop();
}

#[test]
fn a_replica_of_anything_but_postgresql_is_refused() {
    let mut installation = Installation::new(Kind::Postgres);
    installation.set("FAILSOFT_DATABASE_READ_URL", "sqlite://copy.db");
    let message = failed(&installation.run(&["serve"]));
    assert!(message.contains("FAILSOFT_DATABASE_READ_URL is no PostgreSQL"), "{message}");
    installation.set("FAILSOFT_DATABASE_READ_URL", "postgres://user:secret#1@host/name");
    let message = failed(&installation.run(&["serve"]));
    let named = message.contains("FAILSOFT_DATABASE_READ_URL cannot be read") && !message.contains("secret");
    assert!(named, "{message}");
    let mut installation = Installation::new(Kind::Sqlite);
    installation.set("FAILSOFT_DATABASE_READ_URL", "postgres://user@host/name");
    let message = failed(&installation.run(&["serve"]));
    assert!(message.contains("for PostgreSQL only"), "{message}");
}
