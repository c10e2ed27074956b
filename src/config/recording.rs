//! Section `[recording]`: what is written down, and how firmly.

/// Whether requests and events are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// An answer is given only when its record is in the database.
    #[default]
    Durable,
    /// Nothing is stored. For benchmarks, which need to know what recording costs.
    Off,
}

/// Section `[recording]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recording {
    /// Default `durable`. `FAILSOFT_RECORDING`.
    pub mode: Mode,
    /// Records that may wait for the writer; also the number of requests that may be under way. Default 65536.
    pub queue: usize,
}

impl Default for Recording {
    fn default() -> Self {
        Self { mode: Mode::Durable, queue: 65_536 }
    }
}
