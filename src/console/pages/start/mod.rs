//! `/start`: from an empty organization to a failover that one has seen.

pub mod key;
pub mod read;
pub mod request;
mod simulated;
