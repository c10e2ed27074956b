//! Section `[gateway]`: time limits and cooldown of provider calls.

use std::path::PathBuf;

/// The settings of section `[gateway]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// How long a connection to a provider may take to open, in seconds. Default 5.
    pub connect_seconds: u64,
    /// How long a stream may pause between two frames, in seconds. Default 60.
    pub stream_idle_seconds: u64,
    /// How long a whole stream may take, in seconds. Default 3600.
    pub stream_total_seconds: u64,
    /// Whether a model that keeps failing is not called for a while. Default true.
    /// `FAILSOFT_COOLDOWN`.
    pub cooldown: bool,
    /// The interval of comment lines in a stream that is silent: one that began without an answer, or one that pauses, in
    /// milliseconds. Default 15,000.
    pub keepalive_interval_ms: u64,
    /// A TOML file with error sentences of providers and what they mean, in addition to the built-in ones. It is read
    /// again when it changes. Default: none. `FAILSOFT_SENTENCES`.
    pub sentences: Option<PathBuf>,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            connect_seconds: 5,
            stream_idle_seconds: 60,
            stream_total_seconds: 3_600,
            cooldown: true,
            keepalive_interval_ms: 15_000,
            sentences: None,
        }
    }
}
