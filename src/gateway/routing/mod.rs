//! Decides which candidate is called next: the plan, and the state it uses (cooldowns, provider health, budgets, limits).

pub mod budget;
pub mod call_feedback;
pub mod cooldown;
pub mod deployments;
pub mod headroom;
pub mod plan;
pub mod provider_health;
