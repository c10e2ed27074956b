//! What would happen: dry runs, warnings about chains, tests of connections. Nothing here is on the hot path.

pub mod chain_preview;
pub mod chain_warnings;
pub mod connection_test;
pub mod explain;
pub mod playground_request;
