//! Section `[gateway]`: how calls are tried.

use std::path::PathBuf;

/// Section `[gateway]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// How long a connection to a provider may take to open, in seconds. Default 5.
    pub connect_seconds: u64,
    /// How long a stream may stay silent between two frames, in seconds. Default 60.
    pub stream_idle_seconds: u64,
    /// How long a stream may take in all, in seconds. Default 3600.
    pub stream_total_seconds: u64,
    /// Whether a model that keeps failing is left alone for a while. Default true.
    /// `FAILSOFT_COOLDOWN`.
    pub cooldown: bool,
    /// How long after one comment the next is sent to a stream that began without an answer, in milliseconds.
    /// Default 15,000.
    pub keepalive_interval_ms: u64,
    /// A TOML file with sentences of providers and what they mean, beside those that are built in. It is read again
    /// when it changes. Default: none. `FAILSOFT_SENTENCES`.
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
