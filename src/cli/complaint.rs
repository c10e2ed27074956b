//! Errors of the command line, as one line without values.
//!
//! The parser's own messages repeat the given values, including environment variables: a password in the wrong setting
//! would appear on the terminal and in the log of a supervisor.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Describes the error without any value.
pub(super) fn of(error: &clap::Error, command: &Command) -> String {
    let named = named(error, command);
    let what = match error.kind() {
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            let setting = named.unwrap_or_else(|| "a value".to_owned());
            format!("{setting} cannot be used: {}", cause(error))
        }
        ErrorKind::UnknownArgument => match named {
            Some(flag) => format!("there is no flag {flag} here{}", suggestion(error)),
            None => "an argument was not expected here".to_owned(),
        },
        ErrorKind::InvalidSubcommand => format!("there is no such command{}", suggestion(error)),
        ErrorKind::MissingRequiredArgument => {
            format!("missing: {}", strings(error, ContextKind::InvalidArg).join(", "))
        }
        ErrorKind::ArgumentConflict => {
            format!(
                "{} cannot be given together with another argument, or more than once",
                named.unwrap_or_default()
            )
        }
        ErrorKind::InvalidUtf8 => "an argument or a variable is not UTF-8".to_owned(),
        ErrorKind::NoEquals
        | ErrorKind::TooManyValues
        | ErrorKind::TooFewValues
        | ErrorKind::WrongNumberOfValues => {
            format!("{} has the wrong number of values", named.unwrap_or_else(|| "an argument".to_owned()))
        }
        _ => "the command line cannot be read".to_owned(),
    };
    format!("{what}. 'failsoft --help' lists the commands, 'failsoft COMMAND --help' their flags")
}

/// Why a value was refused, from its parser. Neither our parsers nor those of the standard library repeat the value.
fn cause(error: &clap::Error) -> String {
    let expected = strings(error, ContextKind::ValidValue);
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None if expected.is_empty() => "a value is missing".to_owned(),
        None => format!("write {}", expected.join(" or ")),
    }
}

/// The flag of the error, with its environment variable, if it looks like a flag.
fn named(error: &clap::Error, command: &Command) -> Option<String> {
    let given = strings(error, ContextKind::InvalidArg).into_iter().next()?;
    if given.starts_with('<') {
        return Some(given);
    }
    let flag = given.strip_prefix("--")?.split(['=', ' ']).next()?;
    let is_flag = flag.len() <= 40 && flag.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if !is_flag {
        return None;
    }
    match variable(command, flag) {
        Some(variable) => Some(format!("{variable} (--{flag})")),
        None => Some(format!("--{flag}")),
    }
}

/// The environment variable of a flag, of any command.
fn variable(command: &Command, flag: &str) -> Option<String> {
    let own = command.get_arguments().find(|argument| argument.get_long() == Some(flag));
    let own = own.and_then(|argument| argument.get_env()?.to_str().map(str::to_owned));
    own.or_else(|| command.get_subcommands().find_map(|below| variable(below, flag)))
}

fn suggestion(error: &clap::Error) -> String {
    let kinds = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand];
    match kinds.into_iter().flat_map(|kind| strings(error, kind)).next() {
        Some(known) => format!("; did you mean {known}?"),
        None => String::new(),
    }
}

fn strings(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}
