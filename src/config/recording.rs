//! Section `[recording]`: whether requests are stored, and how durably.

use std::path::PathBuf;

/// Whether requests and events are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// An answer is sent only when its record is durable.
    #[default]
    Durable,
    /// Nothing is stored. For benchmarks that measure the cost of recording.
    Off,
}

/// What a record survives once its answer has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// The death of the process, including SIGKILL.
    #[default]
    Process,
    /// Also a power failure: each commit waits for the disk.
    Full,
}

/// The settings of section `[recording]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recording {
    /// Whether anything is stored. Default `durable`. `FAILSOFT_RECORDING`.
    pub mode: Mode,
    /// What a record survives. Default `process`. `FAILSOFT_DURABILITY`.
    pub durability: Durability,
    /// Records that may wait for the writer, and so the number of concurrent requests. Default 65536.
    pub queue: usize,
    /// With PostgreSQL: a file that stores records while the database is unreachable or slow. With `off` answers are
    /// withheld instead. Default `failsoft-spool.db` in the working directory. `FAILSOFT_SPOOL`.
    pub spool: Option<PathBuf>,
    /// The maximum size of the spool in bytes. Default 1 GiB. `FAILSOFT_SPOOL_BYTES`.
    pub spool_bytes: u64,
}

impl Default for Recording {
    fn default() -> Self {
        Self {
            mode: Mode::Durable,
            durability: Durability::Process,
            queue: 65_536,
            spool: None,
            spool_bytes: 1 << 30,
        }
    }
}

/// The default path of the spool.
const SPOOL: &str = "failsoft-spool.db";
/// The value that turns the spool off.
const OFF: &str = "off";

impl Recording {
    /// The path of the spool: the default if none is set, `None` for `off`.
    pub(super) fn resolve_spool(&mut self) {
        let path = self.spool.take().unwrap_or_else(|| PathBuf::from(SPOOL));
        self.spool = (path.as_os_str() != OFF).then_some(path);
    }
}
