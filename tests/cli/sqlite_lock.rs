//! A SQLite file has one server: a second one would treat the first one's streams as interrupted.

use std::fs::{hard_link, remove_file};
use std::os::unix::fs::symlink;

use crate::installation::{Installation, Kind, Server, master_key};
use crate::process::{Process, eventually, failed, succeeded};

#[test]
fn a_second_server_on_one_file_is_refused_however_the_file_is_spelled() {
    let mut installation = Installation::new(Kind::Sqlite);
    installation.set("FAILSOFT_MASTER_KEY", &master_key(1));
    let server = installation.serve();
    let file = installation.folder().join("failsoft.db");
    let link = installation.folder().join("link.db");
    symlink(&file, &link).expect("a link");
    let folder = file.parent().expect("a folder");
    for path in [file.clone(), link, folder.join(".").join("failsoft.db")] {
        installation.set("DATABASE_URL", &format!("sqlite://{}", path.display()));
        let message = failed(&installation.run(&["serve"]));
        assert!(message.starts_with("another server runs on the database "), "{message}");
        assert!(message.contains("stop it first") && message.contains("PostgreSQL"), "{message}");
    }
    installation.set("DATABASE_URL", &format!("sqlite://{}", file.display()));
    assert_eq!(server.call(&[], "/readyz").0, 200);
    // Commands that only add rows may run at the same time; those that change secrets may not.
    installation.create_organization("owner@example.com");
    succeeded(&installation.run(&["migrate"]));
    succeeded(&installation.run(&["user", "reset-link", "owner@example.com"]));
    installation.set("FAILSOFT_NEW_MASTER_KEY", &master_key(2));
    let message = failed(&installation.run(&["rotate-master-key"]));
    assert!(message.starts_with("another server runs on the database "), "{message}");
    server.process.stop();
    installation.serve().process.stop();
}

#[test]
fn a_file_with_two_names_is_opened_by_neither() {
    let mut installation = Installation::new(Kind::Sqlite);
    installation.set("FAILSOFT_MASTER_KEY", &master_key(1));
    let server = installation.serve();
    let file = installation.folder().join("failsoft.db");
    let other = installation.folder().join("other.db");
    hard_link(&file, &other).expect("another name");
    let refused = |installation: &Installation, command: &str| {
        let message = failed(&installation.run(&[command]));
        assert!(message.starts_with("cannot open the database: "), "{command}: {message}");
        assert!(message.contains("has 2 names (hard links)") && message.contains("-samefile"), "{message}");
    };
    installation.set("DATABASE_URL", &format!("sqlite://{}", other.display()));
    refused(&installation, "serve");
    refused(&installation, "migrate");
    let wal = other.with_file_name("other.db-wal");
    assert!(!wal.exists(), "the file was opened by its other name");
    // The server that runs is not disturbed.
    assert_eq!(server.call(&[], "/readyz").0, 200);
    installation.set("DATABASE_URL", &format!("sqlite://{}", file.display()));
    refused(&installation, "migrate");
    server.process.stop();
    refused(&installation, "serve");
    remove_file(&other).expect("removed");
    let server = installation.serve();
    assert_eq!(server.call(&[], "/readyz").0, 200);
    server.process.stop();
}

#[test]
fn of_two_servers_that_start_at_once_on_one_file_one_comes_up() {
    let installation = Installation::new(Kind::Sqlite);
    let mut starting = [(); 2].map(|()| Process::start(installation.command(&["serve"])));
    let refused = eventually("one is refused", || {
        starting.iter_mut().position(|process| process.said().contains("another server runs on"))
    });
    let [first, second] = starting;
    let (mut refused, other) = if refused == 0 { (first, second) } else { (second, first) };
    assert_eq!(refused.wait(), Some(1));
    let server = Server::of(other);
    assert_eq!(server.call(&[], "/readyz").0, 200);
    server.process.stop();
}

#[test]
fn a_lock_file_that_is_removed_lets_no_second_server_in() {
    let installation = Installation::new(Kind::Sqlite);
    let server = installation.serve();
    let lock = installation.folder().join("failsoft.db-lock");
    remove_file(&lock).expect("removed");
    eventually("it is made again", || lock.exists().then_some(()));
    let message = failed(&installation.run(&["serve"]));
    assert!(message.starts_with("another server runs on the database "), "{message}");
    assert_eq!(server.call(&[], "/readyz").0, 200);
    server.process.stop();
}

#[test]
fn a_server_that_lost_its_lock_to_another_one_stops() {
    let installation = Installation::new(Kind::Sqlite);
    let mut first = installation.serve();
    // It cannot look for its lock file in the meantime.
    first.process.signal("STOP");
    remove_file(installation.folder().join("failsoft.db-lock")).expect("removed");
    let second = installation.serve();
    first.process.signal("CONT");
    assert_eq!(first.process.wait(), Some(1));
    let message = first.process.said();
    assert!(message.contains("another server took the database "), "{message}");
    assert_eq!(second.call(&[], "/readyz").0, 200);
    second.process.stop();
}

#[test]
fn a_server_that_was_killed_leaves_its_file_free() {
    let installation = Installation::new(Kind::Sqlite);
    let mut server = installation.serve();
    server.process.signal("KILL");
    assert_eq!(server.process.wait(), None);
    installation.serve().process.stop();
}
