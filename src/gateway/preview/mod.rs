//! Dry runs, previews and warnings of chains, connection tests, and playground requests. Not on the hot path.

pub mod chain_preview;
pub mod chain_warnings;
pub mod connection_test;
pub mod explain;
pub mod playground_request;
