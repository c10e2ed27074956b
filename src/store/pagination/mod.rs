//! Keyset pagination: newest first by `(created_at, id)`, or by an id that is made of the time, with cursors that only
//! their organization can use.

pub(crate) mod listing;
pub(super) mod time_range;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use entity::ids::OrganizationId;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, IntoColumnRef};
use sea_orm::{
    ColumnTrait, Condition, DbBackend, EntityTrait, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select,
};
use uuid::Uuid;

use super::OrgStore;
use crate::domain::error::Error;

/// The requested page of a list.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// The most rows on the page, from 1 to 200.
    pub limit: u64,
    /// The end of the previous page; `None` for the first page.
    pub cursor: Option<Position>,
}

/// The position of a row in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The creation time of the row.
    pub created_at: DateTime<Utc>,
    /// The id of the row, which orders rows with equal times.
    pub id: Uuid,
}

/// The columns that order a list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Keyset<C> {
    /// The creation time, then the id.
    Time(C, C),
    /// The id alone, a UUIDv7, and the times of the rows.
    Id(C, Times),
}

/// The times that the rows of a list may have, as far as they are known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// The earliest time, if there is one.
    pub(super) oldest: Option<DateTime<Utc>>,
    /// About the latest time.
    pub(super) newest: DateTime<Utc>,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// The position of the last row, after which the next page starts; `None` on the last page.
    pub next: Option<Position>,
}

/// The requested part of a list that can be paged in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The newest rows: the first page.
    First,
    /// The next older rows after this position.
    Older(Position),
    /// The next newer rows before this position.
    Newer(Position),
}

/// One page of a list that can be paged in both directions.
#[derive(Debug, Clone)]
pub struct BidirectionalPage<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// The position of the first row; `None` if there are no newer rows.
    pub newer: Option<Position>,
    /// The position of the last row; `None` if there are no older rows.
    pub older: Option<Position>,
}

impl<T> BidirectionalPage<T> {
    /// Makes a page of rows in the order in which they were read, with one extra row if there are more.
    pub(super) fn cut(
        mut rows: Vec<T>,
        direction: Direction,
        limit: u64,
        position: impl Fn(&T) -> Position,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let (before, after) = match direction {
            Direction::First => (false, more),
            Direction::Older(_) => (true, more),
            Direction::Newer(_) => {
                rows.reverse();
                (more, true)
            }
        };
        let newer = rows.first().filter(|_| before).map(&position);
        let older = rows.last().filter(|_| after).map(&position);
        Self { items: rows, newer, older }
    }
}

impl<T> Page<T> {
    /// Removes the extra row that shows that there is a next page.
    pub(super) fn cut(mut items: Vec<T>, limit: u64, position: impl Fn(&T) -> Position) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(position) } else { None };
        Self { items, next }
    }

    /// The same page with every row converted.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next: self.next }
    }
}

impl<C> From<(C, C)> for Keyset<C> {
    fn from((created_at, id): (C, C)) -> Self {
        Self::Time(created_at, id)
    }
}

impl Position {
    /// The condition for rows after this position, newest first. For the time, the first part is redundant, but the
    /// database can use it with an index.
    fn after<C: ColumnTrait>(self, keyset: Keyset<C>) -> Condition {
        match keyset {
            Keyset::Id(id, _) => Condition::all().add(id.lt(self.id)),
            Keyset::Time(created_at, id) => Condition::all()
                .add(created_at.lte(self.created_at))
                .add(Condition::any().add(created_at.lt(self.created_at)).add(id.lt(self.id))),
        }
    }

    /// The condition for rows before this position, newest first.
    fn before<C: ColumnTrait>(self, keyset: Keyset<C>) -> Condition {
        match keyset {
            Keyset::Id(id, _) => Condition::all().add(id.gt(self.id)),
            Keyset::Time(created_at, id) => Condition::all()
                .add(created_at.gte(self.created_at))
                .add(Condition::any().add(created_at.gt(self.created_at)).add(id.gt(self.id))),
        }
    }
}

/// Selects at most `limit` rows in a direction, starting with the row that is nearest to the position.
pub(super) fn in_direction<E: EntityTrait>(
    rows: Select<E>,
    keyset: Keyset<E::Column>,
    direction: Direction,
    limit: u64,
) -> Select<E> {
    match direction {
        Direction::First => newest_first(rows, keyset, None, limit),
        Direction::Older(position) => newest_first(rows, keyset, Some(position), limit),
        Direction::Newer(position) => {
            let rows = rows.filter(position.before(keyset));
            let rows = match keyset {
                Keyset::Id(id, _) => rows.order_by_asc(id),
                Keyset::Time(created_at, id) => rows.order_by_asc(created_at).order_by_asc(id),
            };
            rows.limit(limit)
        }
    }
}

/// Selects at most `limit` rows, newest first, after a position.
pub(super) fn newest_first<E: EntityTrait>(
    rows: Select<E>,
    keyset: impl Into<Keyset<E::Column>>,
    after: Option<Position>,
    limit: u64,
) -> Select<E> {
    let keyset = keyset.into();
    let rows = match after {
        Some(position) => rows.filter(position.after(keyset)),
        None => rows,
    };
    let rows = match keyset {
        Keyset::Id(id, _) => rows.order_by_desc(id),
        Keyset::Time(created_at, id) => rows.order_by_desc(created_at).order_by_desc(id),
    };
    rows.limit(limit)
}

/// The condition that a column equals a text. PostgreSQL rejects NUL characters, which no row contains.
pub(super) fn equals(column: impl IntoColumnRef, text: &str) -> Expr {
    if text.contains('\0') { Expr::cust("1 = 0") } else { Expr::col(column).eq(text) }
}

/// The condition that a column contains a text, ignoring case. It uses a function instead of `LIKE`, because the text
/// may contain a percent sign.
pub(super) fn contains(backend: DbBackend, column: impl IntoColumnRef, text: &str) -> Expr {
    if text.contains('\0') {
        return Expr::cust("1 = 0");
    }
    let place = if backend == DbBackend::Postgres { "strpos" } else { "instr" };
    let (held, sought) = (Func::lower(Expr::col(column)), Func::lower(Expr::val(text)));
    Expr::expr(Func::cust(place).arg(held).arg(sought)).gt(0)
}

const MAC_BYTES: usize = 12;
const CURSOR_BYTES: usize = 8 + 16 + MAC_BYTES;

impl OrgStore {
    /// The opaque cursor of a position. Only the same organization can use it, and only for the same list.
    #[must_use]
    pub fn cursor(&self, list: &'static str, position: Position) -> String {
        let mut bytes = Vec::with_capacity(CURSOR_BYTES);
        bytes.extend_from_slice(&position.created_at.timestamp_micros().to_be_bytes());
        bytes.extend_from_slice(position.id.as_bytes());
        self.seal_place(list, bytes)
    }

    /// The opaque cursor of any position in a list.
    #[must_use]
    pub fn seal_place(&self, list: &'static str, mut place: Vec<u8>) -> String {
        let mac = cursor_mac(self, list, &place);
        place.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(place)
    }

    /// Reads a cursor of [`OrgStore::seal_place`].
    ///
    /// # Errors
    /// The same as for [`OrgStore::position`].
    pub fn unseal_place(&self, list: &'static str, cursor: &str) -> Result<Vec<u8>, Error> {
        let mut bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| foreign_cursor())?;
        let length = bytes.len().checked_sub(MAC_BYTES).ok_or_else(foreign_cursor)?;
        let mac = bytes.split_off(length);
        if !bool::from(subtle::ConstantTimeEq::ct_eq(&mac[..], &cursor_mac(self, list, &bytes)[..])) {
            return Err(foreign_cursor());
        }
        Ok(bytes)
    }

    /// Reads a cursor of [`OrgStore::cursor`].
    ///
    /// # Errors
    /// [`Error::Refused`]: the cursor is invalid or belongs to another list or organization.
    pub fn position(&self, list: &'static str, cursor: &str) -> Result<Position, Error> {
        let body = self.unseal_place(list, cursor)?;
        let (micros, id) = body.split_at_checked(8).ok_or_else(foreign_cursor)?;
        let micros = i64::from_be_bytes(micros.try_into().map_err(|_| foreign_cursor())?);
        Ok(Position {
            created_at: DateTime::from_timestamp_micros(micros).ok_or_else(foreign_cursor)?,
            id: Uuid::from_slice(id).map_err(|_| foreign_cursor())?,
        })
    }
}

/// The error for a cursor that cannot be read.
#[must_use]
pub fn foreign_cursor() -> Error {
    Error::refused(
        Some("cursor"),
        "invalid_cursor",
        "The cursor does not belong to this list. Use 'next_cursor' of the previous page, or omit it to start over.",
    )
}

fn cursor_mac(store: &OrgStore, list: &str, body: &[u8]) -> [u8; MAC_BYTES] {
    let organization: OrganizationId = store.organization_id;
    let mut hasher = store.store.inner.vault.keyed_hasher("cursor");
    hasher.update(organization.0.as_bytes()).update(list.as_bytes()).update(body);
    let mut mac = [0; MAC_BYTES];
    hasher.finalize_xof().fill(&mut mac);
    mac
}
