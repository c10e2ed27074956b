//! TODO gateway::response

pub mod answer;
pub mod relay;
