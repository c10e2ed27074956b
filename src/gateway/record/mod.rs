//! What is kept of a request: its attempts, its rows, its metrics.

pub mod metrics;
pub mod trail;
