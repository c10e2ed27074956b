//! Documentation pages: quick start and API reference.

pub mod api;
pub mod start;
