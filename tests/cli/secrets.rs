//! Secrets are never printed: malformed addresses of databases in every command, keys and unknown arguments, and a running
//! server at the most verbose log level.

use std::process::Output;

use rstest::rstest;

use crate::commands::{Listed, commands};
use crate::installation::{Installation, Kind, Server, master_key};
use crate::process::{Process, eventually, failed, run, text};

/// The secret that must never be printed.
const CANARY: &str = "kanarienvogel";

/// Addresses with a password that was not encoded, or that are malformed in another way.
const ADDRESSES: &[&str] = &[
    "postgres://user:kanarienvogel#1@127.0.0.1:1/name",
    "postgres://user:kanarienvogel/1@127.0.0.1:1/name",
    "postgres://user:kanarienvogel?1@127.0.0.1:1/name",
    "postgres://user:1/kanarienvogel@127.0.0.1:1/name",
    "postgres://user:1?kanarienvogel@127.0.0.1:1/name",
    "postgres://user:1#kanarienvogel@127.0.0.1:1/name",
    "postgres://user:a@b/kanarienvogel@127.0.0.1:1/name",
    "postgres://user:kanarienvogel@127.0.0.1:54x32/name",
    "postgres://user:kanarienvogel@127.0.0.1:99999/name",
    "postgres://user:kanarienvogel@127.0.0.1:0/name",
    "postgres://user:kanarien vogel kanarienvogel@127.0.0 .1:1/name",
    "postgres://user:kanarienvogel@[::1/name",
    "postgres://user:kanarienvogel\\@127.0.0.1:1/name",
    "postgres://user:x@127.0.0.1:1/name?kanarienvogel",
    "postgres://user:x@127.0.0.1:1/name?sslmode=kanarienvogel",
    "postgres:kanarienvogel",
    "kanarienvogel",
    "kanarienvogel://user:kanarienvogel@host/name",
    "mysql://user:kanarienvogel@host/name",
    "sqlite://failsoft.db?mode=kanarienvogel",
    "sqlite://failsoft.db?kanarienvogel=1",
];

/// As [`ADDRESSES`], but well formed: the server does not exist.
pub(crate) const ABSENT: &str = "postgres://user:kanarienvogel%23%2F@127.0.0.1:1/name";

/// The commands that read settings.
fn with_settings() -> Vec<Listed> {
    commands().into_iter().filter(Listed::takes_settings).collect()
}

fn said(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// Checks that it failed with one line, without the secret.
pub(crate) fn assert_silent(output: &Output, case: &str) -> String {
    let said = said(output);
    assert!(!output.status.success(), "{case}: {said}");
    assert!(!said.contains(CANARY), "{case}: {said}");
    said
}

/// An installation that has a master key and a new one.
pub(crate) fn plain(kind: Kind) -> Installation {
    let mut installation = Installation::new(kind);
    installation.set("FAILSOFT_MASTER_KEY", &master_key(1));
    installation.set("FAILSOFT_NEW_MASTER_KEY", &master_key(2));
    installation
}

/// Runs the commands concurrently, because waiting for an unavailable database takes time.
#[test]
fn no_command_repeats_a_malformed_address_of_the_database() {
    let commands = with_settings();
    std::thread::scope(|scope| {
        for command in &commands {
            scope.spawn(|| says_nothing_of_an_address(&command.words()));
        }
    });
}

fn says_nothing_of_an_address(command: &[&str]) {
    let file = |installation: &Installation, name: &str, text: &str| {
        let path = installation.folder().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("a path").to_owned()
    };
    for address in ADDRESSES.iter().chain([&ABSENT]) {
        let mut installation = plain(Kind::Sqlite);
        installation.set("DATABASE_URL", address);
        let case = format!("{command:?} {address}");
        let output = run(installation.command(command), "a password of the test\n");
        let plainly = assert_silent(&output, &case);
        assert_eq!(text(&output.stderr).lines().count(), 1, "{case}: {plainly}");
        if address.starts_with("postgres://") && !address.contains("sslmode") {
            assert!(plainly.contains("percent-encode"), "{case}: {plainly}");
        }
    }
    // The same in the other places, and at the most verbose log level.
    let mut installation = plain(Kind::Sqlite);
    installation.set("FAILSOFT_LOG", "trace");
    installation.set("DATABASE_URL", "");
    // All commands read settings the same way: one command tries all of them, the others a few.
    let tried = if command[0] == "serve" { ADDRESSES } else { &ADDRESSES[..3] };
    let absent = (command[0] == "serve").then_some(&ABSENT);
    for address in tried.iter().chain(absent) {
        let case = format!("{command:?} {address}");
        let flag = format!("--database-url={address}");
        let arguments: Vec<&str> = command.iter().copied().chain([flag.as_str()]).collect();
        assert_silent(&run(installation.command(&arguments), "a password of the test\n"), &case);
        let path = file(&installation, "url", address);
        let flag = format!("--database-url-file={path}");
        let arguments: Vec<&str> = command.iter().copied().chain([flag.as_str()]).collect();
        assert_silent(&run(installation.command(&arguments), "a password of the test\n"), &case);
        let path = file(&installation, "failsoft.toml", &format!("[database]\nurl = '{address}'\n"));
        let flag = format!("--config={path}");
        let arguments: Vec<&str> = command.iter().copied().chain([flag.as_str()]).collect();
        assert_silent(&run(installation.command(&arguments), "a password of the test\n"), &case);
    }
}

/// The address of a replica is as secret. Well formed, it is no reason not to start.
#[test]
fn no_command_repeats_a_malformed_address_of_the_replica() {
    for address in ADDRESSES {
        let mut installation = plain(Kind::Sqlite);
        installation.set("FAILSOFT_LOG", "trace");
        installation.set("DATABASE_URL", "postgres://user@127.0.0.1:1/name");
        let file = installation.folder().join("url");
        std::fs::write(&file, address).expect("written");
        let file = file.to_str().expect("a path").to_owned();
        for (name, value) in
            [("FAILSOFT_DATABASE_READ_URL", *address), ("FAILSOFT_DATABASE_READ_URL_FILE", file.as_str())]
        {
            installation.set(name, value);
            for command in ["serve", "check"] {
                assert_silent(&installation.run(&[command]), &format!("{command} {name} {address}"));
            }
            installation.unset(name);
        }
    }
}

#[test]
fn no_command_repeats_an_argument_that_it_does_not_know() {
    let installation = plain(Kind::Sqlite);
    for arguments in [
        &["serve", "postgres://user:kanarienvogel@host/name"][..],
        &["serve", "--database-ulr=kanarienvogel"],
        &["serve", "--kanarienvogel=postgres://"],
        &["serve", "--workers", "kanarienvogel"],
        &["kanarienvogel"],
        &["org", "create", "--name", "Acme", "--email", "kanarienvogel", "--password-stdin"],
        &["user", "reset-link", "kanarienvogel"],
    ] {
        let output = installation.run(arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        let named = arguments.iter().any(|argument| argument.starts_with("--kanarienvogel"));
        assert!(!said.contains(CANARY) || named && !said.contains("postgres"), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    }
}

#[rstest]
fn a_key_that_is_none_is_not_repeated(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    for log in ["info", "trace"] {
        let mut installation = plain(kind);
        installation.set("FAILSOFT_LOG", log);
        installation.set("FAILSOFT_MASTER_KEY", CANARY);
        // The schema needs no key.
        for command in with_settings().iter().filter(|command| command.arguments != ["migrate"]) {
            let output = run(installation.command(&command.words()), "a password of the test\n");
            assert_silent(&output, &format!("{:?}", command.arguments));
        }
        installation.set("FAILSOFT_MASTER_KEY", &master_key(1));
        installation.set("FAILSOFT_NEW_MASTER_KEY", CANARY);
        assert_silent(&installation.run(&["rotate-master-key"]), "a new key");
        installation.set("FAILSOFT_NEW_MASTER_KEY", "");
        let file = installation.folder().join("key");
        std::fs::write(&file, CANARY).expect("written");
        installation.set("FAILSOFT_NEW_MASTER_KEY_FILE", file.to_str().expect("a path"));
        assert_silent(&installation.run(&["rotate-master-key"]), "a new key from a file");
    }
}

#[rstest]
fn a_server_that_runs_says_no_secret_at_any_level(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let mut installation = plain(kind);
    let key = master_key(1);
    installation.set("FAILSOFT_LOG", "trace");
    installation.set("FAILSOFT_METRICS_TOKEN", CANARY);
    if kind == Kind::Postgres {
        // The test server trusts every client, so any password works.
        let url = installation.get("DATABASE_URL").replace("failsoft@", "failsoft:kanarienvogel@");
        assert!(url.contains(CANARY));
        installation.set("DATABASE_URL", &url);
    }
    let create = ["org", "create", "--name", "Acme", "--email", "owner@example.com", "--password-stdin"];
    let made = run(installation.command(&create), "kanarienvogel of the owner\n");
    assert!(made.status.success() && !said(&made).contains(CANARY), "{}", said(&made));
    let mut server = Server::of(Process::start(installation.command(&["serve", "--signup", "closed"])));
    assert_eq!(server.call(&["--header", "authorization: Bearer kanarienvogel"], "/metrics").0, 200);
    server.process.signal("TERM");
    assert_eq!(server.process.wait(), Some(0));
    let said = server.process.said();
    assert!(said.lines().count() > 10, "nothing at trace: {said}");
    assert!(!said.contains(CANARY) && !said.contains(&key), "{said}");
}

#[rstest]
fn every_secret_can_come_from_a_file(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let mut installation = Installation::new(kind);
    let file = |installation: &Installation, name: &str, text: &str| {
        let path = installation.folder().join(name);
        std::fs::write(&path, format!("{text}\n")).expect("written");
        path.to_str().expect("a path").to_owned()
    };
    let url = installation.get("DATABASE_URL");
    let files = [
        ("DATABASE_URL", url.as_str()),
        ("FAILSOFT_MASTER_KEY", &master_key(7)),
        ("FAILSOFT_METRICS_TOKEN", "a token of the test"),
    ];
    for (variable, secret) in files {
        let path = file(&installation, &variable.to_lowercase(), secret);
        installation.set(variable, secret);
        installation.set(&format!("{variable}_FILE"), &path);
        let message = failed(&installation.run(&["serve"]));
        assert!(message.contains(&format!("{variable} and {variable}_FILE are both set")), "{message}");
        installation.set(variable, "");
    }
    let server = installation.serve();
    let token = ["--header", "authorization: Bearer a token of the test"];
    eventually("the metrics", || (server.call(&token, "/metrics").0 == 200).then_some(()));
    server.process.stop();
    // A new key from a file, which then replaces the old one.
    let new = file(&installation, "new", &master_key(8));
    installation.set("FAILSOFT_NEW_MASTER_KEY_FILE", &new);
    assert!(installation.run(&["rotate-master-key"]).status.success());
    if kind == Kind::Postgres {
        assert!(failed(&installation.run(&["serve"])).contains("the master key is not the one"));
        installation.set("FAILSOFT_MASTER_KEY_FILE", &new);
    }
    installation.serve().process.stop();
    for (variable, _) in files.iter().filter(|(variable, _)| *variable != "FAILSOFT_MASTER_KEY") {
        let name = format!("{variable}_FILE");
        let before = installation.get(&name);
        installation.set(&name, "/nowhere/at/all");
        let message = failed(&installation.run(&["serve"]));
        assert!(message.contains(&name), "{message}");
        let empty = file(&installation, "empty", "");
        installation.set(&name, &empty);
        let message = failed(&installation.run(&["serve"]));
        assert!(message.contains(&name) && message.contains("empty"), "{message}");
        installation.set(&name, &before);
    }
}

#[test]
fn a_misspelled_variable_stops_the_start_and_a_foreign_one_is_named() {
    let mut installation = Installation::new(Kind::Sqlite);
    for (name, meant) in [
        ("FAILSOFT_SIGNUPS", "FAILSOFT_SIGNUP"),
        ("FAILSOFT_DATABASE_URL", "DATABASE_URL"),
        ("failsoft_workers", "FAILSOFT_WORKERS"),
    ] {
        installation.set(name, CANARY);
        for command in with_settings() {
            let output = installation.run(&command.words());
            let said = assert_silent(&output, name);
            assert!(said.contains(name) && said.contains(&format!("did you mean {meant}?")), "{said}");
        }
        installation.unset(name);
    }
    installation.set("FAILSOFT_RELEASE_CHANNEL", CANARY);
    // Kubernetes sets these for a service named like ours.
    installation.set("FAILSOFT_SERVICE_HOST", "10.0.0.1");
    installation.set("FAILSOFT_SERVICE_PORT", "8080");
    installation.set("FAILSOFT_PORT", "tcp://10.0.0.1:8080");
    installation.set("FAILSOFT_PORT_8080_TCP", "tcp://10.0.0.1:8080");
    installation.set("FAILSOFT_PORT_8080_TCP_ADDR", "10.0.0.1");
    let mut server = installation.serve();
    let said = server.process.said();
    assert!(said.contains("FAILSOFT_RELEASE_CHANNEL") && !said.contains(CANARY), "{said}");
    assert!(!said.contains("FAILSOFT_PORT") && !said.contains("SERVICE_HOST"), "{said}");
    server.process.stop();
}

#[test]
fn a_public_address_with_a_path_is_refused() {
    let mut installation = Installation::new(Kind::Sqlite);
    for url in
        ["https://gateway.example.com/llm", "https://gateway.example.com/?a=b", "ftp://gateway.example.com"]
    {
        installation.set("FAILSOFT_PUBLIC_URL", url);
        let message = failed(&installation.run(&["serve"]));
        assert!(
            message.contains("FAILSOFT_PUBLIC_URL") && message.contains("https://gateway.example.com"),
            "{message}"
        );
    }
}
