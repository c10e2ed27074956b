//! One entry of the audit as a line of a table.

use url::form_urlencoded;

use super::diff::{Difference, differences};
use crate::console::components::timestamp::Moment;
use crate::store::AuditRow;

/// Differences that are shown at once; the others open.
const FIRST: usize = 4;

/// A line.
#[derive(Debug, Clone)]
pub(crate) struct AuditLine {
    pub(crate) id: String,
    pub(crate) at: Moment,
    /// Who, and where to find what else they did.
    pub(crate) actor: (String, String),
    /// Whether that is a person, a key or the system.
    pub(crate) actor_kind: &'static str,
    /// What was done: `Model changed`.
    pub(crate) deed: String,
    /// To what, and where to find what else was done to it.
    pub(crate) thing: (String, String),
    pub(crate) first: Vec<Difference>,
    pub(crate) more: Vec<Difference>,
}

impl From<&AuditRow> for AuditLine {
    fn from(row: &AuditRow) -> Self {
        let mut first = differences(row.before.as_ref(), row.after.as_ref());
        // What is said already beside it.
        first.retain(|one| one.field != "name" || !one.before.is_empty() && !one.after.is_empty());
        let more = if first.len() > FIRST { first.split_off(FIRST) } else { Vec::new() };
        let thing = [("kind", row.resource_kind.as_str()), ("name", row.resource_name.as_str())];
        Self {
            id: row.id.0.to_string(),
            at: row.created_at.into(),
            actor: (row.actor_label.clone(), path(&[("actor", &row.actor_label)])),
            actor_kind: match row.actor_kind.as_str() {
                "user" => "",
                "api_key" => "key",
                _ => "system",
            },
            deed: deed(&row.action),
            thing: (row.resource_name.clone(), path(&thing)),
            first,
            more,
        }
    }
}

fn path(filter: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(filter);
    format!("/audit?{}", query.finish())
}

/// The kinds of things, as they are read.
pub(crate) const KINDS: &[(&str, &str)] = &[
    ("fallback", "Fallbacks"),
    ("model", "Model"),
    ("provider", "Provider"),
    ("api_key", "API key"),
    ("budget", "Budget"),
    ("error_mapping", "Error mapping"),
    ("member", "Member"),
    ("invitation", "Invitation"),
    ("user", "Account"),
    ("organization", "Organisation"),
];

/// An action as it is read. What is not known is shown as it is stored.
fn deed(action: &str) -> String {
    let (kind, verb) = action.split_once('.').unwrap_or((action, ""));
    let kind = KINDS.iter().find(|(word, _)| *word == kind).map_or(kind, |(_, label)| label);
    let verb = match verb {
        "create" => "added",
        "change" | "update" => "changed",
        "set" => "set",
        "delete" => "deleted",
        "remove" => "removed",
        "revoke" => "revoked",
        "accept" => "accepted",
        "health" => "health changed:",
        "role" => "given another role:",
        "settings" => "given other settings:",
        "soft_limit" => "at its soft limit:",
        "join" => "joined:",
        "name" => "renamed:",
        "password" => "given a new password:",
        "console_link" => "given a link into the console:",
        "reset_link" => "given a link for a new password:",
        "reset_link_void" => "no longer opened by a link for a new password:",
        "login" => "logged in:",
        "login_failed" => "not logged in, with a wrong password:",
        "logout" => "logged out:",
        other => other,
    };
    format!("{kind} {}", verb.replace('_', " "))
}
