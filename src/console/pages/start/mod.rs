//! `/start`: guides a new organization to its first failover.

pub mod key;
pub mod read;
pub mod request;
mod simulated;
