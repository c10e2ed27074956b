//! `/playground`: sends a request to any model.

pub(crate) mod prompt;
pub mod send;
pub mod stream;
