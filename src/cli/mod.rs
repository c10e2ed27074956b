//! The commands: reads the command line, runs one command, and returns its exit code.
//!
//! 0 is success, 1 a failure with one line on stderr that names cause and remedy, 2 an invalid command line. Results
//! go to stdout, everything else to stderr.

mod check;
mod command;
mod complaint;
mod demo;
mod migrate;
mod organization;
mod output;
mod rotate_master_key;
mod serve;
mod signals;
mod simulate;
mod user;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// Settings that only a running server uses.
const SERVER_SETTINGS: [&str; 17] = [
    "listen",
    "public_url",
    "trusted_proxies",
    "cors_origins",
    "signup",
    "workers",
    "organization_requests",
    "allow_private_upstreams",
    "drain_seconds",
    "drain_notice_seconds",
    "cooldown",
    "sentences",
    "recording",
    "spool",
    "spool_bytes",
    "metrics_listen",
    "metrics_token_file",
];

/// An LLM gateway that fails soft: when a model fails, the next one answers the same request, and the failover is
/// on record.
#[derive(Debug, Parser)]
#[command(name = "failsoft", version, disable_help_subcommand = true, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Serve(serve::Arguments),
    Simulate(simulate::Arguments),
    /// Creates organizations with their owner.
    #[command(subcommand)]
    Org(OrganizationCommand),
    /// Helps users who cannot sign in.
    #[command(subcommand)]
    User(UserCommand),
    Migrate(migrate::Arguments),
    Check(check::Arguments),
    RotateMasterKey(rotate_master_key::Arguments),
}

#[derive(Debug, Subcommand)]
enum OrganizationCommand {
    Create(organization::Arguments),
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    ResetLink(user::Arguments),
}

/// Reads the command line and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let parsed = command_line().try_get_matches().and_then(|matches| CommandLine::from_arg_matches(&matches));
    let command = match parsed {
        Ok(line) => line.command,
        Err(error) => {
            match error.kind() {
                ErrorKind::DisplayHelp
                | ErrorKind::DisplayVersion
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                    // A closed stdout is not a failure.
                    let _ = error.print();
                }
                _ => output::remark(&format!("failsoft: {}", complaint::of(&error, &command_line()))),
            }
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::failure(&error);
            ExitCode::FAILURE
        }
    }
}

/// The command line; the help of each command lists only the settings that it uses.
fn command_line() -> clap::Command {
    let on_the_database = |command: clap::Command| {
        command.mut_args(|argument| {
            let of_server = SERVER_SETTINGS.contains(&argument.get_id().as_str());
            if of_server { argument.hide(true) } else { argument }
        })
    };
    let command = CommandLine::command()
        .mut_subcommand("migrate", on_the_database)
        .mut_subcommand("rotate-master-key", on_the_database)
        .mut_subcommand("org", |org| org.mut_subcommand("create", on_the_database))
        .mut_subcommand("user", |user| user.mut_subcommand("reset-link", on_the_database));
    without_empty_variables(without_values(command))
}

/// Makes the help name the variables without their values.
fn without_values(command: clap::Command) -> clap::Command {
    command.mut_args(|argument| argument.hide_env_values(true)).mut_subcommands(without_values)
}

/// Removes empty variables, so that they count as not set, like `NAME=` lines of an env file.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "whether it is empty; clap reads the settings that config defines"
    )]
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|argument| match argument.get_env() {
            Some(name) if is_empty(name) => argument.env(Resettable::Reset),
            Some(_) | None => argument,
        })
        .mut_subcommands(without_empty_variables)
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Serve(arguments) => serve::run(arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Org(OrganizationCommand::Create(arguments)) => organization::create(arguments),
        Command::User(UserCommand::ResetLink(arguments)) => user::reset_link(arguments),
        Command::Migrate(arguments) => migrate::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::RotateMasterKey(arguments) => rotate_master_key::run(arguments),
    }
}
