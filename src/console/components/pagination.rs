//! Leafing through a list: the part that the address asks for, and the addresses of the parts beside it.

use super::pager::Pager;
use crate::console::http::query::Query;
use crate::store::OrgStore;
use crate::store::pagination::{Position, Sheet, Turn};

/// Rows on a page.
pub const ROWS: u64 = 50;

/// The part that `newer` or `older` asks for; a cursor that is none of this list is noted.
#[must_use]
pub fn turn(query: &mut Query, store: &OrgStore, list: &'static str) -> Turn {
    for (name, turn) in [("newer", Turn::Newer as fn(Position) -> Turn), ("older", Turn::Older)] {
        let Some(cursor) = query.text(name) else { continue };
        match store.position(list, &cursor) {
            Ok(position) => return turn(position),
            Err(_) => query.note("The address leads to no page of this list any more: these are the newest."),
        }
    }
    Turn::First
}

/// The foot of a page.
#[must_use]
pub fn pager<T>(
    sheet: &Sheet<T>,
    query: &Query,
    store: &OrgStore,
    list: &'static str,
    path: &str,
    what: (&str, &str),
) -> Pager {
    let to = |name: &str, position: Option<Position>| {
        let cursor = store.cursor(list, position?);
        let other = if name == "newer" { "older" } else { "newer" };
        Some(format!("{path}{}", query.with(&[(name, Some(&cursor)), (other, None)])))
    };
    let number = sheet.items.len();
    let says = format!("{number} {}, newest first", if number == 1 { what.0 } else { what.1 });
    Pager { says, newer: to("newer", sheet.newer), older: to("older", sheet.older) }
}
