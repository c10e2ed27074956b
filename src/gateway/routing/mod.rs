//! TODO gateway::routing

pub mod budget;
pub mod call_feedback;
pub mod cooldown;
pub mod plan;
pub mod provider_health;
