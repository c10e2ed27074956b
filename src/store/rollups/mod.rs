//! Roll-ups: counts of requests and fallback events in buckets of time, for figures and charts.
//!
//! A commit writes what it adds to them ([`delta`]), [`fold`] adds it to the buckets, and this module reads them.

pub(super) mod buckets;
pub(crate) mod counters;
pub(super) mod daily;
pub(crate) mod delta;
pub(crate) mod fold;
pub(crate) mod histogram;
pub(super) mod places;
mod recent;
mod value_text;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::{fallback_rollups, latency_rollups, request_rollups};
use sea_orm::sea_query::{Expr, ExprTrait as _, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait, FromQueryResult, QueryFilter as _, QuerySelect as _,
    QueryTrait as _, Select,
};

use super::OrgStore;
use crate::domain::closed_set::{ClosedSet as _, Stored};
use crate::domain::error::Error;
use crate::domain::failure::class::ErrorClass;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::store::pagination::equals;
use buckets::BucketColumns;
use histogram::Histogram;
pub use recent::RecentUse;

/// The length of the shortest bucket in seconds.
pub const BUCKET: i64 = 300;

/// The requests that are counted: those of a time span and, optionally, of one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupSpan {
    /// The start of the span, inclusive.
    pub since: DateTime<Utc>,
    /// The end of the span, exclusive.
    pub until: DateTime<Utc>,
    /// Where the requests come from; `None` counts every origin.
    pub origin: Option<Origin>,
}

/// A filter for fallback events. All set fields must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventRollupFilter {
    /// Catalog name of the model that did not answer.
    pub failed_model: Option<String>,
    /// Catalog name of the next candidate.
    pub next_model: Option<String>,
    /// Why it did not answer.
    pub error_class: Option<ErrorClass>,
}

/// Counts and sums of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// Requests that the requested model answered.
    pub first_try: i64,
    /// Requests that a fallback answered.
    pub by_fallback: i64,
    /// Requests that failed or ended with an interrupted stream.
    pub failed: i64,
    /// Requests that ended because the caller closed the connection.
    pub client_closed: i64,
    /// Tokens of the whole prompt.
    pub input_tokens: i64,
    /// Tokens of the completion, including reasoning.
    pub output_tokens: i64,
    /// The known costs in nano-dollars.
    pub cost_nano_dollars: i64,
    /// Number of requests with unknown cost.
    pub unpriced: i64,
}

/// Histograms of request durations.
#[derive(Debug, Clone, Default)]
pub struct RequestTimes {
    /// Time to the first frame.
    pub first_frame: Histogram,
    /// The total time of requests.
    pub total: Histogram,
}

#[derive(FromQueryResult)]
struct EventSum {
    bucket: i64,
    events: i64,
}

#[derive(FromQueryResult)]
struct ClassSum {
    error_class: String,
    events: i64,
}

#[derive(FromQueryResult)]
struct RequestSum {
    bucket: i64,
    outcome: String,
    by_fallback: bool,
    requests: i64,
    input_tokens: i64,
    output_tokens: i64,
    cost_nano_dollars: i64,
    unpriced: i64,
}

#[derive(FromQueryResult)]
struct ModelSum {
    requested_model: String,
    outcome: String,
    by_fallback: bool,
    requests: i64,
}

#[derive(FromQueryResult)]
struct StepSum {
    measure: String,
    step: i32,
    requests: i64,
}

impl OrgStore {
    /// Counts fallback events per step of `step` seconds, a multiple of [`BUCKET`]. The keys are the starts of the steps in
    /// Unix seconds. Steps without events are left out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn event_counts(
        &self,
        span: &RollupSpan,
        filter: &EventRollupFilter,
        step: i64,
    ) -> Result<BTreeMap<i64, i64>, Error> {
        use fallback_rollups::Column;
        let rows = self
            .event_rollups(span, filter)
            .select_only()
            .column_as(stepped("bucket_at", step), "bucket")
            .column_as(total(Column::Events), "events")
            .group_by(stepped("bucket_at", step));
        let mut counts = BTreeMap::new();
        for EventSum { bucket, events } in self.sums(&rows, &buckets::EVENTS, span, Some(step)).await? {
            *counts.entry(bucket).or_default() += events;
        }
        Ok(counts)
    }

    /// The most frequent error classes with their numbers of events, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn event_reasons(
        &self,
        span: &RollupSpan,
        limit: usize,
    ) -> Result<Vec<(Stored<ErrorClass>, i64)>, Error> {
        use fallback_rollups::Column;
        let rows = self
            .event_rollups(span, &EventRollupFilter::default())
            .select_only()
            .column(Column::ErrorClass)
            .column_as(total(Column::Events), "events")
            .group_by(Column::ErrorClass);
        let mut reasons: BTreeMap<String, i64> = BTreeMap::new();
        for ClassSum { error_class, events } in self.sums(&rows, &buckets::EVENTS, span, None).await? {
            *reasons.entry(error_class).or_default() += events;
        }
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, events)| Reverse(*events));
        reasons.truncate(limit);
        Ok(reasons.into_iter().map(|(class, events)| (Stored::parse(&class), events)).collect())
    }

    /// Counts requests per step of `step` seconds, a multiple of [`BUCKET`]. The keys are the starts of the steps in Unix
    /// seconds. Steps without requests are left out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn request_counts(
        &self,
        span: &RollupSpan,
        step: i64,
    ) -> Result<BTreeMap<i64, RequestCounts>, Error> {
        use request_rollups::Column;
        let rows = self
            .request_rollups(span)
            .select_only()
            .column_as(stepped("bucket_at", step), "bucket")
            .columns([Column::Outcome, Column::ByFallback])
            .column_as(total(Column::Requests), "requests")
            .column_as(total(Column::InputTokens), "input_tokens")
            .column_as(total(Column::OutputTokens), "output_tokens")
            .column_as(total(Column::CostNanoDollars), "cost_nano_dollars")
            .column_as(total(Column::Unpriced), "unpriced")
            .group_by(stepped("bucket_at", step))
            .group_by(Column::Outcome)
            .group_by(Column::ByFallback);
        let mut counts: BTreeMap<i64, RequestCounts> = BTreeMap::new();
        for sum in self.sums::<_, RequestSum>(&rows, &buckets::REQUESTS, span, Some(step)).await? {
            counts.entry(sum.bucket).or_default().take(&sum);
        }
        Ok(counts)
    }

    /// Counts requests by requested model.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn request_counts_by_model(
        &self,
        span: &RollupSpan,
    ) -> Result<BTreeMap<String, RequestCounts>, Error> {
        use request_rollups::Column;
        let rows = self
            .request_rollups(span)
            .select_only()
            .columns([Column::RequestedModel, Column::Outcome, Column::ByFallback])
            .column_as(total(Column::Requests), "requests")
            .group_by(Column::RequestedModel)
            .group_by(Column::Outcome)
            .group_by(Column::ByFallback);
        let mut counts: BTreeMap<String, RequestCounts> = BTreeMap::new();
        for sum in self.sums::<_, ModelSum>(&rows, &buckets::REQUESTS, span, None).await? {
            let counts = counts.entry(sum.requested_model).or_default();
            *counts.of(Outcome::from_word(&sum.outcome), sum.by_fallback) += sum.requests;
        }
        Ok(counts)
    }

    /// Histograms of the durations of the requests in a span.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn request_times(&self, span: &RollupSpan) -> Result<RequestTimes, Error> {
        use latency_rollups::Column;
        let rows = latency_rollups::Entity::find()
            .apply_if(span.origin, |rows, origin| rows.filter(Column::Origin.eq(origin.as_str())))
            .select_only()
            .columns([Column::Measure, Column::Step])
            .column_as(total(Column::Requests), "requests")
            .group_by(Column::Measure)
            .group_by(Column::Step);
        let mut times = RequestTimes::default();
        for StepSum { measure, step, requests } in self.sums(&rows, &buckets::LATENCIES, span, None).await? {
            match measure.as_str() {
                counters::FIRST_FRAME => times.first_frame.add(step, requests),
                counters::TOTAL => times.total.add(step, requests),
                // A measure of a newer release.
                _ => {}
            }
        }
        Ok(times)
    }

    fn event_rollups(
        &self,
        span: &RollupSpan,
        filter: &EventRollupFilter,
    ) -> Select<fallback_rollups::Entity> {
        use fallback_rollups::Column;
        let texts = [
            (Column::FailedModel, filter.failed_model.as_deref()),
            (Column::NextModel, filter.next_model.as_deref()),
            (Column::ErrorClass, filter.error_class.map(ErrorClass::as_str)),
            (Column::Origin, span.origin.map(Origin::as_str)),
        ];
        let rows = fallback_rollups::Entity::find();
        texts.into_iter().fold(rows, |rows, (column, text)| {
            rows.apply_if(text, |rows, text| rows.filter(equals(column, text)))
        })
    }

    /// Sums over a span. The same group may occur several times, with the sums of parts of the span.
    async fn sums<E: EntityTrait, T: FromQueryResult>(
        &self,
        rows: &Select<E>,
        columns: &BucketColumns<E::Column>,
        span: &RollupSpan,
        step: Option<i64>,
    ) -> Result<Vec<T>, Error> {
        let times = (span.since.timestamp(), span.until.timestamp());
        let step = step.map(|step| Ord::max(step, BUCKET));
        let on = self.folded_records().await;
        let Some(query) = columns.sums(rows, self.organization_id, times, step) else {
            return Ok(Vec::new());
        };
        Ok(T::find_by_statement(on.get_database_backend().build(&query)).all(&on).await?)
    }

    fn request_rollups(&self, span: &RollupSpan) -> Select<request_rollups::Entity> {
        use request_rollups::Column;
        request_rollups::Entity::find()
            .apply_if(span.origin, |rows, origin| rows.filter(Column::Origin.eq(origin.as_str())))
    }
}

impl RequestCounts {
    fn take(&mut self, sum: &RequestSum) {
        *self.of(Outcome::from_word(&sum.outcome), sum.by_fallback) += sum.requests;
        self.input_tokens += sum.input_tokens;
        self.output_tokens += sum.output_tokens;
        self.cost_nano_dollars += sum.cost_nano_dollars;
        self.unpriced += sum.unpriced;
    }

    /// The count of an outcome. An outcome that only a newer release knows counts as failed.
    fn of(&mut self, outcome: Option<Outcome>, by_fallback: bool) -> &mut i64 {
        match outcome {
            Some(Outcome::Answered) if by_fallback => &mut self.by_fallback,
            Some(Outcome::Answered) => &mut self.first_try,
            Some(Outcome::ClientClosed) => &mut self.client_closed,
            Some(Outcome::Failed | Outcome::Interrupted | Outcome::Running) | None => &mut self.failed,
        }
    }

    /// The sums of both.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        Self {
            first_try: self.first_try + other.first_try,
            by_fallback: self.by_fallback + other.by_fallback,
            failed: self.failed + other.failed,
            client_closed: self.client_closed + other.client_closed,
            input_tokens: self.input_tokens + other.input_tokens,
            output_tokens: self.output_tokens + other.output_tokens,
            cost_nano_dollars: self.cost_nano_dollars + other.cost_nano_dollars,
            unpriced: self.unpriced + other.unpriced,
        }
    }

    /// The number of all requests.
    #[must_use]
    pub fn requests(&self) -> i64 {
        self.first_try + self.by_fallback + self.failed + self.client_closed
    }
}

/// The start of the step that contains a bucket. `step` is not user input, so it can be part of the statement.
fn stepped(column: &'static str, step: i64) -> SimpleExpr {
    Expr::cust(format!("{column} - {column} % {}", Ord::max(step, BUCKET)))
}

/// The sum of a column, as an integer. PostgreSQL would return a decimal.
fn total(column: impl sea_orm::sea_query::IntoColumnRef) -> SimpleExpr {
    Expr::col(column).sum().cast_as("bigint")
}
