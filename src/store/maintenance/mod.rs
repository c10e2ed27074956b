//! Work that belongs to no caller: retention, expiry, the operator.

pub(crate) mod expiry;
pub(crate) mod retention;
pub mod system;
