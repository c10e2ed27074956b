//! Documentation pages: quick start, guides and API reference.

pub mod api;
pub mod guides;
pub mod llms;
mod markdown;
pub mod start;
