//! The settings of a process: one file per section, every default documented where it is defined.
//!
//! Precedence: flag > environment (`FAILSOFT_*`, and `DATABASE_URL`) > file > default. Unknown keys of the file and
//! misspelled variables are refused, and a bad value stops the start with one line, before a port is opened. That line
//! never repeats a value, because any value may be or contain a secret.

pub mod archive;
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
pub mod valkey;

pub use source::{ConfigError, Overrides};

/// All sections, with checked values.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Listener, limits and shutdown.
    pub server: server::Server,
    /// Who may sign up.
    pub console: console::Console,
    /// The address of the database.
    pub database: database::Database,
    /// The master key and its file.
    pub secrets: secrets::Secrets,
    /// Which addresses providers may have.
    pub upstream: upstream::Upstream,
    /// Time limits and cooldown of provider calls.
    pub gateway: gateway::Gateway,
    /// Whether requests are stored, and how durably.
    pub recording: recording::Recording,
    /// Where records are written before they are deleted.
    pub archive: archive::Archive,
    /// Where processes count limits together, if not in the database.
    pub valkey: valkey::Valkey,
    /// Settings of logs and metrics.
    pub telemetry: telemetry::Telemetry,
}
