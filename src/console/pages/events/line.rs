//! One fallback event as a table row.

use crate::console::components::format::duration;
use crate::console::components::status_badge::StatusBadge;
use crate::console::components::timestamp::Timestamp;
use crate::gateway::request::drills;
use crate::store::FallbackEventRow;

/// The cells of a row.
#[derive(Debug, Clone)]
pub struct EventLine {
    /// Id of the event.
    pub id: String,
    /// Time of the event.
    pub at: Timestamp,
    /// The model that did not answer.
    pub failed_model: String,
    /// The next model; `None` if none was left.
    pub next_model: Option<String>,
    /// Why the model did not answer.
    pub reason: StatusBadge,
    /// HTTP status from the provider; empty if there was none.
    pub status: String,
    /// Duration; empty if no call was made.
    pub took: String,
    /// The message from the provider.
    pub message: String,
    /// Origin of the record; `None` for live traffic.
    pub origin: Option<StatusBadge>,
}

impl From<&FallbackEventRow> for EventLine {
    fn from(row: &FallbackEventRow) -> Self {
        let called = row.attempts > 0 && row.matched_rule.as_deref() != Some(drills::RULE);
        Self {
            id: row.id.0.to_string(),
            at: Timestamp::from(row.created_at),
            failed_model: row.failed_model.clone(),
            next_model: row.next_model.clone(),
            reason: StatusBadge::of_class(row.error_class.as_str()),
            status: row.status_code.map(|status| status.to_string()).unwrap_or_default(),
            took: if called { duration(row.duration_ms) } else { String::new() },
            message: row.error_message.clone().unwrap_or_default(),
            origin: StatusBadge::of_origin(&row.origin),
        }
    }
}
