//! Pages of lists: reads `limit` and `cursor`, and builds the page.

use std::ops::RangeInclusive;

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::query::QueryParameters;
use crate::domain::error::Result;
use crate::http::listings::export::MOST_ROWS;
use crate::store::OrgStore;
use crate::store::pagination::{Page, PageRequest};

/// One page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CursorPage<T> {
    /// The rows of the page.
    items: Vec<T>,
    /// The `cursor` of the next page; null on the last one.
    next_cursor: Option<String>,
    /// Whether there is a next page.
    has_more: bool,
}

impl<T> CursorPage<T> {
    /// Builds the page. Its cursor is valid for this list and organization only.
    pub fn new(data: &OrgStore, list: &'static str, page: Page<T>) -> Self {
        let next_cursor = page.next.map(|position| data.cursor(list, position));
        Self { items: page.items, has_more: next_cursor.is_some(), next_cursor }
    }
}

/// The query parameters of every list, as they are described. [`requested`] reads them.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// Rows per page, 50 by default
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u64>,
    /// `next_cursor` of the previous page
    pub cursor: Option<String>,
}

/// The range and the default of `limit`.
#[derive(Debug, Clone)]
pub struct Size {
    range: RangeInclusive<u64>,
    usual: u64,
}

impl Size {
    /// A page: 1 to 200 rows, 50 by default.
    pub const PAGE: Self = Self { range: 1..=200, usual: 50 };
    /// An export: 1 to 100,000 rows, as many as there are by default.
    pub const EXPORT: Self = Self { range: 1..=MOST_ROWS, usual: MOST_ROWS };

    /// Reads the query's `limit`.
    pub fn read(self, query: &mut QueryParameters) -> u64 {
        query.integer("limit", self.range).unwrap_or(self.usual)
    }
}

/// Finishes a query with the `limit` and `cursor` that every list has.
///
/// # Errors
/// [`crate::domain::error::Error::Invalid`] with every violation of the query; the cursor belongs to another list.
pub fn requested(
    mut query: QueryParameters,
    data: &OrgStore,
    list: &'static str,
    size: Size,
) -> Result<PageRequest> {
    let limit = size.read(&mut query);
    let cursor = query.text("cursor");
    query.finish()?;
    let cursor = cursor.map(|cursor| data.position(list, &cursor)).transpose()?;
    Ok(PageRequest { limit, cursor })
}
