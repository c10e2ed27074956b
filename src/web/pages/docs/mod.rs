//! What a newcomer and a programmer read.

pub mod api;
