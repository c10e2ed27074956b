//! Every setting is in the table of the docs, in the example of an environment, and passed on by the compose file.

use std::collections::BTreeSet;

use clap::{Args as _, Command};
use failsoft::config::{Overrides, environment};

const TABLE: &str = include_str!("../../docs/SETTINGS.md");
const EXAMPLE: &str = include_str!("../../deploy/failsoft.env.example");
const COMPOSE: &str = include_str!("../../deploy/compose.yaml");

/// The compose file's own variables, which are not settings of the program.
const OF_COMPOSE: [&str; 3] = ["FAILSOFT_PORT", "FAILSOFT_IMAGE", "POSTGRES_PASSWORD"];

/// Whether the compose file passes a setting on: the image sets the listener, and a secret's file replaces the secret.
fn is_handed_on(variable: &str) -> bool {
    variable != "FAILSOFT_LISTEN" && !variable.ends_with("_FILE")
}

fn known() -> BTreeSet<String> {
    let known: BTreeSet<String> = environment::known().into_iter().collect();
    assert!(known.len() > 20 && known.contains("FAILSOFT_SENTENCES"), "{known:?}");
    known
}

fn named(lines: impl Iterator<Item = &'static str>) -> BTreeSet<String> {
    // The credential of an archive has the names that every program for S3 reads.
    let is_ours = |name: &&str| !OF_COMPOSE.contains(name) && !name.starts_with("AWS_");
    lines.filter(is_ours).map(str::to_owned).collect()
}

#[test]
fn the_table_of_settings_is_the_one_of_the_code() {
    let rows = || TABLE.lines().filter_map(|line| line.strip_prefix("| `"));
    let variables = named(rows().filter_map(|row| row.split('`').next()));
    assert_eq!(variables, known());
    assert_eq!(rows().count(), variables.len(), "a row for each");
    for argument in Overrides::augment_args(Command::new("failsoft")).get_arguments() {
        let variable = argument.get_env().and_then(|name| name.to_str()).expect("a variable");
        let flag = format!("{variable}` | `--{}` | ", argument.get_long().expect("a flag"));
        assert!(rows().any(|row| row.starts_with(&flag)), "{flag}");
    }
}

#[test]
fn the_example_of_an_environment_names_every_setting_and_no_other() {
    let settings = EXAMPLE.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix('#').unwrap_or(line).split_once('=')?;
        name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_').then_some(name)
    });
    let mut variables = named(settings);
    for elsewhere in ["DATABASE_URL", "FAILSOFT_LISTEN"] {
        assert!(EXAMPLE.contains(elsewhere), "it says where {elsewhere} is set");
        variables.insert(elsewhere.to_owned());
    }
    assert_eq!(variables, known());
}

#[test]
fn the_compose_file_hands_every_setting_on() {
    let handed = COMPOSE.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("      ")?.split_once(':')?;
        name.starts_with(|first: char| first.is_ascii_uppercase()).then_some(name)
    });
    let handed: BTreeSet<String> =
        named(handed).into_iter().filter(|name| !name.starts_with("POSTGRES_")).collect();
    let expected: BTreeSet<String> = known().into_iter().filter(|name| is_handed_on(name)).collect();
    assert_eq!(handed, expected);
}
