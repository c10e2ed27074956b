//! Lists of requests. The recorder writes them.

use chrono::{DateTime, Utc};
use entity::ids::{ApiKeyId, RequestId};
use entity::{request_rollups, requests};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryTrait as _, Select};
use uuid::Uuid;

use crate::domain::error::Error;
use crate::domain::operation::Operation;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::store::OrgStore;
use crate::store::pagination::listing::page_of;
use crate::store::pagination::time_range::within;
use crate::store::pagination::{BidirectionalPage, Direction, Page, PageRequest, Position, Times, equals};
use crate::store::records::request::RequestRow;
use crate::store::rollups::buckets::REQUESTS;
use crate::store::rollups::places::CountedBy;

/// The endpoint of which the index has no rows.
const USUAL_ENDPOINT: &str = Operation::Chat.endpoint();

/// A filter for requests. All set fields must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Catalog name of the requested model.
    pub requested_model: Option<String>,
    /// Catalog name of the model that answered.
    pub served_model: Option<String>,
    /// The canonical path of the endpoint.
    pub endpoint: Option<&'static str>,
    /// The outcome of the requests.
    pub outcome: Option<Outcome>,
    /// The API key of the caller.
    pub api_key_id: Option<ApiKeyId>,
    /// The session of the caller.
    pub session_id: Option<Uuid>,
    /// The earliest time, inclusive.
    pub since: Option<DateTime<Utc>>,
    /// The latest time, exclusive.
    pub until: Option<DateTime<Utc>>,
    /// Where they come from.
    pub origin: Option<Origin>,
}

impl OrgStore {
    /// A page of matching requests, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn request_list(
        &self,
        filter: &RequestFilter,
        page: &PageRequest,
    ) -> Result<Page<RequestRow>, Error> {
        let rows = self.request_batch(filter, page.cursor, page.limit.saturating_add(1)).await?;
        Ok(Page::cut(rows, page.limit, |row| Position::from(row)))
    }

    /// A page of matching requests, newest first, in either direction. If fewer newer requests exist than fit on a page, it
    /// is the first page.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn request_page(
        &self,
        filter: &RequestFilter,
        direction: Direction,
        limit: u64,
    ) -> Result<BidirectionalPage<RequestRow>, Error> {
        let position = |row: &requests::Model| Position { created_at: row.created_at, id: row.id.0 };
        let read = async |direction, limit| self.request_rows(filter, direction, limit).await;
        Ok(page_of(read, direction, limit, position).await?.map(RequestRow::from))
    }

    /// At most `limit` matching requests, newest first, after a position. The next batch starts after the [`Position`] of the
    /// last row. Exports read in batches, without a transaction.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn request_batch(
        &self,
        filter: &RequestFilter,
        after: Option<Position>,
        limit: u64,
    ) -> Result<Vec<RequestRow>, Error> {
        let direction = after.map_or(Direction::First, Direction::Older);
        let found = self.request_rows(filter, direction, limit).await?;
        Ok(found.into_iter().map(RequestRow::from).collect())
    }

    /// At most `limit` matching rows in a direction. With several filters, only the hours that have such rows are read.
    async fn request_rows(
        &self,
        filter: &RequestFilter,
        direction: Direction,
        limit: u64,
    ) -> Result<Vec<requests::Model>, DbErr> {
        let times = filter.times(self.clock().now());
        let (id, rows) = (requests::Column::Id, filter.apply(self.requests()));
        self.read_counted(rows, (id, times), filter.counted(), direction, limit).await
    }

    /// The request of that id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn request_find(&self, id: RequestId) -> Result<Option<RequestRow>, Error> {
        let row = self.requests().filter(requests::Column::Id.eq(id)).one(self.reader()).await?;
        Ok(row.map(RequestRow::from))
    }

    fn requests(&self) -> Select<requests::Entity> {
        requests::Entity::find().filter(requests::Column::OrganizationId.eq(self.organization_id))
    }
}

impl RequestFilter {
    fn times(&self, now: DateTime<Utc>) -> Times {
        Times { oldest: self.since, newest: self.until.unwrap_or(now) }
    }

    /// The roll-ups that count the rows, if several filters narrow the list and the roll-ups know them all.
    fn counted(&self) -> Option<CountedBy<request_rollups::Entity>> {
        use request_rollups::Column;
        let origin = self.origin.filter(|origin| *origin != Origin::Drill && self.session_id.is_none())?;
        let texts = [
            (Column::RequestedModel, self.requested_model.as_deref()),
            (Column::ServedModel, self.served_model.as_deref()),
            (Column::Outcome, self.outcome.map(Outcome::as_str)),
        ];
        let number = texts.iter().filter(|(_, text)| text.is_some()).count();
        if number + usize::from(self.api_key_id.is_some()) < 2 {
            return None;
        }
        let rollups = request_rollups::Entity::find()
            .filter(Column::Origin.eq(origin.as_str()))
            .apply_if(self.api_key_id, |rows, id| rows.filter(Column::ApiKeyId.eq(id.0)));
        let rollups = texts.into_iter().fold(rollups, |rows, (column, text)| {
            rows.apply_if(text, |rows, text| rows.filter(equals(column, text)))
        });
        Some(CountedBy { rollups, columns: REQUESTS, number: Column::Requests })
    }

    fn apply(&self, rows: Select<requests::Entity>) -> Select<requests::Entity> {
        use requests::Column;
        let texts = [
            (Column::RequestedModel, self.requested_model.as_deref()),
            (Column::ServedModel, self.served_model.as_deref()),
            (Column::Endpoint, self.endpoint),
            (Column::Outcome, self.outcome.map(Outcome::as_str)),
            (Column::Origin, self.origin.map(Origin::as_str)),
        ];
        let rows = texts.into_iter().fold(rows, |rows, (column, text)| {
            rows.apply_if(text, |rows, text| rows.filter(equals(column, text)))
        });
        // Most rows are answered, live and of chat completions, and an index holds the others. The words are part of the text of
        // the statement, so that the database knows that the index serves.
        let rare_endpoint = self.endpoint.filter(|endpoint| *endpoint != USUAL_ENDPOINT);
        let rare_outcome = self.outcome.filter(|outcome| *outcome != Outcome::Answered);
        let rare_origin = self.origin.filter(|origin| *origin != Origin::Live);
        rows.apply_if(rare_endpoint, |rows, _| {
            rows.filter(Expr::cust(format!("endpoint <> '{USUAL_ENDPOINT}'")))
        })
        .apply_if(rare_outcome, |rows, _| rows.filter(Expr::cust("outcome <> 'answered'")))
        .apply_if(rare_origin, |rows, _| rows.filter(Expr::cust("origin <> 'live'")))
        .apply_if(self.api_key_id, |rows, id| rows.filter(Column::ApiKeyId.eq(id)))
        .apply_if(self.session_id, |rows, id| rows.filter(Column::SessionId.eq(id)))
        .filter(within((Column::Id, Column::CreatedAt), self.since, self.until))
    }
}
