//! `serve` and `org create`: starts that succeed and starts that are refused.

use rstest::rstest;
use uuid::Uuid;

use crate::installation::{Installation, Kind, Server, master_key};
use crate::process::{Process, failed, run, succeeded};

#[rstest]
fn an_organization_made_while_the_server_runs_can_call_it(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let installation = Installation::new(kind);
    let mut server = installation.serve();
    assert!(server.process.said().contains("failsoft org create"), "an empty database, and no hint");
    let made = installation.create_organization("Owner@Example.com");
    let key = made["api_key"].as_str().expect("a key");
    for id in ["organization_id", "user_id"] {
        made[id].as_str().expect(id).parse::<Uuid>().expect(id);
    }
    assert_eq!(made.as_object().expect("an object").len(), 3);
    server.wait_for_key(key);
    server.process.stop();
    let mut again = installation.serve();
    assert!(!again.process.said().contains("org create"), "a hint without need");
    again.wait_for_key(key);
    again.process.stop();
}

#[test]
fn a_start_says_where_to_sign_up_unless_that_is_closed() {
    let mut installation = Installation::new(Kind::Sqlite);
    let start = |installation: &Installation| {
        let mut process = Process::start(installation.command(&["serve"]));
        let line = process.line();
        let (_, address) = line.split_once("listens on ").expect("the address");
        (process, address.to_owned())
    };
    let (mut process, address) = start(&installation);
    let line = process.line();
    assert!(line.starts_with("There is no organization yet."), "{line}");
    assert!(line.contains(&format!("Sign-up is open to all: {address}/signup ")), "{line}");
    process.stop();
    installation.create_organization("owner@example.com");
    let (mut process, address) = start(&installation);
    let line = process.line();
    assert!(line.starts_with(&format!("Sign-up is open to all: {address}/signup ")), "{line}");
    process.stop();
    installation.set("FAILSOFT_SIGNUP", "closed");
    let mut server = installation.serve();
    assert!(server.call(&[], "/signup").1.contains("Sign-up is closed"));
    assert!(!server.process.said().contains("org create"));
    server.process.stop();
}

#[rstest]
fn a_link_for_a_new_password_is_made_for_who_has_an_account(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let mut installation = Installation::new(kind);
    installation.create_organization("owner@example.com");
    let message = failed(&installation.run(&["user", "reset-link", "nobody@example.com"]));
    assert!(message.contains("no account has the address"), "{message}");
    installation.set("FAILSOFT_PUBLIC_URL", "https://gateway.example.com/");
    let link = succeeded(&installation.run(&["user", "reset-link", "Owner@example.com"]));
    let path = link.trim().strip_prefix("https://gateway.example.com").expect("the public address");
    installation.set("FAILSOFT_PUBLIC_URL", "");
    let server = installation.serve();
    assert!(server.call(&[], path).1.contains("owner@example.com"), "the page of the link");
    assert_eq!(server.call(&[], "/reset/nothing").0, 404);
    server.process.stop();
}

#[test]
fn two_servers_that_start_at_once_on_an_empty_database_both_come_up() {
    let installation = Installation::new(Kind::Postgres);
    let starting = [(); 2].map(|()| Process::start(installation.command(&["serve"])));
    let servers = starting.map(Server::of);
    for server in &servers {
        assert_eq!(server.call(&[], "/readyz").0, 200);
    }
    // Both belong to the same installation: each accepts a key created under the other's secrets.
    let made = installation.create_organization("owner@example.com");
    for server in servers {
        server.wait_for_key(made["api_key"].as_str().expect("a key"));
        server.process.stop();
    }
}

#[rstest]
fn a_wrong_master_key_stops_the_start_with_one_line(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let mut installation = Installation::new(kind);
    installation.set("FAILSOFT_MASTER_KEY", &master_key(1));
    installation.serve().process.stop();
    installation.set("FAILSOFT_MASTER_KEY", &master_key(2));
    let message = failed(&installation.run(&["serve"]));
    assert!(message.starts_with("the master key is not the one that sealed this database"), "{message}");
    assert!(!message.contains(&master_key(2)), "{message}");
    installation.set("FAILSOFT_MASTER_KEY", "secret but short");
    let message = failed(&installation.run(&["serve"]));
    assert!(
        message.contains("openssl rand -base64 32") && !message.contains("secret but short"),
        "{message}"
    );
}

#[test]
fn a_start_that_cannot_work_says_why_in_one_line() {
    let mut installation = Installation::new(Kind::Sqlite);
    let file = installation.folder().join("failsoft.toml");
    std::fs::write(&file, "[server]\nlistn = '127.0.0.1:1'\n").expect("written");
    let message = failed(&installation.run(&["serve", "--config", "failsoft.toml"]));
    assert!(message.contains("failsoft.toml") && message.contains("`listn`"), "{message}");

    // An empty variable counts as not set, because env files have such lines.
    installation.set("FAILSOFT_PUBLIC_URL", "");
    installation.set("FAILSOFT_TRUSTED_PROXIES", "");
    let message = failed(&installation.run(&["serve", "--config", "absent.toml"]));
    assert!(message.contains("absent.toml"), "{message}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let message = failed(&installation.run(&["serve", "--listen", &address]));
    assert!(message.contains(&address) && message.contains("--listen"), "{message}");

    installation.set("DATABASE_URL", "sqlite:///nowhere/at/all.db");
    let message = failed(&installation.run(&["serve"]));
    assert!(message.contains("DATABASE_URL"), "{message}");
}

#[test]
fn an_organization_is_refused_with_its_reason() {
    let installation = Installation::new(Kind::Sqlite);
    installation.create_organization("owner@example.com");
    let create = |name: &str, email: &str, input: &str| {
        let arguments = ["org", "create", "--name", name, "--email", email, "--password-stdin"];
        run(installation.command(&arguments), input)
    };
    let password = "correct horse battery staple\n";
    let message = failed(&create("Acme", "OWNER@example.com", password));
    assert!(message.contains("already has a user"), "{message}");
    assert!(failed(&create("Acme", "new@example.com", "short\n")).contains("10 characters"));
    assert!(failed(&create("Acme", "new@example.com", "\n")).contains("standard input"));
    for (name, email) in [("", "new@example.com"), ("Acme", "new"), ("Acme", "new@@example.com")] {
        assert_eq!(create(name, email, password).status.code(), Some(2), "{name} {email}");
    }
}

#[test]
fn the_public_address_stands_beside_the_listener() {
    let installation = Installation::new(Kind::Sqlite);
    let mut process =
        Process::start(installation.command(&["serve", "--public-url", "https://gateway.example.com"]));
    let line = process.line();
    assert!(line.starts_with("Failsoft listens on http://127.0.0.1:"), "{line}");
    assert!(line.contains("https://gateway.example.com"), "{line}");
    process.stop();
}
