//! Section `[telemetry]`: logs and metrics.

use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines of text for people.
    #[default]
    Text,
    /// One JSON object per line, for machines.
    Json,
}

/// The settings of section `[telemetry]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// The log filter: a level or `tracing` directives. Default `info`. `FAILSOFT_LOG`.
    pub log: String,
    /// The log format. Default `text`. `FAILSOFT_LOG_FORMAT`.
    pub log_format: LogFormat,
    /// A separate listener for `/metrics`, which needs no token. Default none. `FAILSOFT_METRICS_LISTEN`.
    pub metrics_listen: Option<SocketAddr>,
    /// The bearer token for `/metrics` on the main listener; without it the route is closed there.
    /// `FAILSOFT_METRICS_TOKEN`; never in the file.
    #[serde(skip)]
    pub metrics_token: Option<SecretString>,
    /// A file with the token. Default none. `FAILSOFT_METRICS_TOKEN_FILE`, `--metrics-token-file`.
    pub metrics_token_file: Option<PathBuf>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            metrics_listen: None,
            metrics_token: None,
            metrics_token_file: None,
        }
    }
}
