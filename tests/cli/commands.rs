//! The commands as the program's help lists them, so that a test of all of them covers a new one, too.

use clap::{Args as _, Command};
use failsoft::config::Overrides;

use crate::installation::program;
use crate::process::{run, succeeded};

/// A command with values for all arguments that it needs.
pub(crate) struct Listed {
    pub(crate) arguments: Vec<String>,
    pub(crate) help: String,
}

/// A flag that takes a value, and its variable.
pub(crate) struct Flag {
    pub(crate) name: String,
    pub(crate) variable: Option<String>,
}

/// Every command.
pub(crate) fn commands() -> Vec<Listed> {
    let mut found = Vec::new();
    add(&[], &mut found);
    assert!(found.len() >= 8, "the help is read wrongly: {} commands", found.len());
    found
}

fn add(path: &[String], found: &mut Vec<Listed>) {
    let mut with_help: Vec<&str> = path.iter().map(String::as_str).collect();
    with_help.push("--help");
    let help = succeeded(&run(program(&with_help), ""));
    let Some((_, below)) = help.split_once("\nCommands:\n") else {
        let needed = needed(&help);
        let arguments = path.iter().cloned().chain(needed).collect();
        found.push(Listed { arguments, help });
        return;
    };
    // A line that goes on has more indentation than a name.
    let lines = below.lines().take_while(|line| !line.is_empty());
    for name in lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()) {
        if !name.is_empty() {
            add(&[path, &[name.to_owned()]].concat(), found);
        }
    }
}

/// What the command line must have after the name of the command, from its usage.
fn needed(help: &str) -> Vec<String> {
    let usage = help.lines().find_map(|line| line.strip_prefix("Usage: failsoft ")).expect("a usage");
    let words = usage.split(' ').skip_while(|word| !word.starts_with(['[', '<', '-']));
    let value = |word: &str| match word {
        "<NAME>" => "Acme".to_owned(),
        "<EMAIL>" => "owner@example.com".to_owned(),
        flag if flag.starts_with("--") => flag.to_owned(),
        other => panic!("no value for {other} of '{usage}'; add one here"),
    };
    words.filter(|word| *word != "[OPTIONS]").map(value).collect()
}

impl Listed {
    /// The arguments as a command takes them.
    pub(crate) fn words(&self) -> Vec<&str> {
        self.arguments.iter().map(String::as_str).collect()
    }

    /// Whether it reads the settings of a server, which the help of some commands does not list in full.
    pub(crate) fn takes_settings(&self) -> bool {
        self.help.contains("--database-url ")
    }

    /// Its flags that take a value.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        let mut found = Vec::new();
        if self.takes_settings() {
            let settings = Overrides::augment_args(Command::new("failsoft"));
            found.extend(settings.get_arguments().map(|argument| Flag {
                name: format!("--{}", argument.get_long().expect("a flag")),
                variable: argument.get_env().map(|name| name.to_str().expect("a name").to_owned()),
            }));
        }
        for paragraph in self.help.split("\n      --").skip(1) {
            let (name, rest) = paragraph.split_once([' ', '\n']).unwrap_or((paragraph, ""));
            let name = format!("--{name}");
            let takes_value = rest.starts_with('<');
            if takes_value && !found.iter().any(|flag: &Flag| flag.name == name) {
                let variable = rest.split_once("[env: ").and_then(|(_, rest)| rest.split(']').next());
                found.push(Flag { name, variable: variable.map(str::to_owned) });
            }
        }
        found
    }
}
