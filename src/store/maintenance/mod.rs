//! Work without a caller: retention, expiry and commands of the operator.

pub(crate) mod expiry;
pub mod limit_counters;
pub(crate) mod retention;
pub(crate) mod schedule;
pub mod system;
