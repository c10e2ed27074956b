//! TODO gateway::preview

pub mod chain_preview;
pub mod chain_warnings;
pub mod connection_test;
pub mod explain;
pub mod playground_request;
