//! Reads rows of lists, and pages of lists that can be paged in both directions.

use chrono::TimeDelta;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter as _, Select};

use crate::domain::error::Error;
use crate::store::pagination::time_range::lowest_id;
use crate::store::pagination::{BidirectionalPage, Direction, Keyset, Position, Times, in_direction};
use uuid::Uuid;

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

/// Like [`read_rows`], from ranges of ids only, which are in the order of the direction.
pub(in crate::store) async fn read_ranges<E: EntityTrait>(
    on: &impl ConnectionTrait,
    rows: &Select<E>,
    (id, times): (E::Column, Times),
    direction: Direction,
    limit: u64,
    ranges: &[(Uuid, Uuid)],
) -> Result<Vec<E::Model>, DbErr> {
    let mut found = Vec::new();
    for (first, next) in ranges {
        let missing = limit.saturating_sub(u64::try_from(found.len()).unwrap_or(u64::MAX));
        if missing == 0 {
            break;
        }
        let range = rows.clone().filter(id.gte(*first)).filter(id.lt(*next));
        found.extend(in_direction(range, Keyset::Id(id, times), direction, missing).all(on).await?);
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
    let keyset = keyset.into();
    let read = async |direction, limit| read_rows(on, rows.clone(), keyset, direction, limit).await;
    page_of(read, direction, limit, position).await
}

/// Like [`read_page`], with a function that reads rows in a direction.
pub(in crate::store) async fn page_of<M>(
    read: impl AsyncFn(Direction, u64) -> Result<Vec<M>, DbErr>,
    direction: Direction,
    limit: u64,
    position: impl Fn(&M) -> Position,
) -> Result<BidirectionalPage<M>, Error> {
    let more = limit.saturating_add(1);
    let page = BidirectionalPage::cut(read(direction, more).await?, direction, limit, &position);
    if matches!(direction, Direction::Newer(_)) && page.newer.is_none() {
        let found = read(Direction::First, more).await?;
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
