//! Reads pages of lists that can be paged in both directions.

use sea_orm::{DatabaseConnection, EntityTrait, Select};

use crate::domain::error::Error;
use crate::store::pagination::{BidirectionalPage, Direction, Keyset, Position, in_direction};

/// Reads one page in a direction. If fewer newer rows exist than fit on a page, it reads the first page.
pub(in crate::store) async fn read_page<E>(
    on: &DatabaseConnection,
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
    let found = in_direction(rows.clone(), keyset, direction, more).all(on).await?;
    let page = BidirectionalPage::cut(found, direction, limit, &position);
    if matches!(direction, Direction::Newer(_)) && page.newer.is_none() {
        let found = in_direction(rows, keyset, Direction::First, more).all(on).await?;
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
