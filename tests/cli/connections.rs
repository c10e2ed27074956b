//! The sessions of a process at a real PostgreSQL, while it is busy.

use std::sync::atomic::{AtomicBool, Ordering};

use rstest::rstest;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, Statement};

use crate::installation::{Installation, Kind};
use crate::process::failed;

const CALLERS: usize = 24;
const ROUNDS: usize = 10;

/// The sessions of all Failsoft processes at this database.
const SESSIONS: &str = "SELECT count(*) FROM pg_stat_activity \
     WHERE datname = current_database() AND application_name = 'failsoft'";

#[rstest]
#[case(None, 16)]
#[case(Some("5"), 5)]
#[case(Some("9"), 9)]
fn a_busy_process_has_no_more_sessions_than_the_setting_says(
    #[case] setting: Option<&str>,
    #[case] most: i64,
) {
    let mut installation = Installation::new(Kind::Postgres);
    if let Some(setting) = setting {
        installation.set("FAILSOFT_DATABASE_CONNECTIONS", setting);
    }
    let made = installation.create_organization("owner@example.com");
    let key = made["api_key"].as_str().expect("a key");
    let counter = Counter::new(&installation);
    let seen = counter.highest_while(|| {
        let server = installation.serve();
        server.wait_for_key(key);
        server.create_simulated_model(key, "steady", "sim/steady");
        std::thread::scope(|scope| {
            for caller in 0..CALLERS {
                let server = &server;
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        call(server, key, caller + round);
                    }
                });
            }
        });
        server.process.stop();
    });
    println!("at most {seen} sessions of {most}");
    // Each purpose was served: the watcher, the recorder, changes and reads.
    assert!((4..=most).contains(&seen), "{seen} sessions of {most}");
}

/// Work for all pools: a request, a list, figures, an export, or a change.
fn call(server: &crate::installation::Server, key: &str, turn: usize) {
    let path = match turn % 5 {
        0 => {
            let body = r#"{"model": "steady", "messages": [{"role": "user", "content": "Hello?"}]}"#;
            let header = format!("authorization: Bearer {key}");
            let ask = ["--header", &header, "--header", "content-type: application/json", "--data", body];
            assert_eq!(server.call(&ask, "/v1/chat/completions").0, 200);
            return;
        }
        1 => "/v1/model-router/requests?limit=100",
        2 => "/v1/model-router/usage?group_by=model",
        3 => "/v1/model-router/fallback-events?limit=100",
        _ => {
            let id = uuid::Uuid::now_v7();
            let provider = serde_json::json!({ "name": format!("provider {id}"), "preset": "simulated" });
            server.create(key, "/v1/model-router/providers", &provider);
            return;
        }
    };
    let as_csv = if turn.is_multiple_of(2) { "accept: text/csv" } else { "accept: application/json" };
    let key = format!("x-api-key: {key}");
    let (status, body) = server.call(&["--header", &key, "--header", as_csv], path);
    assert_eq!(status, 200, "{path}: {body}");
}

/// Counts sessions on a connection of its own.
struct Counter {
    runtime: tokio::runtime::Runtime,
    connection: DatabaseConnection,
}

impl Counter {
    fn new(installation: &Installation) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let mut options = ConnectOptions::new(installation.get("DATABASE_URL"));
        options.max_connections(1).sqlx_logging(false);
        let connection = runtime.block_on(Database::connect(options)).expect("the database");
        Self { runtime, connection }
    }

    /// The highest number of sessions that was seen while `work` ran.
    fn highest_while(&self, work: impl FnOnce()) -> i64 {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let counted = scope.spawn(|| {
                let mut highest = 0;
                while !done.load(Ordering::Acquire) {
                    highest = highest.max(self.count());
                }
                highest
            });
            let end = SetOnDrop(&done);
            work();
            drop(end);
            counted.join().expect("counted")
        })
    }

    fn count(&self) -> i64 {
        self.runtime.block_on(async {
            let statement = Statement::from_string(sea_orm::DbBackend::Postgres, SESSIONS);
            let row = self.connection.query_one_raw(statement).await.expect("asked").expect("a row");
            row.try_get_by_index(0).expect("a number")
        })
    }
}

/// Ends the counting also if the work fails.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[rstest]
fn a_number_that_cannot_work_is_refused_with_the_range(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let mut installation = Installation::new(kind);
    let (fewest, name) = if kind == Kind::Sqlite { ("3", "SQLite") } else { ("5", "PostgreSQL") };
    for number in ["0", "2", "1001", "4000000000"] {
        installation.set("FAILSOFT_DATABASE_CONNECTIONS", number);
        let message = failed(&installation.run(&["serve"]));
        let named = format!("FAILSOFT_DATABASE_CONNECTIONS must be from {fewest} to 1000 with {name}");
        assert!(message.contains(&named), "{message}");
    }
    installation.set("FAILSOFT_DATABASE_CONNECTIONS", fewest);
    installation.serve().process.stop();
}
