//! `deploy/failsoft.example.toml` contains every setting with its default.

use clap::{Args as _, Command};
use failsoft::config::{Overrides, Settings, environment};

const EXAMPLE: &str = include_str!("../../deploy/failsoft.example.toml");

/// The keys of a table of the settings file, as its parser lists them for an unknown key.
fn keys(table: Option<&str>) -> Vec<String> {
    let header = table.map_or(String::new(), |table| format!("[{table}]\n"));
    let error = toml::from_str::<Settings>(&format!("{header}nonsense = 1")).expect_err("an unknown key");
    let message = error.message().to_owned();
    let (_, expected) = message.split_once("expected").expect("it says what it expected");
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The file with all commented settings enabled.
pub(crate) fn everything() -> String {
    // A comment for people has a blank after the mark.
    let setting = |line: &'static str| line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
    EXAMPLE.lines().map(|line| setting(line).unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_key_of_every_section_is_in_the_example() {
    let example: toml::Table = everything().parse().expect("TOML");
    let sections = keys(None);
    assert!(sections.contains(&"server".to_owned()), "{sections:?}");
    assert_eq!(example.len(), sections.len());
    for section in sections {
        let table = example[&section].as_table().expect(&section);
        for key in keys(Some(&section)) {
            assert!(table.contains_key(&key), "{section}.{key} is missing");
        }
    }
}

#[test]
fn what_it_sets_is_the_default_and_what_it_proposes_can_be_read() {
    let settings: Settings = toml::from_str(EXAMPLE).expect("settings");
    assert_eq!(format!("{settings:?}"), format!("{:?}", Settings::default()));
    toml::from_str::<Settings>(&everything()).expect("settings");
}

#[test]
fn it_names_every_variable_and_flag_and_none_that_does_not_exist() {
    let command = Overrides::augment_args(Command::new("failsoft"));
    let variables = environment::known();
    for argument in command.get_arguments() {
        let variable = argument.get_env().and_then(|name| name.to_str()).expect("every flag has a variable");
        assert!(variables.iter().any(|known| known == variable), "{variable} is missing");
        let flag = format!("--{}", argument.get_long().expect("a flag"));
        assert!(words(EXAMPLE).any(|word| word == flag), "{flag} is missing");
    }
    for variable in &variables {
        assert!(words(EXAMPLE).any(|word| word == variable), "{variable} is missing");
    }
    for word in words(EXAMPLE).filter(|word| word.starts_with("FAILSOFT_")) {
        assert!(variables.iter().any(|known| known == word), "{word} does not exist");
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !(character.is_ascii_alphanumeric() || "_-".contains(character)))
}
