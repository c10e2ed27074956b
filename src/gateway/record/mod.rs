//! What is recorded of a request: its attempts, its rows and its metrics.

mod access_log;
mod attempt_log;
pub mod metrics;
pub mod request_context;
pub mod request_recorder;
mod request_row;
pub mod reserved;
pub(in crate::gateway) mod skip_message;
pub(in crate::gateway) mod spans;
pub mod unbilled;
