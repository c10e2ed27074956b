//! Pages by keyset: newest first on `(created_at, id)`, with a cursor that only its own organization can use.

pub(crate) mod listing;
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

/// Which page of a list.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// Rows on a page, from 1 to 200.
    pub limit: u64,
    /// Where the page before this one ended.
    pub cursor: Option<Position>,
}

/// A row's place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The row's time.
    pub created_at: DateTime<Utc>,
    /// The row's id, where times are equal.
    pub id: Uuid,
}

/// One page.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// Where the next page starts; none on the last one.
    pub next: Option<Position>,
}

/// Which part of a list that can be leafed through in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The newest rows.
    First,
    /// The rows after this one.
    Older(Position),
    /// The rows before this one, as near to it as there are.
    Newer(Position),
}

/// One page of such a list.
#[derive(Debug, Clone)]
pub struct BidirectionalPage<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// What newer rows come before; none if there are none.
    pub newer: Option<Position>,
    /// What older rows come after; none if there are none.
    pub older: Option<Position>,
}

impl<T> BidirectionalPage<T> {
    /// Of rows as they were read in the direction of the turn, with one too many if there are more.
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
    /// Cuts the one row too many that tells whether there is a next page.
    pub(super) fn cut(mut items: Vec<T>, limit: u64, position: impl Fn(&T) -> Position) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(position) } else { None };
        Self { items, next }
    }

    /// The same page of other things.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next: self.next }
    }
}

impl Position {
    /// Rows that come after this one, newest first. The first condition says nothing new, but it is one that an
    /// index on the time can be entered with.
    fn after<C: ColumnTrait>(self, created_at: C, id: C) -> Condition {
        Condition::all()
            .add(created_at.lte(self.created_at))
            .add(Condition::any().add(created_at.lt(self.created_at)).add(id.lt(self.id)))
    }

    /// Rows that come before this one, newest first.
    fn before<C: ColumnTrait>(self, created_at: C, id: C) -> Condition {
        Condition::all()
            .add(created_at.gte(self.created_at))
            .add(Condition::any().add(created_at.gt(self.created_at)).add(id.gt(self.id)))
    }
}

/// At most `limit` rows of a list in the direction of a turn: from the place where it begins, away from it.
pub(super) fn in_direction<E: EntityTrait>(
    rows: Select<E>,
    (created_at, id): (E::Column, E::Column),
    direction: Direction,
    limit: u64,
) -> Select<E> {
    match direction {
        Direction::First => newest_first(rows, (created_at, id), None, limit),
        Direction::Older(position) => newest_first(rows, (created_at, id), Some(position), limit),
        Direction::Newer(position) => {
            let rows = rows.filter(position.before(created_at, id));
            rows.order_by_asc(created_at).order_by_asc(id).limit(limit)
        }
    }
}

/// At most `limit` rows of a list, newest first, from a position on.
pub(super) fn newest_first<E: EntityTrait>(
    rows: Select<E>,
    (created_at, id): (E::Column, E::Column),
    after: Option<Position>,
    limit: u64,
) -> Select<E> {
    let rows = match after {
        Some(position) => rows.filter(position.after(created_at, id)),
        None => rows,
    };
    rows.order_by_desc(created_at).order_by_desc(id).limit(limit)
}

/// Rows whose column holds that text. PostgreSQL refuses to be asked for a NUL character, which no row holds.
pub(super) fn equals(column: impl IntoColumnRef, text: &str) -> Expr {
    if text.contains('\0') { Expr::cust("1 = 0") } else { Expr::col(column).eq(text) }
}

/// Rows whose column holds that text somewhere, in capitals or not. A function and no pattern: what is looked for may
/// hold a percent sign.
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
    /// The opaque form of a position: only this organization and this list can read it back.
    #[must_use]
    pub fn cursor(&self, list: &'static str, position: Position) -> String {
        let mut bytes = Vec::with_capacity(CURSOR_BYTES);
        bytes.extend_from_slice(&position.created_at.timestamp_micros().to_be_bytes());
        bytes.extend_from_slice(position.id.as_bytes());
        self.seal_place(list, bytes)
    }

    /// The opaque form of any place in a list.
    #[must_use]
    pub fn seal_place(&self, list: &'static str, mut place: Vec<u8>) -> String {
        let mac = cursor_mac(self, list, &place);
        place.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(place)
    }

    /// What was sealed.
    ///
    /// # Errors
    /// As [`OrgStore::position`].
    pub fn unseal_place(&self, list: &'static str, cursor: &str) -> Result<Vec<u8>, Error> {
        let mut bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| foreign_cursor())?;
        let length = bytes.len().checked_sub(MAC_BYTES).ok_or_else(foreign_cursor)?;
        let mac = bytes.split_off(length);
        if !bool::from(subtle::ConstantTimeEq::ct_eq(&mac[..], &cursor_mac(self, list, &bytes)[..])) {
            return Err(foreign_cursor());
        }
        Ok(bytes)
    }

    /// The position behind a cursor.
    ///
    /// # Errors
    /// [`Error::Refused`]: the cursor is broken, of another list, or of another organization.
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

/// What a caller is told whose cursor cannot be read.
#[must_use]
pub fn foreign_cursor() -> Error {
    Error::refused(
        Some("cursor"),
        "invalid_cursor",
        "The cursor is not one of this list. Use 'next_cursor' of the page before, or leave it out to start anew.",
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
