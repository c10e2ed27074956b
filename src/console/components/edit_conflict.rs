//! Two people who change the same thing: what the one who was slower is told.
//!
//! A form carries the state that it was made for. Saved over another one, it comes back with what was typed and with
//! this; saved again, it replaces what it tells of.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::console::components::timestamp::Moment;
use crate::console::pages::audit::diff::{Difference, differences};
use crate::domain::error::Result;
use crate::store::{AuditRow, OrgStore};

/// What somebody else changed in the meantime.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// Who; of several the last.
    pub who: String,
    /// When, if it is known.
    pub at: Option<Moment>,
    /// What, field by field.
    pub(crate) changes: Vec<Difference>,
}

/// The state of a row, as a form carries it: the microsecond of its last change.
#[must_use]
pub fn state(updated_at: DateTime<Utc>) -> String {
    updated_at.timestamp_micros().to_string()
}

/// The state that a form was made for; none where it says nothing.
#[must_use]
pub fn seen(text: &str) -> Option<i64> {
    text.parse().ok()
}

impl Conflict {
    /// What became of a row since the state that a form was made for.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn of(data: &OrgStore, id: Uuid, seen: Option<i64>) -> Result<Self> {
        let since = seen.and_then(DateTime::from_timestamp_micros).unwrap_or_default();
        let mut entries = data.audit_of(id, since).await?;
        // The change that made the state is not one since.
        entries.retain(|entry| entry.after.as_ref().is_none_or(|after| changed_at(after) > Some(since)));
        Ok(Self::between(&entries, entries.last().and_then(|oldest| oldest.before.as_ref()), None))
    }

    /// What became of the settings of an organization.
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
            who: last.map_or_else(|| "Somebody".to_owned(), |last| last.actor_label.clone()),
            at: last.map(|last| last.created_at.into()),
            changes: differences(before, after),
        }
    }
}

fn changed_at(state: &Value) -> Option<DateTime<Utc>> {
    state.get("updated_at")?.as_str()?.parse().ok()
}
