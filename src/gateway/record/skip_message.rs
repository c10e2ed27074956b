//! Failures for candidates that were skipped, and their messages.

use crate::dialects::need::Need;
use crate::domain::clock::whole_seconds;
use crate::domain::failure::Failure;
use crate::gateway::routing::budget::OverBudget;
use crate::gateway::routing::cooldown::OpenCooldown;
use crate::gateway::routing::headroom::NoHeadroom;
use crate::gateway::routing::plan::SkipReason;

/// The failure of a candidate that was skipped.
#[must_use]
pub(in crate::gateway) fn skip_failure(skip_reason: &SkipReason, model: &str) -> Failure {
    let SkipReason { class, over_budget, no_headroom, need, .. } = skip_reason;
    let why = class.policy().passed_over.unwrap_or("it failed");
    let remaining = skip_reason.cooldown_cause().map_or_else(String::new, |cooldown| {
        format!(" ({}; {} s left)", cooldown.failure.class, whole_seconds(cooldown.remaining))
    });
    let message = match (over_budget, no_headroom, need) {
        (Some(over_budget), ..) => format!("The model '{model}' was not called: {over_budget}."),
        (None, Some(no_headroom), _) => format!("The model '{model}' was not called: {no_headroom}."),
        (None, None, Some(need)) => format!("The model '{model}' was not called: {need}."),
        (None, None, None) => format!("The model '{model}' was not called: {why}{remaining}."),
    };
    let waits = || no_headroom.as_ref().and_then(NoHeadroom::retry_after);
    let retry_after = over_budget.as_ref().and_then(OverBudget::retry_after).or_else(waits);
    Failure { retry_after, ..Failure::ours(*class, need.map_or(class.as_str(), Need::rule), &message) }
}

/// The message of a chain in which every candidate is in cooldown.
pub(super) fn all_in_cooldown_message(cooldown: &OpenCooldown) -> String {
    format!(
        "No model was called: every model that could answer has been failing and is in cooldown, the first of them for another {} s. The last failure: {}",
        whole_seconds(cooldown.remaining),
        cooldown.failure.message
    )
}
