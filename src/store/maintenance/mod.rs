//! TODO store::maintenance

pub(crate) mod expiry;
pub(crate) mod retention;
pub mod system;
