//! Secrets are never printed: every command with every malformed setting, from the environment, flags and files, and
//! a running server at the most verbose log level.

use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::{Args as _, Command};
use failsoft::config::Overrides;
use rstest::rstest;

use crate::installation::{Installation, Kind, Server, master_key};
use crate::process::{Process, eventually, failed, run, text};

/// The secret that must never be printed.
const CANARY: &str = "kanarienvogel";

/// Every command that reads settings, with its arguments.
const COMMANDS: &[&[&str]] = &[
    &["serve"],
    &["migrate"],
    &["check"],
    &["org", "create", "--name", "Acme", "--email", "owner@example.com", "--password-stdin"],
    &["user", "reset-link", "owner@example.com"],
    &["rotate-master-key"],
];

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
const ABSENT: &str = "postgres://user:kanarienvogel%23%2F@127.0.0.1:1/name";

/// How many commands run at once.
const AT_ONCE: usize = 8;

fn said(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// Checks that it failed with one line, without the secret.
fn assert_silent(output: &Output, case: &str) -> String {
    let said = said(output);
    assert!(!output.status.success(), "{case}: {said}");
    assert!(!said.contains(CANARY), "{case}: {said}");
    said
}

fn plain(kind: Kind) -> Installation {
    let mut installation = Installation::new(kind);
    installation.set("FAILSOFT_MASTER_KEY", &master_key(1));
    installation.set("FAILSOFT_NEW_MASTER_KEY", &master_key(2));
    installation
}

/// Runs the commands concurrently, because waiting for an unavailable database takes time.
#[test]
fn no_command_repeats_a_malformed_address_of_the_database() {
    std::thread::scope(|scope| {
        for command in COMMANDS {
            scope.spawn(|| says_nothing_of_an_address(command));
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
            for command in [COMMANDS[0], COMMANDS[2]] {
                assert_silent(&installation.run(command), &format!("{command:?} {name} {address}"));
            }
            installation.unset(name);
        }
    }
}

/// A command with an invalid value, in the environment or as a flag.
struct Misuse {
    variable: String,
    flag: String,
    value: &'static str,
    command: &'static [&'static str],
    by_flag: bool,
}

/// Every variable with an invalid value, which may be a secret in the wrong variable. Runs several commands at once,
/// because those that accept the value wait for an unavailable database.
#[test]
fn no_command_repeats_a_value_that_it_cannot_use() {
    let cases = misuses();
    assert!(cases.len() > 100, "{}", cases.len());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    case.says_nothing();
                }
            });
        }
    });
}

fn misuses() -> Vec<Misuse> {
    let free = ["FAILSOFT_METRICS_TOKEN", "FAILSOFT_METRICS_TOKEN_FILE"];
    let flags = Overrides::augment_args(Command::new("failsoft"));
    let mut cases = Vec::new();
    for argument in flags.get_arguments() {
        let variable = argument.get_env().and_then(|name| name.to_str()).expect("a variable");
        let flag = format!("--{}", argument.get_long().expect("a flag"));
        for value in ["postgres://user:kanarienvogel@127.0.0.1:1/name", "=kanarienvogel"] {
            let is_path = variable.ends_with("_FILE")
                || ["FAILSOFT_CONFIG", "FAILSOFT_SPOOL", "FAILSOFT_SENTENCES"].contains(&variable);
            if free.contains(&variable) || (is_path && !value.contains("://")) {
                continue;
            }
            for command in [COMMANDS[0], COMMANDS[2]] {
                for by_flag in [false, true] {
                    let (variable, flag) = (variable.to_owned(), flag.clone());
                    cases.push(Misuse { variable, flag, value, command, by_flag });
                }
            }
        }
    }
    cases
}

impl Misuse {
    fn says_nothing(&self) {
        let Self { variable, flag, value, command, by_flag } = self;
        let mut installation = plain(Kind::Sqlite);
        // Nothing may start, whatever the value.
        installation.set("DATABASE_URL", if variable.starts_with("DATABASE") { "" } else { ABSENT });
        if variable.starts_with("FAILSOFT_MASTER_KEY") {
            installation.set("FAILSOFT_MASTER_KEY", "");
        }
        installation.set(variable, if *by_flag { "" } else { value });
        let given = format!("{flag}={value}");
        let given = by_flag.then_some(given.as_str());
        let arguments: Vec<&str> = command.iter().copied().chain(given).collect();
        assert_silent(&installation.run(&arguments), &format!("{arguments:?} {variable}={value}"));
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
        for command in COMMANDS.iter().filter(|command| command[0] != "migrate") {
            assert_silent(
                &run(installation.command(command), "a password of the test\n"),
                &format!("{command:?}"),
            );
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
    let made = run(installation.command(COMMANDS[3]), "kanarienvogel of the owner\n");
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
        for command in COMMANDS {
            let output = installation.run(command);
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
