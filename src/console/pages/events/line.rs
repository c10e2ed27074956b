//! One fallback event as a table row, or several equal skips as one.

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
    /// Number of equal skips in a row that are this row.
    pub times: usize,
    /// Time of the first of them.
    pub since: Timestamp,
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
            times: 1,
            since: Timestamp::from(row.created_at),
            failed_model: row.failed_model.clone(),
            next_model: row.next_model.clone(),
            reason: StatusBadge::of_failure(row.error_class.as_str(), row.matched_rule.as_deref()),
            status: row.status_code.map(|status| status.to_string()).unwrap_or_default(),
            took: if called { duration(row.duration_ms) } else { String::new() },
            message: row.error_message.clone().unwrap_or_default(),
            origin: StatusBadge::of_origin(&row.origin),
        }
    }
}

impl EventLine {
    /// The rows, newest first. Equal skips in a row are one, with the id of the newest.
    pub(crate) fn folded(rows: &[FallbackEventRow]) -> Vec<Self> {
        rows.chunk_by(is_same_skip)
            .filter_map(|run| {
                let (newest, oldest) = (run.first()?, run.last()?);
                Some(Self { times: run.len(), since: Timestamp::from(oldest.created_at), ..newest.into() })
            })
            .collect()
    }
}

/// Whether two events say the same about a model that was not called.
fn is_same_skip(one: &FallbackEventRow, other: &FallbackEventRow) -> bool {
    one.attempts == 0 && other.attempts == 0 && skip(one) == skip(other)
}

/// What a skip is about: the model, the next one, the reason, its rule, and where the request comes from.
fn skip(row: &FallbackEventRow) -> (&str, Option<&str>, &str, Option<&str>, &str) {
    let FallbackEventRow { failed_model, next_model, error_class, matched_rule, origin, .. } = row;
    (failed_model, next_model.as_deref(), error_class.as_str(), matched_rule.as_deref(), origin.as_str())
}
