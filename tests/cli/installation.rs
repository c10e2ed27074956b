//! An operator's installation: a database, settings in the environment, and the commands.

use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, eventually, run, succeeded, text};

/// The database of an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// An installation on an empty database. Both are removed when this is dropped.
pub(crate) struct Installation {
    environment: Vec<(String, String)>,
    folder: TempDir,
    on_server: Option<(String, String)>,
}

impl Installation {
    pub(crate) fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut environment = Vec::new();
        let mut on_server = None;
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", folder.path().join("failsoft.db").display()),
            Kind::Postgres => {
                environment.push(("FAILSOFT_MASTER_KEY".to_owned(), master_key(7)));
                let (address, name) = create_database();
                let (server, _) = address.rsplit_once('/').expect("an address that ends in /postgres");
                let url = format!("{server}/{name}");
                on_server = Some((address, name));
                url
            }
        };
        environment.push(("DATABASE_URL".to_owned(), url));
        environment.push(("FAILSOFT_LISTEN".to_owned(), "127.0.0.1:0".to_owned()));
        environment.push(("FAILSOFT_WORKERS".to_owned(), "1".to_owned()));
        environment.push(("FAILSOFT_DRAIN_NOTICE_SECONDS".to_owned(), "0".to_owned()));
        Self { environment, folder, on_server }
    }

    /// Sets a setting; the database stays.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Removes a setting; the database stays.
    pub(crate) fn unset(&mut self, name: &str) {
        self.environment.retain(|(known, _)| known != name);
    }

    /// A setting; empty if it is not set.
    pub(crate) fn get(&self, name: &str) -> String {
        let found = self.environment.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A command of the program, with this installation's environment and nothing of the test's.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.surround(program(arguments))
    }

    /// The same, started by a shell after a line that sets what it inherits, such as `umask 022`.
    pub(crate) fn command_after(&self, line: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("{line} && exec \"$0\" \"$@\""), PROGRAM]).args(arguments);
        without_settings(&mut command);
        self.surround(command)
    }

    fn surround(&self, mut command: Command) -> Command {
        command.current_dir(self.folder.path()).envs(self.environment.iter().cloned());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        run(self.command(arguments), "")
    }

    /// Starts `serve`, and waits until it accepts connections.
    pub(crate) fn serve(&self) -> Server {
        Server::of(Process::start(self.command(&["serve"])))
    }

    /// Runs `org create --json`.
    pub(crate) fn create_organization(&self, email: &str) -> Value {
        let arguments = ["org", "create", "--name", "Acme", "--email", email, "--password-stdin", "--json"];
        let output = run(self.command(&arguments), "correct horse battery staple\n");
        let created = succeeded(&output);
        assert_eq!(created.lines().count(), 1, "{created}");
        serde_json::from_str(&created).expect("JSON")
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_failsoft");

/// The program, without the settings in the test's own environment.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    without_settings(command.args(arguments));
    command
}

/// Removes settings and proxies from a command's environment.
pub(crate) fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars() {
        let lower = name.to_lowercase();
        if lower.starts_with("failsoft_") || name.starts_with("DATABASE_URL") || lower.ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command
}

/// A master key of 32 equal bytes.
pub(crate) fn master_key(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

/// A server that accepts connections.
pub(crate) struct Server {
    pub(crate) process: Process,
    url: String,
}

impl Server {
    /// Waits for the line with the address.
    pub(crate) fn of(mut process: Process) -> Self {
        let line = process.line();
        let url = line.strip_prefix("Failsoft listens on ").unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { process, url }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// A call; returns the status, 0 if there was no response, and the body.
    pub(crate) fn call(&self, arguments: &[&str], path: &str) -> (u16, String) {
        let mut command = curl();
        command.args(["--write-out", "\n%{http_code}"]).args(arguments).arg(self.url(path));
        let answer = text(&run(command, "").stdout);
        let (body, status) = answer.rsplit_once('\n').unwrap_or(("", &answer));
        (status.parse().unwrap_or(0), body.to_owned())
    }

    /// Reads an existing resource.
    pub(crate) fn get(&self, key: &str, path: &str) -> Value {
        let (status, body) = self.call(&["--header", &format!("x-api-key: {key}")], path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// Sends JSON; returns the status and the body. `data` is the text itself, or `@` and the path of a file.
    pub(crate) fn post(&self, key: &str, path: &str, data: &str) -> (u16, String) {
        let key = format!("x-api-key: {key}");
        let json = "content-type: application/json";
        self.call(&["--header", &key, "--header", json, "--data-binary", data], path)
    }

    /// Creates a resource and returns it.
    pub(crate) fn create(&self, key: &str, path: &str, fields: &Value) -> Value {
        let (status, body) = self.post(key, path, &fields.to_string());
        assert_eq!(status, 201, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// Adds a model to the catalog, served by a provider of preset `simulated`.
    pub(crate) fn create_simulated_model(&self, key: &str, name: &str, upstream: &str) {
        let provider = json!({ "name": format!("provider of {name}"), "preset": "simulated" });
        let provider = self.create(key, "/v1/model-router/providers", &provider);
        let model = json!({ "name": name, "provider_id": provider["id"], "upstream_model": upstream });
        self.create(key, "/v1/model-router/models", &model);
    }

    /// Waits until this process knows a key that another process may have created.
    pub(crate) fn wait_for_key(&self, key: &str) {
        let header = format!("x-api-key: {key}");
        eventually("the key is known", || {
            (self.call(&["--header", &header], "/v1/models").0 == 200).then_some(())
        });
    }
}

/// curl, without progress output and without the user's own settings.
pub(crate) fn curl() -> Command {
    let mut command = Command::new("curl");
    without_settings(command.args(["--disable", "--silent", "--show-error", "--max-time", "60"]));
    command
}

fn create_database() -> (String, String) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    // A missing server fails the test: skipping it would look like success.
    let address = std::env::var("FAILSOFT_TEST_POSTGRES_URL").expect(
        "FAILSOFT_TEST_POSTGRES_URL is not set: these tests need a PostgreSQL server. `make test` starts a \
         throw-away one; for a single test use `.ci/with-postgres cargo test --test cli NAME`",
    );
    let name = format!("failsoft_cli_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    // A killed test process may have left a database of the same name.
    execute(&address, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    execute(&address, &format!("CREATE DATABASE {name}"));
    (address, name)
}

fn execute(address: &str, statement: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut options = ConnectOptions::new(address);
        options.max_connections(1).sqlx_logging(false);
        let server = Database::connect(options).await.expect("the PostgreSQL server");
        server.execute_unprepared(statement).await.expect(statement);
        server.close().await.expect("closed");
    });
}

impl Drop for Installation {
    fn drop(&mut self) {
        if let Some((address, name)) = &self.on_server {
            execute(address, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}
