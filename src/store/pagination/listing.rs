//! Reading a list that can be leafed through in both directions.

use sea_orm::{DatabaseConnection, EntityTrait, Select};

use crate::domain::error::Error;
use crate::store::pagination::{Position, Sheet, Turn, turned};

/// The rows of a turn. Where fewer than a page's rows are newer, it is the first page.
pub(in crate::store) async fn sheet<E>(
    on: &DatabaseConnection,
    rows: Select<E>,
    keyset: (E::Column, E::Column),
    turn: Turn,
    limit: u64,
    position: impl Fn(&E::Model) -> Position,
) -> Result<Sheet<E::Model>, Error>
where
    E: EntityTrait,
{
    let more = limit.saturating_add(1);
    let found = turned(rows.clone(), keyset, turn, more).all(on).await?;
    let sheet = Sheet::cut(found, turn, limit, &position);
    if matches!(turn, Turn::Newer(_)) && sheet.newer.is_none() {
        let found = turned(rows, keyset, Turn::First, more).all(on).await?;
        return Ok(Sheet::cut(found, Turn::First, limit, position));
    }
    Ok(sheet)
}

impl<T> Sheet<T> {
    /// The same page with every row converted.
    pub(in crate::store) fn map<U>(self, convert: impl FnMut(T) -> U) -> Sheet<U> {
        Sheet { items: self.items.into_iter().map(convert).collect(), newer: self.newer, older: self.older }
    }

    /// The same page with other rows.
    pub(in crate::store) fn with<U>(self, items: Vec<U>) -> Sheet<U> {
        Sheet { items, newer: self.newer, older: self.older }
    }

    /// The rows, and the page without them.
    pub(in crate::store) fn split(self) -> (Vec<T>, Sheet<T>) {
        (self.items, Sheet { items: Vec::new(), newer: self.newer, older: self.older })
    }
}
