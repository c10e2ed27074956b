//! One fallback event as a line of a table.

use crate::console::components::format::duration;
use crate::console::components::status_badge::Mark;
use crate::console::components::timestamp::Moment;
use crate::gateway::request::drills;
use crate::store::EventRow;

/// A line.
#[derive(Debug, Clone)]
pub struct EventLine {
    /// The event's id.
    pub id: String,
    /// When it happened.
    pub at: Moment,
    /// Who did not answer.
    pub failed_model: String,
    /// Who was next; none if nobody was left.
    pub next_model: Option<String>,
    /// Why.
    pub reason: Mark,
    /// The provider's status; empty if there was none.
    pub status: String,
    /// How long it took; empty if nobody was called.
    pub took: String,
    /// What the provider said.
    pub message: String,
    /// Where the record comes from, unless it is an ordinary one.
    pub origin: Option<Mark>,
}

impl From<&EventRow> for EventLine {
    fn from(row: &EventRow) -> Self {
        let called = row.attempts > 0 && row.matched_rule.as_deref() != Some(drills::RULE);
        Self {
            id: row.id.0.to_string(),
            at: Moment::from(row.created_at),
            failed_model: row.failed_model.clone(),
            next_model: row.next_model.clone(),
            reason: Mark::of_class(&row.error_class),
            status: row.status_code.map(|status| status.to_string()).unwrap_or_default(),
            took: if called { duration(row.duration_ms) } else { String::new() },
            message: row.error_message.clone().unwrap_or_default(),
            origin: Mark::of_origin(&row.origin),
        }
    }
}
