//! A real PgBouncer between the program and PostgreSQL.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::installation::{Installation, Kind, Server};
use crate::process::{Process, eventually, failed, succeeded};

/// The pooler in front of an installation's database. It ends when this is dropped.
struct Pooler {
    _process: Process,
    _folder: TempDir,
    url: String,
}

fn program() -> String {
    let places = [
        "/usr/sbin/pgbouncer",
        "/usr/bin/pgbouncer",
        "/usr/local/bin/pgbouncer",
        "/opt/homebrew/bin/pgbouncer",
    ];
    let found = places.into_iter().find(|place| Path::new(place).exists());
    std::env::var("FAILSOFT_TEST_PGBOUNCER")
        .ok()
        .or(found.map(str::to_owned))
        .expect("pgbouncer is missing: run .ci/setup, or install it (on Debian: apt-get install pgbouncer)")
}

/// Whether it tracks prepared statements, which PgBouncer does since 1.21.
fn keeps_track() -> bool {
    let said = succeeded(&Command::new(program()).arg("--version").output().expect("its version"));
    let version = said.split_whitespace().nth(1).expect("a version");
    let mut parts = version.split('.').map(|part| part.parse::<u32>().expect("a number"));
    (parts.next(), parts.next()) >= (Some(1), Some(21))
}

impl Pooler {
    fn start(installation: &Installation, mode: &str, more: &str) -> Self {
        let address = installation.get("DATABASE_URL");
        let (_, rest) = address.split_once('@').expect("an address with a user");
        let (host, name) = rest.split_once('/').expect("a database");
        let (host, port) = host.split_once(':').expect("a port");
        let free = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port")
            .port();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n{name} = host={host} port={port} user=failsoft\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {free}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n{more}\n"
        );
        std::fs::write(&file, text).expect("written");
        // It refuses to run as root, and then reads its file as another user.
        for path in [folder.path(), &file] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("readable");
        }
        let mut command = Command::new(program());
        if Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n") {
            command.args(["-u", "nobody"]);
        }
        let process = Process::start({
            command.arg(&file);
            command
        });
        eventually("the pooler listens", || TcpStream::connect(("127.0.0.1", free)).ok());
        Self {
            _process: process,
            _folder: folder,
            url: format!("postgres://failsoft@127.0.0.1:{free}/{name}"),
        }
    }
}

/// Exercises an installation: its schema, an organization, a server, two servers.
fn works(installation: &mut Installation) {
    installation.set("FAILSOFT_DURABILITY", "full");
    assert!(succeeded(&installation.run(&["migrate"])).contains("up to date"));
    let server = installation.serve();
    let made = installation.create_organization("owner@example.com");
    let key = made["api_key"].as_str().expect("a key");
    server.wait_for_key(key);
    server.create_simulated_model(key, "steady", "sim/steady");
    let other = installation.serve();
    other.wait_for_key(key);
    let body = r#"{"model": "steady", "messages": [{"role": "user", "content": "Are you there?"}]}"#;
    let header = format!("authorization: Bearer {key}");
    let ask = ["--header", &header, "--header", "content-type: application/json", "--data", body];
    for round in 0..20 {
        let server = if round % 2 == 0 { &server } else { &other };
        eventually("an answer", || (server.call(&ask, "/v1/chat/completions").0 == 200).then_some(()));
    }
    let listed = server.get(key, "/v1/model-router/requests?limit=200");
    assert!(listed["items"].as_array().expect("a list").len() >= 20, "{listed}");
    assert!(installation.run(&["check"]).status.success());
    server.process.stop();
    other.process.stop();
}

#[test]
fn a_pooler_by_session_is_nothing_special() {
    let mut installation = Installation::new(Kind::Postgres);
    let pooler = Pooler::start(&installation, "session", "default_pool_size = 60");
    installation.set("DATABASE_URL", &pooler.url);
    works(&mut installation);
}

/// A pooler that supports prepared statements works. One that does not is reported with the setting, before anything
/// is changed.
#[test]
fn a_pooler_by_transaction_works_or_the_start_names_the_setting() {
    let mut installation = Installation::new(Kind::Postgres);
    let direct = installation.get("DATABASE_URL");
    let without = if keeps_track() { "max_prepared_statements = 0" } else { "" };
    let pooler = Pooler::start(&installation, "transaction", without);
    installation.set("DATABASE_URL", &pooler.url);
    for command in ["serve", "migrate"] {
        let message = failed(&installation.run(&[command]));
        let named = [
            "pool_mode = transaction",
            "max_prepared_statements",
            "FAILSOFT_DATABASE_PREPARED_STATEMENTS=off",
        ]
        .iter()
        .all(|word| message.contains(word));
        assert!(named, "{command}: {message}");
    }
    let checked = installation.run(&["check"]);
    assert!(String::from_utf8_lossy(&checked.stdout).contains("max_prepared_statements"), "{checked:?}");
    drop(pooler);
    if keeps_track() {
        installation.set("DATABASE_URL", &direct);
        let pooler = Pooler::start(&installation, "transaction", "max_prepared_statements = 200");
        installation.set("DATABASE_URL", &pooler.url);
        works(&mut installation);
    }
}

/// Without prepared statements, any pooler works. Four sessions serve two processes, so that almost every transaction
/// runs in another session than the one before.
#[test]
fn a_pooler_by_transaction_works_without_prepared_statements() {
    let mut installation = Installation::new(Kind::Postgres);
    let without = if keeps_track() { "max_prepared_statements = 0" } else { "" };
    let pooler = Pooler::start(&installation, "transaction", &format!("default_pool_size = 4\n{without}"));
    installation.set("DATABASE_URL", &pooler.url);
    installation.set("FAILSOFT_DATABASE_PREPARED_STATEMENTS", "off");
    works(&mut installation);
    many_at_once(&installation);
}

/// Many callers of two processes: no answer but 200, and a record of each.
fn many_at_once(installation: &Installation) {
    const CALLERS: usize = 12;
    const ROUNDS: usize = 8;
    let made = installation.create_organization("second@example.com");
    let key = made["api_key"].as_str().expect("a key");
    let mut servers = [installation.serve(), installation.serve()];
    servers[0].create_simulated_model(key, "down", "sim/error-503");
    servers[0].create_simulated_model(key, "spare", "sim/steady");
    let body =
        r#"{"model": "down", "models": ["spare"], "messages": [{"role": "user", "content": "Hello?"}]}"#;
    let header = format!("authorization: Bearer {key}");
    let ask = ["--header", &header, "--header", "content-type: application/json", "--data", body];
    for server in &servers {
        server.wait_for_key(key);
        eventually("the models are known", || {
            (server.call(&ask, "/v1/chat/completions").0 == 200).then_some(())
        });
    }
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let server = &servers[caller % servers.len()];
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let (status, body) = server.call(&ask, "/v1/chat/completions");
                    assert_eq!(status, 200, "{body}");
                    server.get(key, "/v1/model-router/requests?limit=50");
                    server.get(key, "/v1/model-router/fallback-events?limit=50");
                }
            });
        }
    });
    let requests = server_items(&servers[0], key, "/v1/model-router/requests?limit=200&requested_model=down");
    assert_eq!(requests, CALLERS * ROUNDS + servers.len());
    for server in &mut servers {
        let said = server.process.said();
        assert!(!said.contains("ERROR") && !said.contains("WARN"), "{said}");
    }
}

fn server_items(server: &Server, key: &str, path: &str) -> usize {
    server.get(key, path)["items"].as_array().expect("a list").len()
}
