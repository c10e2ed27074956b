//! Section `[recording]`: what is written down, and how firmly.

use std::path::PathBuf;

/// Whether requests and events are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// An answer is given only when its record is durable.
    #[default]
    Durable,
    /// Nothing is stored. For benchmarks, which need to know what recording costs.
    Off,
}

/// What a record survives once its answer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// The death of the process, by SIGKILL too.
    #[default]
    Process,
    /// The power cord as well: each commit waits for the disk.
    Full,
}

/// Section `[recording]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recording {
    /// Default `durable`. `FAILSOFT_RECORDING`.
    pub mode: Mode,
    /// Default `process`. `FAILSOFT_DURABILITY`.
    pub durability: Durability,
    /// Records that may wait for the writer; also the number of requests that may be under way. Default 65536.
    pub queue: usize,
    /// With PostgreSQL: a file that takes the records while the database is away or slow. `off` is none: answers are
    /// then refused instead. Default `failsoft-spool.db` in the working directory. `FAILSOFT_SPOOL`.
    pub spool: Option<PathBuf>,
    /// The most that the spool may take of the disk, in bytes. Default 1 GiB. `FAILSOFT_SPOOL_BYTES`.
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

/// Where the spool is, if nobody says otherwise.
const SPOOL: &str = "failsoft-spool.db";
/// The word for no spool.
const OFF: &str = "off";

impl Recording {
    /// The spool's file, once all has been said: the default where nothing was, none where `off` was.
    pub(super) fn resolve_spool(&mut self) {
        let path = self.spool.take().unwrap_or_else(|| PathBuf::from(SPOOL));
        self.spool = (path.as_os_str() != OFF).then_some(path);
    }
}
