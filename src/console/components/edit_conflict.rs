//! Detects that someone else changed a row while a form was open.
//!
//! A form carries the state that it was rendered for. If the row has changed since, the form is shown again with what
//! was typed and this conflict; saving again overwrites the other change.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::console::components::timestamp::Timestamp;
use crate::console::pages::audit::diff::{Difference, differences};
use crate::domain::error::Result;
use crate::store::{AuditRow, OrgStore};

/// A change by someone else since the form was rendered.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// Who made the change; the last person if there were several.
    pub who: String,
    /// Time of the change, if it is known.
    pub at: Option<Timestamp>,
    /// The changed fields with both values.
    pub(crate) changes: Vec<Difference>,
}

/// The state of a row as a form carries it: the last change in microseconds since the epoch.
#[must_use]
pub fn state(updated_at: DateTime<Utc>) -> String {
    updated_at.timestamp_micros().to_string()
}

/// Parses the state that a form carries; `None` if it is empty.
#[must_use]
pub fn seen(text: &str) -> Option<i64> {
    text.parse().ok()
}

impl Conflict {
    /// The changes of a row since the state that a form was rendered for.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn of(data: &OrgStore, id: Uuid, seen: Option<i64>) -> Result<Self> {
        let since = seen.and_then(DateTime::from_timestamp_micros).unwrap_or_default();
        let mut entries = data.audit_of(id, since).await?;
        // Skip the change that produced the state itself.
        entries.retain(|entry| entry.after.as_ref().is_none_or(|after| changed_at(after) > Some(since)));
        Ok(Self::between(&entries, entries.last().and_then(|oldest| oldest.before.as_ref()), None))
    }

    /// The changes of an organization's settings since the state that a form was rendered for.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn of_settings(data: &OrgStore, seen: &Value, now: &Value) -> Result<Self> {
        let mut entries = data.audit_of(data.organization_id().0, DateTime::UNIX_EPOCH).await?;
        entries.retain(|entry| entry.action == "organization.settings");
        Ok(Self::between(&entries, Some(seen), Some(now)))
    }

    fn between(entries: &[AuditRow], before: Option<&Value>, after: Option<&Value>) -> Self {
        let last = entries.first();
        let after = after.or_else(|| last.and_then(|last| last.after.as_ref()));
        Self {
            who: last.map_or_else(|| "Someone".to_owned(), |last| last.actor_label.clone()),
            at: last.map(|last| last.created_at.into()),
            changes: differences(before, after),
        }
    }
}

fn changed_at(state: &Value) -> Option<DateTime<Utc>> {
    state.get("updated_at")?.as_str()?.parse().ok()
}
