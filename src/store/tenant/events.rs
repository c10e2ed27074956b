//! Lists of fallback events. The recorder writes them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{FallbackEventId, RequestId};
use entity::{fallback_events, fallback_rollups};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Select,
};
use uuid::Uuid;

use crate::domain::error::Error;
use crate::domain::failure::class::ErrorClass;
use crate::domain::origin::Origin;
use crate::store::OrgStore;
use crate::store::database::partitions;
use crate::store::pagination::listing::page_of;
use crate::store::pagination::time_range::{LATE, lowest_id, within};
use crate::store::pagination::{BidirectionalPage, Direction, Page, PageRequest, Position, Times, equals};
use crate::store::records::fallback_event::FallbackEventRow;
use crate::store::rollups::buckets::EVENTS;
use crate::store::rollups::places::CountedBy;

/// The time after a request until which its events are searched for.
const LONGEST_REQUEST: TimeDelta = TimeDelta::days(1);

/// A filter for fallback events. All set fields must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Catalog name of the model that did not answer.
    pub failed_model: Option<String>,
    /// Catalog name of the next candidate.
    pub next_model: Option<String>,
    /// The error class or the reason for skipping the candidate.
    pub error_class: Option<ErrorClass>,
    /// The session of the caller.
    pub session_id: Option<Uuid>,
    /// The id of the request.
    pub request_id: Option<RequestId>,
    /// The stored configuration that the next candidate comes from.
    pub router_config_id: Option<Uuid>,
    /// Where the request comes from.
    pub origin: Option<Origin>,
    /// The earliest time, inclusive.
    pub since: Option<DateTime<Utc>>,
    /// The latest time, exclusive.
    pub until: Option<DateTime<Utc>>,
}

impl OrgStore {
    /// A page of matching events, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn event_list(
        &self,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<FallbackEventRow>, Error> {
        let rows = self.event_batch(filter, page.cursor, page.limit.saturating_add(1)).await?;
        Ok(Page::cut(rows, page.limit, |row| Position::from(row)))
    }

    /// A page of matching events, newest first, in either direction. If fewer newer events exist than fit on a page, it is the
    /// first page.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn event_page(
        &self,
        filter: &EventFilter,
        direction: Direction,
        limit: u64,
    ) -> Result<BidirectionalPage<FallbackEventRow>, Error> {
        let position = |row: &fallback_events::Model| Position { created_at: row.created_at, id: row.id.0 };
        let read = async |direction, limit| self.event_rows(filter, direction, limit).await;
        Ok(page_of(read, direction, limit, position).await?.map(FallbackEventRow::from))
    }

    /// At most `limit` matching events, newest first, after a position. The next batch starts after the [`Position`] of the
    /// last row. Exports read in batches, without a transaction.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn event_batch(
        &self,
        filter: &EventFilter,
        after: Option<Position>,
        limit: u64,
    ) -> Result<Vec<FallbackEventRow>, Error> {
        let direction = after.map_or(Direction::First, Direction::Older);
        let found = self.event_rows(filter, direction, limit).await?;
        Ok(found.into_iter().map(FallbackEventRow::from).collect())
    }

    /// At most `limit` matching rows in a direction. With several filters, only the hours that have such rows are read.
    async fn event_rows(
        &self,
        filter: &EventFilter,
        direction: Direction,
        limit: u64,
    ) -> Result<Vec<fallback_events::Model>, DbErr> {
        let times = filter.times(self.clock().now());
        let (id, rows) = (fallback_events::Column::Id, filter.apply(self.events()));
        self.read_counted(rows, (id, times), filter.counted(), direction, limit).await
    }

    /// The event of that id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn event_find(&self, id: FallbackEventId) -> Result<Option<FallbackEventRow>, Error> {
        let row = self.events().filter(fallback_events::Column::Id.eq(id)).one(self.reader()).await?;
        Ok(row.map(FallbackEventRow::from))
    }

    /// The rules of the newest matching events with their numbers. At most `limit` events are read.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn event_rules(
        &self,
        filter: &EventFilter,
        limit: u64,
    ) -> Result<Vec<(Option<String>, i64)>, Error> {
        use fallback_events::Column;
        let rules: Vec<Option<String>> = filter
            .apply(self.events())
            .select_only()
            .column(Column::MatchedRule)
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(limit)
            .into_tuple()
            .all(self.reader())
            .await?;
        let mut counts: BTreeMap<Option<String>, i64> = BTreeMap::new();
        for rule in rules {
            *counts.entry(rule).or_default() += 1;
        }
        Ok(counts.into_iter().collect())
    }

    fn events(&self) -> Select<fallback_events::Entity> {
        fallback_events::Entity::find()
            .filter(fallback_events::Column::OrganizationId.eq(self.organization_id))
    }
}

impl EventFilter {
    /// Whether a row matches the filter.
    #[must_use]
    pub fn matches(&self, row: &FallbackEventRow) -> bool {
        fn same<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
            wanted.is_none() || wanted == found
        }
        same(self.failed_model.as_ref(), Some(&row.failed_model))
            && same(self.next_model.as_ref(), row.next_model.as_ref())
            && self.error_class.is_none_or(|wanted| row.error_class == wanted)
            && self.origin.is_none_or(|wanted| row.origin == wanted)
            && same(self.session_id.as_ref(), row.session_id.as_ref())
            && same(self.request_id.as_ref(), Some(&row.request_id))
            && same(self.router_config_id.as_ref(), row.router_config_id.as_ref())
            && self.since.is_none_or(|since| row.created_at >= since)
            && self.until.is_none_or(|until| row.created_at < until)
    }

    fn times(&self, now: DateTime<Utc>) -> Times {
        match self.request_time() {
            Some(time) => Times { oldest: Some(time), newest: time },
            None => Times { oldest: self.since, newest: self.until.unwrap_or(now) },
        }
    }

    /// The roll-ups that count the rows, if several filters narrow the list and the roll-ups know them all.
    fn counted(&self) -> Option<CountedBy<fallback_rollups::Entity>> {
        use fallback_rollups::Column;
        let is_fine = [self.session_id, self.request_id.map(|id| id.0), self.router_config_id];
        let is_fine = is_fine.iter().any(Option::is_some);
        let origin = self.origin.filter(|origin| *origin != Origin::Drill && !is_fine)?;
        let texts = [
            (Column::FailedModel, self.failed_model.as_deref()),
            (Column::NextModel, self.next_model.as_deref()),
            (Column::ErrorClass, self.error_class.map(ErrorClass::as_str)),
        ];
        if texts.iter().filter(|(_, text)| text.is_some()).count() < 2 {
            return None;
        }
        let rollups = fallback_rollups::Entity::find().filter(Column::Origin.eq(origin.as_str()));
        let rollups = texts.into_iter().fold(rollups, |rows, (column, text)| {
            rows.apply_if(text, |rows, text| rows.filter(equals(column, text)))
        });
        Some(CountedBy { rollups, columns: EVENTS, number: Column::Events })
    }

    /// The time of the request. A caller can ask for the events of any id, but only our own are made of the time.
    fn request_time(&self) -> Option<DateTime<Utc>> {
        self.request_id.filter(|id| id.0.get_version_num() == 7).map(|id| partitions::time_of(id.0))
    }

    fn apply(&self, rows: Select<fallback_events::Entity>) -> Select<fallback_events::Entity> {
        use fallback_events::Column;
        let texts = [
            (Column::FailedModel, self.failed_model.as_deref()),
            (Column::NextModel, self.next_model.as_deref()),
            (Column::ErrorClass, self.error_class.map(ErrorClass::as_str)),
            (Column::Origin, self.origin.map(Origin::as_str)),
        ];
        let rows = texts.into_iter().fold(rows, |rows, (column, text)| {
            rows.apply_if(text, |rows, text| rows.filter(equals(column, text)))
        });
        // Most rows are live, and an index holds the others. The word is part of the text of the statement, so that the database
        // knows that the index serves.
        let rare_origin = self.origin.filter(|origin| *origin != Origin::Live);
        rows.apply_if(rare_origin, |rows, _| rows.filter(Expr::cust("origin <> 'live'")))
            .apply_if(self.session_id, |rows, id| rows.filter(Column::SessionId.eq(id)))
            .apply_if(self.request_id, |rows, id| rows.filter(Column::RequestId.eq(id)))
            .apply_if(self.request_time(), |rows, time| {
                let (first, next) = (lowest_id(time - LATE), lowest_id(time + LONGEST_REQUEST));
                rows.filter(Column::Id.gte(first)).filter(Column::Id.lt(next))
            })
            .apply_if(self.router_config_id, |rows, id| rows.filter(Column::RouterConfigId.eq(id)))
            .filter(within((Column::Id, Column::CreatedAt), self.since, self.until))
    }
}
