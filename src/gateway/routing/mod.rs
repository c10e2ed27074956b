//! Which candidate is called next: the plan and what it knows (cooldown, health, budgets).

pub mod budget;
pub mod call_feedback;
pub mod cooldown;
pub mod plan;
pub mod provider_health;
