//! The entries of the navigation, in their three groups.
//!
//! What a role does not allow is not there.

use super::layout::{Frame, Lit, Person};
use crate::domain::permission::Permission;
use crate::domain::permission::Permission::{Read, ReadAudit, Send};

/// A group of entries.
#[derive(Debug)]
pub struct Group {
    /// What it is called.
    pub title: &'static str,
    /// In order.
    pub entries: Vec<Entry>,
}

/// One entry.
#[derive(Debug)]
pub struct Entry {
    /// What it is called.
    pub label: &'static str,
    /// Where it leads.
    pub path: &'static str,
    /// Its picture's name in `parts/icon.html`.
    pub icon: &'static str,
    /// Whether one is there.
    pub lit: bool,
}

type Row = (Permission, Lit, &'static str, &'static str, &'static str);

const OPERATE: &[Row] = &[
    (Read, Lit::Overview, "Overview", "/", "overview"),
    (Read, Lit::Events, "Events", "/events", "events"),
    (Read, Lit::Requests, "Requests", "/requests", "requests"),
    (Read, Lit::Usage, "Usage", "/usage", "usage"),
    (Send, Lit::Playground, "Playground", "/playground", "playground"),
];
const CONFIGURE: &[Row] = &[
    (Read, Lit::Fallbacks, "Fallbacks", "/fallbacks", "fallbacks"),
    (Read, Lit::Models, "Models", "/models", "models"),
    (Read, Lit::Providers, "Providers", "/providers", "providers"),
    (Read, Lit::Keys, "Keys", "/keys", "keys"),
];
const ORGANIZATION: &[Row] = &[
    (Read, Lit::Members, "Members", "/members", "members"),
    (ReadAudit, Lit::Audit, "Audit", "/audit", "audit"),
    (Read, Lit::Settings, "Settings", "/settings", "settings"),
];

impl Frame {
    /// What the navigation shows.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        let groups = [("Operate", OPERATE), ("Configure", CONFIGURE), ("Organisation", ORGANIZATION)];
        let may = |row: &&Row| self.person.as_ref().is_some_and(|person| person.may(row.0));
        let entry = |(_, lit, label, path, icon): &Row| Entry { label, path, icon, lit: *lit == self.lit };
        let group = |(title, rows): (&'static str, &[Row])| Group {
            title,
            entries: rows.iter().filter(may).map(entry).collect(),
        };
        groups.map(group).into()
    }

    /// Whether who is here may send requests from the browser.
    #[must_use]
    pub fn may_send(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.may(Send))
    }

    /// Whether one looks at one's own account.
    #[must_use]
    pub fn on_account(&self) -> bool {
        self.lit == Lit::Account
    }
}

impl Person {
    /// The first letter of the organization's name.
    #[must_use]
    pub fn initial(&self) -> String {
        self.organization.chars().next().into_iter().flat_map(char::to_uppercase).collect()
    }
}
