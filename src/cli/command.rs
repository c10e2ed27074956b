//! What the commands share: settings, the runtime, and errors of the database.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::runtime::Runtime;

use crate::config::environment::{self, Unknown};
use crate::config::{Overrides, Settings};
use crate::domain::error::Error;
use crate::telemetry;

/// Threads besides those of the servers, for the database, the record writer and background jobs.
const WORKER_THREADS: usize = 2;

/// Reads the settings and starts the logs.
///
/// A misspelled variable is an error, like a misspelled key of the file: a protection that it should enable would stay
/// off. A variable that only has our prefix is logged: it may belong to a newer version or another program.
pub(super) fn settle(overrides: Overrides) -> anyhow::Result<Settings> {
    let unknown = environment::unknown();
    if let Some(Unknown { name, nearest, .. }) = unknown.iter().find(|unknown| unknown.is_slip) {
        anyhow::bail!("there is no setting {name}; did you mean {nearest}? Rename or remove the variable");
    }
    let settings = overrides.with_secrets_from_environment()?.settings()?;
    telemetry::init(&settings.telemetry).map_err(anyhow::Error::msg)?;
    for Unknown { name, nearest, .. } in unknown {
        tracing::warn!("{name} is set but is not a setting of this version; the nearest one is {nearest}");
    }
    Ok(settings)
}

/// Shows the database's own message, which the store's errors keep for the log, to the operator.
pub(super) fn explain(error: Error) -> anyhow::Error {
    match error {
        Error::Internal(source) => anyhow::Error::from_boxed(source).context("the database could not do it"),
        error => error.into(),
    }
}

/// Replaces an unspecified address by one that a caller can use.
pub(super) fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        ip if !ip.is_unspecified() => ip,
        ip if ip.is_ipv4() => Ipv4Addr::LOCALHOST.into(),
        _ => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listening.port())
}

/// Runs a command to its end, without waiting for tasks that it started.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = runtime()?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}

pub(super) fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .thread_name("failsoft")
        .enable_all()
        .build()
}
