//! What a newcomer and a programmer read.

pub mod api;
pub mod start;
