//! The navigation entries in their three groups, filtered by the person's role.
//!
//! What a role does not allow is not there.

use super::layout::{Frame, NavigationItem, Person};
use crate::domain::permission::Permission;
use crate::domain::permission::Permission::{Read, ReadAudit, Send};

/// A group of entries.
#[derive(Debug)]
pub struct Group {
    /// Heading of the group.
    pub title: &'static str,
    /// The entries, in order.
    pub entries: Vec<Entry>,
}

/// One entry of the navigation.
#[derive(Debug)]
pub struct Entry {
    /// Text of the link.
    pub label: &'static str,
    /// Target of the link.
    pub path: &'static str,
    /// Name of the icon in `components/icon.html`.
    pub icon: &'static str,
    /// Whether this is the current page.
    pub highlighted: bool,
}

type Row = (Permission, NavigationItem, &'static str, &'static str, &'static str);

const OPERATE: &[Row] = &[
    (Read, NavigationItem::Overview, "Overview", "/", "overview"),
    (Read, NavigationItem::Events, "Events", "/events", "events"),
    (Read, NavigationItem::Requests, "Requests", "/requests", "requests"),
    (Read, NavigationItem::Usage, "Usage", "/usage", "usage"),
    (Send, NavigationItem::Playground, "Playground", "/playground", "playground"),
];
const CONFIGURE: &[Row] = &[
    (Read, NavigationItem::Fallbacks, "Fallbacks", "/fallbacks", "fallbacks"),
    (Read, NavigationItem::Models, "Models", "/models", "models"),
    (Read, NavigationItem::Providers, "Providers", "/providers", "providers"),
    (Read, NavigationItem::Keys, "Keys", "/keys", "keys"),
];
const ORGANIZATION: &[Row] = &[
    (Read, NavigationItem::Members, "Members", "/members", "members"),
    (ReadAudit, NavigationItem::Audit, "Audit", "/audit", "audit"),
    (Read, NavigationItem::Settings, "Settings", "/settings", "settings"),
];

impl Frame {
    /// The groups that the person's role allows.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        let groups = [("Operate", OPERATE), ("Configure", CONFIGURE), ("Organization", ORGANIZATION)];
        let may = |row: &&Row| self.person.as_ref().is_some_and(|person| person.may(row.0));
        let entry = |(_, highlighted, label, path, icon): &Row| Entry {
            label,
            path,
            icon,
            highlighted: *highlighted == self.highlighted,
        };
        let group = |(title, rows): (&'static str, &[Row])| Group {
            title,
            entries: rows.iter().filter(may).map(entry).collect(),
        };
        groups.map(group).into()
    }

    /// Whether the person may send requests from the browser.
    #[must_use]
    pub fn may_send(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.may(Send))
    }

    /// Whether the current page is the person's account.
    #[must_use]
    pub fn on_account(&self) -> bool {
        self.highlighted == NavigationItem::Account
    }
}

impl Person {
    /// First letter of the organization's name.
    #[must_use]
    pub fn initial(&self) -> String {
        self.organization.chars().next().into_iter().flat_map(char::to_uppercase).collect()
    }
}
