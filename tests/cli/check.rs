//! `check` and `migrate`, and the help and version output.

use rstest::rstest;
use serde_json::json;

use crate::commands::{Listed, commands};
use crate::installation::{Installation, Kind, master_key, program};
use crate::process::{run, succeeded, text};

/// The lines of `check`, and whether it succeeded.
fn check(installation: &Installation) -> (Vec<String>, bool) {
    let output = installation.run(&["check"]);
    let lines = text(&output.stdout).lines().map(str::to_owned).collect();
    match output.status.code() {
        Some(0) => (lines, true),
        Some(1) => (lines, false),
        code => panic!("{code:?}: {}", text(&output.stderr)),
    }
}

fn starts(lines: &[String]) -> Vec<&str> {
    lines.iter().map(|line| line.split(':').next().expect("a part")).collect()
}

#[rstest]
fn an_empty_database_is_migrated_once_and_then_found_in_order(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let mut installation = Installation::new(kind);
    installation.set("FAILSOFT_MASTER_KEY", &master_key(1));
    let (lines, content) = check(&installation);
    assert_eq!(starts(&lines), ["ok      configuration", "failed  database"]);
    assert!(!content && lines[1].contains("failsoft migrate"), "{lines:?}");
    assert!(!installation.folder().join("failsoft.db").exists(), "looking at it made it");

    let said = succeeded(&installation.run(&["migrate"]));
    assert!(said.lines().count() > 1 && said.contains("made m20261120_000001_organizations"), "{said}");
    let again = succeeded(&installation.run(&["migrate"]));
    assert!(again.lines().count() == 1 && again.contains("up to date"), "{again}");

    let (lines, content) = check(&installation);
    assert!(content, "{lines:?}");
    assert_eq!(
        starts(&lines),
        ["ok      configuration", "ok      database", "ok      master key", "ok      provider addresses"]
    );
    installation.set("FAILSOFT_MASTER_KEY", &master_key(2));
    let (lines, content) = check(&installation);
    assert!(
        !content && lines[2].starts_with("failed  master key: the master key is not the one"),
        "{lines:?}"
    );
}

/// The key is looked at even if the database is not usable yet.
#[rstest]
fn a_malformed_master_key_is_named_before_the_database_is_migrated(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let mut installation = Installation::new(kind);
    installation.set("FAILSOFT_MASTER_KEY", "garbage");
    for _ in 0..2 {
        let (lines, content) = check(&installation);
        assert_eq!(starts(&lines), ["ok      configuration", "failed  database", "failed  master key"]);
        assert!(!content && lines[2].contains("32 bytes") && !lines[2].contains("garbage"), "{lines:?}");
        installation.set("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing");
    }
}

#[test]
fn a_garbage_key_file_is_named_before_the_database_is_migrated() {
    let installation = Installation::new(Kind::Sqlite);
    std::fs::write(installation.folder().join("failsoft.db.key"), "garbage").expect("written");
    let (lines, content) = check(&installation);
    assert_eq!(starts(&lines), ["ok      configuration", "failed  database", "failed  master key"]);
    assert!(!content && lines[2].contains("32 bytes") && !lines[2].contains("garbage"), "{lines:?}");
}

#[test]
fn an_archive_is_tried_out_and_what_cannot_be_one_is_refused() {
    let mut installation = Installation::new(Kind::Sqlite);
    succeeded(&installation.run(&["migrate"]));
    let folder = installation.folder().join("archive");
    let url = format!("file://{}", folder.display());
    installation.set("FAILSOFT_ARCHIVE_URL", &url);
    let (lines, content) = check(&installation);
    assert!(content && lines[1] == "ok      archive: it can be written, read and listed", "{lines:?}");
    assert_eq!(std::fs::read_dir(&folder).expect("the folder").count(), 0, "nothing is left in it");
    // A file where the folder should be.
    std::fs::remove_dir(&folder).expect("removed");
    std::fs::write(&folder, "").expect("written");
    let (lines, content) = check(&installation);
    assert!(!content && lines[1].starts_with("failed  archive: the storage: "), "{lines:?}");
    installation.set("FAILSOFT_ARCHIVE_URL", "s3://id:canary@records");
    let (lines, content) = check(&installation);
    assert!(
        !content && lines[0].contains("FAILSOFT_ARCHIVE_URL") && !lines[0].contains("canary"),
        "{lines:?}"
    );
    // An address of a storage where none listens.
    installation.set("FAILSOFT_ARCHIVE_URL", "s3://records/failsoft");
    installation.set("FAILSOFT_ARCHIVE_ENDPOINT", "http://127.0.0.1:1");
    installation.set("AWS_ACCESS_KEY_ID", "an-id");
    installation.set("AWS_SECRET_ACCESS_KEY", "canary");
    let (lines, content) = check(&installation);
    assert!(
        !content && lines[1].starts_with("failed  archive: ") && !lines[1].contains("canary"),
        "{lines:?}"
    );
}

#[test]
fn a_file_of_sentences_is_read_and_a_broken_one_is_named_with_its_fault() {
    let mut installation = Installation::new(Kind::Sqlite);
    succeeded(&installation.run(&["migrate"]));
    let file = installation.folder().join("sentences.toml");
    installation.set("FAILSOFT_SENTENCES", file.to_str().expect("a path"));
    let dated = "dated = 2026-11-29\n";
    let sentence = "[[sentence]]\nname = \"acme_window\"\nclass = \"context_window_exceeded\"\ncontains = [\"prompt of\"]\n";
    std::fs::write(&file, format!("{dated}{sentence}")).expect("written");
    let (lines, content) = check(&installation);
    assert!(content, "{lines:?}");
    assert_eq!(lines[1], "ok      sentences: 1 are added to those built in, dated 2026-11-29");
    for (text, fault) in [
        (sentence.to_owned(), "missing field `dated`"),
        (format!("{dated}[[sentence]]\nname = \"acme_window\"\n"), "line 2: missing field `contains`"),
        (format!("{dated}{}", sentence.replace("context_window_exceeded", "rate_limited")), "rate_limited"),
        (format!("{dated}{}", sentence.replace("contains", "holds")), "holds"),
        (format!("{dated}{sentence}{sentence}"), "two sentences are named 'acme_window'"),
        ("no TOML".to_owned(), "line 1"),
    ] {
        std::fs::write(&file, &text).expect("written");
        let (lines, content) = check(&installation);
        assert!(
            !content && lines[1].starts_with("failed  sentences: the file of sentences "),
            "{text}: {lines:?}"
        );
        assert!(lines[1].contains("sentences.toml") && lines[1].contains(fault), "{text}: {lines:?}");
        // The other checks continue.
        assert_eq!(
            starts(&lines)[2..],
            ["ok      database", "ok      master key", "ok      provider addresses"]
        );
    }
    std::fs::remove_file(&file).expect("gone");
    let (lines, content) = check(&installation);
    assert!(
        !content && lines[1].starts_with("failed  sentences: ") && lines[1].contains("No such file"),
        "{lines:?}"
    );
}

#[test]
fn a_provider_whose_address_is_closed_again_is_named() {
    let mut installation = Installation::new(Kind::Sqlite);
    installation.set("FAILSOFT_ALLOW_PRIVATE_UPSTREAMS", "10.0.0.0/8");
    let server = installation.serve();
    let made = installation.create_organization("owner@example.com");
    let key = made["api_key"].as_str().expect("a key");
    server.wait_for_key(key);
    let provider =
        json!({ "name": "in the cellar", "preset": "vllm", "base_url": "http://10.1.2.3:8000/v1" });
    server.create(key, "/v1/model-router/providers", &provider);
    server.process.stop();
    assert!(check(&installation).1);
    installation.set("FAILSOFT_ALLOW_PRIVATE_UPSTREAMS", "10.9.0.0/16");
    let (lines, content) = check(&installation);
    let last = lines.last().expect("a line");
    assert!(!content && last.starts_with("failed  provider 'in the cellar' of 'Acme': "), "{last}");
    assert!(
        last.contains("FAILSOFT_ALLOW_PRIVATE_UPSTREAMS") && last.contains("http://10.1.2.3:8000/v1"),
        "{last}"
    );
}

#[test]
fn wrong_settings_and_an_absent_server_are_named_without_the_password() {
    let mut installation = Installation::new(Kind::Sqlite);
    installation.set("DATABASE_URL", "mysql://user:secret@host/name");
    let (lines, content) = check(&installation);
    assert!(!content && lines.len() == 1 && lines[0].starts_with("failed  configuration: "), "{lines:?}");
    assert!(!lines[0].contains("secret"), "{lines:?}");
    installation.set("FAILSOFT_MASTER_KEY", &master_key(1));
    // Nothing listens on port 1.
    installation.set("DATABASE_URL", "postgres://user:secret@127.0.0.1:1/name");
    let (lines, content) = check(&installation);
    assert!(
        !content && lines[1].starts_with("failed  database: ") && lines[1].contains("refused"),
        "{lines:?}"
    );
    assert!(!lines[1].contains("secret"), "{lines:?}");
}

#[test]
fn every_command_has_help_and_the_version_is_printed() {
    let version = succeeded(&run(program(&["--version"]), ""));
    assert_eq!(version.trim(), format!("failsoft {}", env!("CARGO_PKG_VERSION")));
    for Listed { help, .. } in commands() {
        let first = help.lines().next().expect("a line");
        assert!(first.ends_with('.') && help.contains("Usage: "), "{help}");
    }
    let help = succeeded(&run(program(&["serve", "--help"]), ""));
    let settings = include_str!("../../docs/SETTINGS.md");
    let flags = settings.lines().filter_map(|line| line.split('|').nth(2)?.trim().strip_prefix("`--"));
    let flags: Vec<&str> = flags.map(|flag| flag.trim_end_matches('`')).collect();
    assert!(flags.len() > 15, "{flags:?}");
    for flag in flags {
        assert!(help.contains(&format!("--{flag} ")), "{flag} is not in: {help}");
    }
    let help = succeeded(&run(program(&["migrate", "--help"]), ""));
    assert!(help.contains("--database-url ") && !help.contains("--cors-origins"), "{help}");
    let help = succeeded(&run(program(&["simulate", "--help"]), ""));
    assert!(help.contains("cut-midstream") && help.contains("rate-limited"), "{help}");
    assert_eq!(run(program(&["nonsense"]), "").status.code(), Some(2));
}
