//! No command repeats a value that it cannot use: it may be a secret in the wrong setting.
//!
//! The cases are generated from the commands, their flags and the example of the settings file.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};

use failsoft::config::environment;

use crate::commands::{Listed, commands};
use crate::installation::Kind;
use crate::process::run;
use crate::secrets::{ABSENT, assert_silent, plain};
use crate::settings::everything;

/// How many commands run at once, because some of them wait for an unavailable database.
const AT_ONCE: usize = 8;

/// Values for flags and variables. A setting that takes one of them is no secret, such as a log filter.
const UNUSABLE: [&str; 2] = ["postgres://user:kanarienvogel@127.0.0.1:1/name", "=kanarienvogel"];

/// Values for the file: of a text, of a list, and none of TOML.
const UNUSABLE_IN_A_FILE: [&str; 3] =
    ["'postgres://user:kanarienvogel@127.0.0.1:1/name'", "['kanarienvogel']", "kanarienvogel"];

/// A command with an unusable value in one place.
struct Misuse<'a> {
    command: &'a Listed,
    place: Place,
    value: &'static str,
}

/// Where the value is given.
#[derive(Clone)]
enum Place {
    /// The variable of that name.
    Variable(String),
    /// The flag, and its variable, which is not set.
    Flag { name: String, variable: Option<String> },
    /// The key in that section of the settings file.
    File { section: String, key: String },
}

impl Misuse<'_> {
    /// Runs the command. `taken` is an address on which the test listens: nothing may start, whatever the value.
    fn says_nothing(&self, taken: SocketAddr) {
        let Self { command, place, value } = self;
        let mut installation = plain(Kind::Sqlite);
        installation.set("DATABASE_URL", ABSENT);
        let mut arguments = command.arguments.clone();
        if !command.takes_settings() && !place.is_listener() {
            arguments.push(format!("--listen={taken}"));
        }
        match place {
            Place::Variable(name) => {
                // A file is not read if the environment has what it holds.
                installation.unset(name.trim_end_matches("_FILE"));
                installation.set(name, value);
            }
            Place::Flag { name, variable } => {
                if let Some(variable) = variable {
                    installation.unset(variable);
                    installation.unset(variable.trim_end_matches("_FILE"));
                }
                if let Some(at) = arguments.iter().position(|argument| argument == name) {
                    arguments.drain(at..at + 2);
                }
                arguments.push(format!("{name}={value}"));
            }
            Place::File { section, key } => {
                let file = installation.folder().join("failsoft.toml");
                std::fs::write(file, format!("[{section}]\n{key} = {value}\n")).expect("written");
                if section == "database" && key.starts_with("url") {
                    installation.unset("DATABASE_URL");
                }
                if section == "secrets" {
                    installation.unset("FAILSOFT_MASTER_KEY");
                }
                arguments.push("--config=failsoft.toml".to_owned());
            }
        }
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = run(installation.command(&words), "a password of the test\n");
        assert_silent(&output, &format!("{arguments:?} {} {value}", place.name()));
    }
}

impl Place {
    fn name(&self) -> String {
        match self {
            Self::Variable(name) | Self::Flag { name, .. } => name.clone(),
            Self::File { section, key } => format!("{section}.{key}"),
        }
    }

    fn is_listener(&self) -> bool {
        ["FAILSOFT_LISTEN", "--listen"].contains(&&*self.name())
    }

    /// Whether the value can be the path of a file, which may be repeated if there is no such file.
    fn may_repeat(&self, value: &str) -> bool {
        let name = self.name().to_lowercase();
        let paths = ["file", "config", "spool", "sentences"];
        paths.iter().any(|end| name.ends_with(end)) && !value.contains("://")
    }
}

/// Checks all cases, several at once.
fn say_nothing(cases: &[Misuse<'_>]) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = listener.local_addr().expect("an address");
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    case.says_nothing(taken);
                }
            });
        }
    });
}

/// The variables and flags of a command.
fn places(command: &Listed) -> Vec<Place> {
    let flags = command.flags();
    let variables = flags.iter().filter_map(|flag| flag.variable.clone());
    let mut places: Vec<Place> = variables.map(Place::Variable).collect();
    if command.takes_settings() {
        let without_flag = environment::known().into_iter().map(Place::Variable);
        let known: Vec<String> = places.iter().map(Place::name).collect();
        places.extend(without_flag.filter(|place| !known.contains(&place.name())));
    }
    places.extend(flags.into_iter().map(|flag| Place::Flag { name: flag.name, variable: flag.variable }));
    places
}

#[test]
fn no_command_repeats_a_value_of_its_flags_and_variables() {
    let commands = commands();
    let mut cases = Vec::new();
    for command in &commands {
        // All commands read settings in one way: two of them try every value, the others one.
        let tried = if command.takes_settings() && !["serve", "check"].contains(&&*command.arguments[0]) {
            &UNUSABLE[..1]
        } else {
            &UNUSABLE
        };
        for place in places(command) {
            for value in tried.iter().filter(|value| !place.may_repeat(value)) {
                cases.push(Misuse { command, place: place.clone(), value });
            }
        }
    }
    for command in &commands {
        let tried = cases.iter().any(|case| std::ptr::eq(case.command, command));
        assert!(tried, "no flag and no variable of {:?}", command.arguments);
    }
    assert!(cases.len() > 400, "{}", cases.len());
    say_nothing(&cases);
}

#[test]
fn no_command_repeats_a_value_of_the_settings_file() {
    let commands = commands();
    let commands: Vec<&Listed> = commands.iter().filter(|command| command.takes_settings()).collect();
    let example: toml::Table = everything().parse().expect("TOML");
    let mut cases = Vec::new();
    for (section, keys) in &example {
        for key in keys.as_table().expect("a section").keys() {
            let place = Place::File { section: section.clone(), key: key.clone() };
            for value in UNUSABLE_IN_A_FILE {
                // Each key with each value meets another command; `serve` meets all of them.
                let next = commands[cases.len() % commands.len()];
                for command in [next, commands[0]] {
                    cases.push(Misuse { command, place: place.clone(), value });
                }
            }
        }
    }
    assert_eq!(commands[0].arguments, ["serve"]);
    assert!(cases.len() > 200, "{}", cases.len());
    say_nothing(&cases);
}
