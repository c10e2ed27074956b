//! What is kept of a request: its attempts, its rows, its metrics.

mod access_log;
pub mod metrics;
pub(in crate::gateway) mod spans;
pub mod trail;
