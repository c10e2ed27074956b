//! One key as a table row.

use chrono::{DateTime, Utc};

use crate::console::components::number_input::limits::listed;
use crate::console::components::status_badge::StatusBadge;
use crate::console::components::timestamp::Timestamp;
use crate::store::ApiKeyRow;

/// The cells of a row.
#[derive(Debug, Clone)]
pub(crate) struct KeyLine {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The first characters of the key.
    pub(crate) prefix: String,
    /// The first and last characters of the key.
    pub(crate) shape: String,
    pub(crate) scopes: Vec<String>,
    /// Models that the key may use.
    pub(crate) models: String,
    pub(crate) limits: String,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) state: StatusBadge,
    /// Whether the key is revoked.
    pub(crate) revoked: bool,
}

impl KeyLine {
    /// Builds the row; `last_used` is the last use seen by this process.
    pub(crate) fn of(row: &ApiKeyRow, last_used: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        let expired = row.expires_at.is_some_and(|end| end <= now);
        Self {
            id: row.id.0.to_string(),
            name: row.name.clone(),
            prefix: row.prefix.clone(),
            shape: format!("{}…{}", row.prefix, row.last_four),
            scopes: row.scopes.clone(),
            models: models(row.models.as_deref()),
            limits: limits(row),
            expires_at: row.expires_at.map(Timestamp::from),
            last_used_at: row.last_used_at.max(last_used).map(Timestamp::from),
            revoked_at: row.revoked_at.map(Timestamp::from),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            state: StatusBadge::of_key(row.revoked_at.is_some(), expired),
            revoked: row.revoked_at.is_some(),
        }
    }
}

fn models(allowed: Option<&[String]>) -> String {
    match allowed {
        None => "all".to_owned(),
        Some([]) => "none".to_owned(),
        Some(names) => names.join(", "),
    }
}

/// The limits of the key, and those of single models inside it.
fn limits(row: &ApiKeyRow) -> String {
    let of_models = row.model_limits.0.iter().filter(|(_, limits)| !limits.is_empty());
    let of_models = of_models.map(|(model, limits)| format!("{model}: {}", listed(limits)));
    let own = Some(listed(&row.limits())).filter(|listed| !listed.is_empty());
    let parts: Vec<String> = own.into_iter().chain(of_models).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join("; ") }
}
