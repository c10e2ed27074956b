//! `/playground`: any model, asked from a page.

pub(crate) mod prompt;
pub mod send;
pub mod stream;
