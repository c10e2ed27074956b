//! The settings of a process: one file per section, every default documented where it is defined.
//!
//! Precedence: flag > environment (`FAILSOFT_*`, and `DATABASE_URL`) > file > default. Unknown keys of the file and
//! misspelled variables are refused, and a bad value stops the start with one line, before a port is opened. That line
//! repeats no value: any may be a secret, or hold one.

mod check;
pub mod console;
pub mod database;
pub mod environment;
mod file;
pub mod gateway;
pub mod recording;
pub mod secrets;
pub mod server;
pub mod source;
pub mod telemetry;
pub mod upstream;

pub use source::{ConfigError, Overrides};

/// All sections, checked.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where we listen and how long things may take.
    pub server: server::Server,
    /// Who may enter the console.
    pub console: console::Console,
    /// Which database.
    pub database: database::Database,
    /// The master key.
    pub secrets: secrets::Secrets,
    /// Which addresses a provider may have.
    pub upstream: upstream::Upstream,
    /// How calls are tried.
    pub gateway: gateway::Gateway,
    /// What is written down, and how firmly.
    pub recording: recording::Recording,
    /// Logs and metrics.
    pub telemetry: telemetry::Telemetry,
}
