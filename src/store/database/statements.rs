//! Checks in debug builds, and so in every test, that a statement on a table of records names the organization.
//!
//! Records are most of the data, and their keys start with the organization: a statement without it reads or locks rows
//! of all of them, and could not run on tables that are distributed by organization.

use super::connections::Connections;

/// The tables of records.
const TABLES: [&str; 7] = [
    "requests",
    "fallback_events",
    "request_rollups",
    "fallback_rollups",
    "latency_rollups",
    "usage_rollups",
    "session_rollups",
];

/// The starts of statements on rows of all organizations, with the reason.
const EXCEPTIONS: [(&str, &str); 1] = [(
    "UPDATE \"requests\" SET \"outcome\" = ",
    "closes the streams of processes that died, by an index of its own",
)];

/// Adds the check to connections.
pub(in crate::store) fn watch(connections: Connections) -> Connections {
    if cfg!(debug_assertions) { connections.observed(check) } else { connections }
}

/// Panics if a statement does not name the organization.
pub(in crate::store) fn check(statement: &str) {
    debug_assert!(
        names_organization(statement),
        "a statement on records without organization_id: {statement}"
    );
}

fn names_organization(statement: &str) -> bool {
    let words = || statement.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    if !words().any(|word| TABLES.contains(&word)) {
        return true;
    }
    // A column that is only selected does not count.
    let condition = match statement.starts_with("INSERT") {
        true => statement,
        false => statement.split_once(" WHERE ").map_or("", |(_, condition)| condition),
    };
    condition.contains("organization_id") || EXCEPTIONS.iter().any(|(start, _)| statement.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selected_column_is_no_condition() {
        for (statement, fine) in [
            (
                "SELECT \"requests\".\"organization_id\" FROM \"requests\" WHERE \"requests\".\"id\" = $1",
                false,
            ),
            ("SELECT 1 FROM \"requests\" WHERE \"organization_id\" = $1 AND \"id\" = $2", true),
            ("SELECT organization_id FROM usage_rollups", false),
            ("DELETE FROM fallback_events WHERE id = ?", false),
            ("INSERT INTO requests (id, organization_id) VALUES (?, ?)", true),
            ("INSERT INTO requests (id) VALUES (?)", false),
            ("UPDATE \"requests\" SET \"outcome\" = $1 WHERE outcome = 'running'", true),
            ("SELECT 1 FROM organizations WHERE id = $1", true),
        ] {
            assert_eq!(names_organization(statement), fine, "{statement}");
        }
    }
}
