//! What a server takes of its machine: open files, the permissions of its files, and the memory for one body.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rstest::rstest;
use serde_json::json;

use crate::installation::{Installation, Kind, Server, program};
use crate::process::{Process, run, succeeded};

const MEBIBYTE: usize = 1024 * 1024;

/// A server that inherits what this line of a shell has set.
fn serve_after(installation: &Installation, line: &str) -> Server {
    Server::of(Process::start(installation.command_after(line, &["serve"])))
}

/// The rest of a line that the system shows of a process.
#[cfg(target_os = "linux")]
fn shown(server: &Server, file: &str, start: &str) -> Vec<String> {
    let path = format!("/proc/{}/{file}", server.process.id());
    let text = std::fs::read_to_string(path).expect("a running process");
    let line = text.lines().find_map(|line| line.strip_prefix(start)).expect("the line");
    line.split_whitespace().map(str::to_owned).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_low_soft_limit_of_open_files_is_raised() {
    let installation = Installation::new(Kind::Sqlite);
    let server = serve_after(&installation, "ulimit -Sn 256");
    let limits = shown(&server, "limits", "Max open files");
    assert_eq!(limits[0], limits[1], "the soft limit is not the hard one: {limits:?}");
    assert_ne!(limits[1], "256", "the hard limit of this machine leaves nothing to raise");
    // More connections than the soft limit allowed.
    let address = server.url("").replace("http://", "");
    let held: Vec<TcpStream> =
        (0..300).map(|_| TcpStream::connect(&address).expect("a connection")).collect();
    assert_eq!(server.call(&[], "/readyz").0, 200);
    drop(held);
    server.process.stop();
}

/// The names of the files in a folder. Fails if another user may read or change one of them.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in folder.read_dir().expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("a name");
        let mode = entry.metadata().expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
        names.insert(name);
    }
    names
}

#[rstest]
fn every_file_of_an_installation_is_its_owners_alone(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let installation = Installation::new(kind);
    let open = "umask 022";
    succeeded(&run(installation.command_after(open, &["migrate"]), ""));
    files(installation.folder());
    let server = serve_after(&installation, open);
    let made = installation.create_organization("owner@example.com");
    let key = made["api_key"].as_str().expect("a key");
    server.wait_for_key(key);
    server.create_simulated_model(key, "steady", "sim/steady");
    let question = json!({ "model": "steady", "messages": [{ "role": "user", "content": "Hello" }] });
    assert_eq!(server.post(key, "/v1/chat/completions", &question.to_string()).0, 200);
    let found = files(installation.folder());
    let expected: &[&str] = match kind {
        Kind::Sqlite => &["failsoft.db", "failsoft.db-wal", "failsoft.db-shm", "failsoft.db.key"],
        Kind::Postgres => &["failsoft-spool.db", "failsoft-spool.db-wal"],
    };
    for name in expected {
        assert!(found.contains(*name), "no {name} among {found:?}");
    }
    server.process.stop();
    files(installation.folder());
}

/// Parsing each message into a value of its own took 25 times the size of the body.
#[cfg(target_os = "linux")]
#[test]
fn a_body_of_tiny_messages_is_held_a_few_times_at_most() {
    const BODY: usize = 8 * MEBIBYTE;
    let mut provider = Process::start(program(&["simulate", "--listen", "127.0.0.1:0"]));
    let line = provider.line();
    let (_, address) = line.split_once("answer at ").expect("the address");
    let mut installation = Installation::new(Kind::Sqlite);
    installation.set("FAILSOFT_ALLOW_PRIVATE_UPSTREAMS", "127.0.0.0/8");
    let made = installation.create_organization("owner@example.com");
    let key = made["api_key"].as_str().expect("a key");
    let server = installation.serve();
    let vendor = json!({ "name": "vendor", "preset": "custom", "base_url": address });
    let vendor = server.create(key, "/v1/model-router/providers", &vendor);
    let model = json!({ "name": "m", "provider_id": vendor["id"], "upstream_model": "sim/steady" });
    server.create(key, "/v1/model-router/models", &model);
    let body = |message: &str| {
        let messages = vec![message; BODY / (message.len() + 1)].join(",");
        let path = installation.folder().join("body.json");
        std::fs::write(&path, format!(r#"{{"model":"m","messages":[{messages}]}}"#)).expect("written");
        format!("@{}", path.display())
    };
    let peak = || shown(&server, "status", "VmHWM:")[0].parse::<usize>().expect("a number") * 1024;
    let message = r#"{"role":"user","content":"a"}"#;
    let small = format!(r#"{{"model":"m","messages":[{message}]}}"#);
    for path in ["/v1/chat/completions", "/v1/model-router/explain"] {
        assert_eq!(server.post(key, path, &small).0, 200);
    }
    let before = peak();
    for (message, path) in [
        (message, "/v1/chat/completions"),
        (message, "/v1/model-router/explain"),
        ("{}", "/v1/model-router/explain"),
    ] {
        let (status, answer) = server.post(key, path, &body(message));
        assert_eq!(status, 200, "{message} {path}: {answer}");
        let taken = peak() - before;
        assert!(taken < 8 * BODY, "{message} {path}: {} MiB", taken / MEBIBYTE);
    }
    server.process.stop();
    provider.stop();
}
