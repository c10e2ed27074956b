//! One key as a line of a table.

use chrono::{DateTime, Utc};

use crate::console::components::format::count;
use crate::console::components::status_badge::Mark;
use crate::console::components::timestamp::Moment;
use crate::store::ApiKeyRow;

/// A line.
#[derive(Debug, Clone)]
pub(crate) struct KeyLine {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Its first and last characters.
    pub(crate) shape: String,
    pub(crate) scopes: Vec<String>,
    /// The models that it may use.
    pub(crate) models: String,
    pub(crate) limits: String,
    pub(crate) expires_at: Option<Moment>,
    pub(crate) last_used_at: Option<Moment>,
    pub(crate) revoked_at: Option<Moment>,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
    pub(crate) state: Mark,
    /// Whether it can still be used, or be revoked.
    pub(crate) revoked: bool,
}

impl KeyLine {
    /// `last_used` is when this process saw it, if it did.
    pub(crate) fn of(row: &ApiKeyRow, last_used: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        let expired = row.expires_at.is_some_and(|end| end <= now);
        Self {
            id: row.id.0.to_string(),
            name: row.name.clone(),
            shape: format!("{}…{}", row.prefix, row.last_four),
            scopes: row.scopes.clone(),
            models: row.models.as_ref().map_or("all".to_owned(), |models| models.join(", ")),
            limits: limits(row),
            expires_at: row.expires_at.map(Moment::from),
            last_used_at: row.last_used_at.max(last_used).map(Moment::from),
            revoked_at: row.revoked_at.map(Moment::from),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            state: Mark::of_key(row.revoked_at.is_some(), expired),
            revoked: row.revoked_at.is_some(),
        }
    }
}

fn limits(row: &ApiKeyRow) -> String {
    let parts = [
        row.requests_per_minute.map(|number| format!("{} a minute", count(number))),
        row.concurrent_requests.map(|number| format!("{} at once", count(number))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}
