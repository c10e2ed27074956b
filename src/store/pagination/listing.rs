//! Reads rows of lists, and pages of lists that can be paged in both directions.

use chrono::TimeDelta;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter as _, Select};

use crate::domain::error::Error;
use crate::store::pagination::time_range::lowest_id;
use crate::store::pagination::{BidirectionalPage, Direction, Keyset, Position, in_direction};

/// How far the first query of a partitioned list reaches. Usually the page is full within it. A query of all partitions
/// takes longer to plan than to run, and locks every index of each.
const NEAR: TimeDelta = TimeDelta::days(4);

/// Reads at most `limit` rows in a direction, starting with the row that is nearest to the position. From the partitions
/// of PostgreSQL it reads the nearest ones first, and the others only if these have too few rows.
pub(in crate::store) async fn read_rows<E: EntityTrait>(
    on: &impl ConnectionTrait,
    rows: Select<E>,
    keyset: impl Into<Keyset<E::Column>>,
    direction: Direction,
    limit: u64,
) -> Result<Vec<E::Model>, DbErr> {
    let keyset = keyset.into();
    let Keyset::Id(id, times) = keyset else {
        return in_direction(rows, keyset, direction, limit).all(on).await;
    };
    let edge = match direction {
        Direction::First => times.newest - NEAR,
        Direction::Older(position) => times.newest.min(position.created_at) - NEAR,
        Direction::Newer(position) => position.created_at + NEAR,
    };
    let few = times.oldest.is_some_and(|oldest| times.newest - oldest <= NEAR);
    if few || on.get_database_backend() != DbBackend::Postgres {
        return in_direction(rows, keyset, direction, limit).all(on).await;
    }
    let edge = lowest_id(edge);
    let (near, far) = match direction {
        Direction::First | Direction::Older(_) => (id.gte(edge), id.lt(edge)),
        Direction::Newer(_) => (id.lt(edge), id.gte(edge)),
    };
    let mut found = in_direction(rows.clone().filter(near), keyset, direction, limit).all(on).await?;
    let missing = limit.saturating_sub(u64::try_from(found.len()).unwrap_or(u64::MAX));
    if missing > 0 {
        found.extend(in_direction(rows.filter(far), keyset, direction, missing).all(on).await?);
    }
    Ok(found)
}

/// Reads one page in a direction. If fewer newer rows exist than fit on a page, it reads the first page.
pub(in crate::store) async fn read_page<E>(
    on: &impl ConnectionTrait,
    rows: Select<E>,
    keyset: impl Into<Keyset<E::Column>>,
    direction: Direction,
    limit: u64,
    position: impl Fn(&E::Model) -> Position,
) -> Result<BidirectionalPage<E::Model>, Error>
where
    E: EntityTrait,
{
    let (keyset, more) = (keyset.into(), limit.saturating_add(1));
    let found = read_rows(on, rows.clone(), keyset, direction, more).await?;
    let page = BidirectionalPage::cut(found, direction, limit, &position);
    if matches!(direction, Direction::Newer(_)) && page.newer.is_none() {
        let found = read_rows(on, rows, keyset, Direction::First, more).await?;
        return Ok(BidirectionalPage::cut(found, Direction::First, limit, position));
    }
    Ok(page)
}

impl<T> BidirectionalPage<T> {
    /// The same page with every row converted.
    pub(in crate::store) fn map<U>(self, convert: impl FnMut(T) -> U) -> BidirectionalPage<U> {
        BidirectionalPage {
            items: self.items.into_iter().map(convert).collect(),
            newer: self.newer,
            older: self.older,
        }
    }

    /// The same page with other rows.
    pub(in crate::store) fn with<U>(self, items: Vec<U>) -> BidirectionalPage<U> {
        BidirectionalPage { items, newer: self.newer, older: self.older }
    }

    /// Splits the page into its rows and an empty page with the same positions.
    pub(in crate::store) fn split(self) -> (Vec<T>, BidirectionalPage<T>) {
        (self.items, BidirectionalPage { items: Vec::new(), newer: self.newer, older: self.older })
    }
}
