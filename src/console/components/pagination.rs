//! Pagination of a list: the page that the query string asks for, and the links to the pages next to it.

use crate::console::components::format::counted;
use crate::console::http::query::Query;
use crate::store::OrgStore;
use crate::store::pagination::{BidirectionalPage, Direction, Position};

/// Number of rows per page.
pub const ROWS: u64 = 50;

/// The links below a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pagination {
    /// Number and order of the rows on this page: `50 events, newest first`.
    pub says: String,
    /// Link to the page with newer rows, if there is one.
    pub newer: Option<String>,
    /// Link to the page with older rows, if there is one.
    pub older: Option<String>,
}

/// The page that `newer` or `older` asks for. A cursor that does not belong to this list adds a note.
#[must_use]
pub fn direction(query: &mut Query, store: &OrgStore, list: &'static str) -> Direction {
    for (name, direction) in
        [("newer", Direction::Newer as fn(Position) -> Direction), ("older", Direction::Older)]
    {
        let Some(cursor) = query.text(name) else { continue };
        match store.position(list, &cursor) {
            Ok(position) => return direction(position),
            Err(_) => query.note("That page does not exist in this list anymore. These are the newest rows."),
        }
    }
    Direction::First
}

/// The links below a page of rows.
#[must_use]
pub fn pagination<T>(
    rows_page: &BidirectionalPage<T>,
    query: &Query,
    store: &OrgStore,
    list: &'static str,
    path: &str,
    what: (&str, &str),
) -> Pagination {
    let to = |name: &str, position: Option<Position>| {
        let cursor = store.cursor(list, position?);
        let other = if name == "newer" { "older" } else { "newer" };
        Some(format!("{path}{}", query.with(&[(name, Some(&cursor)), (other, None)])))
    };
    let says = format!("{}, newest first", counted(rows_page.items.len(), what.0, what.1));
    Pagination { says, newer: to("newer", rows_page.newer), older: to("older", rows_page.older) }
}
