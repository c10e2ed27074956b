//! TODO gateway::record

pub mod metrics;
pub mod trail;
