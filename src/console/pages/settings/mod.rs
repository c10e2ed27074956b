//! The organization's limits and modes.

pub mod read;
