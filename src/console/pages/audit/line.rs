//! One audit entry as a table row.

use url::form_urlencoded;

use super::diff::{Difference, differences};
use crate::console::components::timestamp::Timestamp;
use crate::store::AuditRow;

/// Number of differences shown at once; the others are collapsed.
const FIRST: usize = 4;

/// The cells of a row.
#[derive(Debug, Clone)]
pub(crate) struct AuditLine {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    /// Name of the actor, and link to their other changes.
    pub(crate) actor: (String, String),
    /// Kind of the actor, if it is not a person.
    pub(crate) actor_kind: &'static str,
    /// The action: `Model changed`.
    pub(crate) action: String,
    /// Name of the resource, and link to its other changes.
    pub(crate) thing: (String, String),
    pub(crate) first: Vec<Difference>,
    pub(crate) more: Vec<Difference>,
}

impl From<&AuditRow> for AuditLine {
    fn from(row: &AuditRow) -> Self {
        let mut first = differences(row.before.as_ref(), row.after.as_ref());
        // Fields that other columns already show.
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
            action: action_label(&row.action),
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

/// Resource kinds and their labels.
pub(crate) const KINDS: &[(&str, &str)] = &[
    ("fallback", "Fallbacks"),
    ("model", "Model"),
    ("provider", "Provider"),
    ("provider_credential", "Credential"),
    ("api_key", "API key"),
    ("budget", "Budget"),
    ("error_mapping", "Error mapping"),
    ("member", "Member"),
    ("invitation", "Invitation"),
    ("user", "Account"),
    ("organization", "Organization"),
];

/// Label of an action; an unknown action is shown as stored.
fn action_label(action: &str) -> String {
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
        "role" => "role changed:",
        "settings" => "settings changed:",
        "soft_limit" => "soft limit reached:",
        "join" => "joined:",
        "name" => "renamed:",
        "password" => "password changed:",
        "console_link" => "console link created:",
        "reset_link" => "password reset link created:",
        "reset_link_void" => "password reset link canceled:",
        "login" => "logged in:",
        "login_failed" => "login failed, wrong password:",
        "logout" => "logged out:",
        other => other,
    };
    format!("{kind} {}", verb.replace('_', " "))
}
