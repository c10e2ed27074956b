//! Requests and fallback events counted in buckets of five minutes: what figures and charts are made of.
//!
//! The recorder writes them in the transaction of the rows that they count; here they are read.

pub(crate) mod counters;
pub(super) mod daily;
pub(crate) mod histogram;
mod recent;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::{fallback_rollups, latency_rollups, request_rollups};
use sea_orm::sea_query::{Expr, ExprTrait as _, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Select,
};

use super::OrgStore;
use crate::domain::closed_set::{ClosedSet as _, Stored};
use crate::domain::error::Error;
use crate::domain::error_class::ErrorClass;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::store::pagination::equals;
use histogram::Histogram;
pub use recent::RecentUse;

/// Seconds of a bucket.
pub const BUCKET: i64 = 300;

/// What is counted: a span of time, of one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupSpan {
    /// Not before this moment.
    pub since: DateTime<Utc>,
    /// Before this moment.
    pub until: DateTime<Utc>,
    /// Where the requests come from; `None` counts every origin.
    pub origin: Option<Origin>,
}

/// Which fallback events are counted. Every field that is set narrows the choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventRollupFilter {
    /// Catalogue name of the model that did not answer.
    pub failed_model: Option<String>,
    /// Catalogue name of the next entry of the chain.
    pub next_model: Option<String>,
    /// Why it did not answer.
    pub error_class: Option<ErrorClass>,
}

/// The requests of a bucket, or of a whole span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// The model that was asked for answered.
    pub first_try: i64,
    /// Another one did.
    pub by_fallback: i64,
    /// None did, or the answer broke off.
    pub failed: i64,
    /// Their callers did not wait.
    pub client_closed: i64,
    /// Prompt tokens.
    pub input_tokens: i64,
    /// Answer tokens.
    pub output_tokens: i64,
    /// In nano-dollars, of those with a known cost.
    pub cost_nano_dollars: i64,
    /// How many requests have an unknown cost.
    pub unpriced: i64,
}

/// How long the requests of a span took.
#[derive(Debug, Clone, Default)]
pub struct RequestTimes {
    /// To the first frame.
    pub first_frame: Histogram,
    /// To the end.
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
    /// Fallback events per `step` seconds, a multiple of [`BUCKET`], by the Unix second at which each step begins;
    /// steps without events are left out.
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
        let sums = rows.into_model::<EventSum>().all(self.reader()).await?;
        Ok(sums.into_iter().map(|sum| (sum.bucket, sum.events)).collect())
    }

    /// How often each class of failure was the reason, the most frequent first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn event_reasons(
        &self,
        span: &RollupSpan,
        limit: u64,
    ) -> Result<Vec<(Stored<ErrorClass>, i64)>, Error> {
        use fallback_rollups::Column;
        let rows = self
            .event_rollups(span, &EventRollupFilter::default())
            .select_only()
            .column(Column::ErrorClass)
            .column_as(total(Column::Events), "events")
            .group_by(Column::ErrorClass)
            .order_by_desc(total(Column::Events))
            .order_by_asc(Column::ErrorClass)
            .limit(limit);
        let sums = rows.into_model::<ClassSum>().all(self.reader()).await?;
        Ok(sums.into_iter().map(|sum| (Stored::parse(&sum.error_class), sum.events)).collect())
    }

    /// Requests per `step` seconds, a multiple of [`BUCKET`], by the Unix second at which each step begins; steps
    /// without requests are left out.
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
        for sum in rows.into_model::<RequestSum>().all(self.reader()).await? {
            counts.entry(sum.bucket).or_default().take(&sum);
        }
        Ok(counts)
    }

    /// The requests of a span by the model that was asked for.
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
        for sum in rows.into_model::<ModelSum>().all(self.reader()).await? {
            let counts = counts.entry(sum.requested_model).or_default();
            *counts.of(Outcome::from_word(&sum.outcome), sum.by_fallback) += sum.requests;
        }
        Ok(counts)
    }

    /// How long the requests of a span took.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn request_times(&self, span: &RollupSpan) -> Result<RequestTimes, Error> {
        use latency_rollups::Column;
        let rows = latency_rollups::Entity::find()
            .filter(Column::OrganizationId.eq(self.organization_id))
            .filter(Column::BucketAt.gte(bucket(span.since)))
            .filter(Column::BucketAt.lt(span.until.timestamp()))
            .apply_if(span.origin, |rows, origin| rows.filter(Column::Origin.eq(origin.as_str())))
            .select_only()
            .columns([Column::Measure, Column::Step])
            .column_as(total(Column::Requests), "requests")
            .group_by(Column::Measure)
            .group_by(Column::Step);
        let mut times = RequestTimes::default();
        for StepSum { measure, step, requests } in rows.into_model::<StepSum>().all(self.reader()).await? {
            match measure.as_str() {
                counters::FIRST_FRAME => times.first_frame.add(step, requests),
                counters::TOTAL => times.total.add(step, requests),
                // A later version's measure.
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
        let rows = fallback_rollups::Entity::find()
            .filter(Column::OrganizationId.eq(self.organization_id))
            .filter(Column::BucketAt.gte(bucket(span.since)))
            .filter(Column::BucketAt.lt(span.until.timestamp()));
        texts.into_iter().fold(rows, |rows, (column, text)| {
            rows.apply_if(text, |rows, text| rows.filter(equals(column, text)))
        })
    }

    fn request_rollups(&self, span: &RollupSpan) -> Select<request_rollups::Entity> {
        use request_rollups::Column;
        request_rollups::Entity::find()
            .filter(Column::OrganizationId.eq(self.organization_id))
            .filter(Column::BucketAt.gte(bucket(span.since)))
            .filter(Column::BucketAt.lt(span.until.timestamp()))
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

    /// These and others together.
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

    /// All that came in.
    #[must_use]
    pub fn requests(&self) -> i64 {
        self.first_try + self.by_fallback + self.failed + self.client_closed
    }
}

/// The bucket that a moment falls into, in Unix seconds.
pub(super) fn bucket(time: DateTime<Utc>) -> i64 {
    let seconds = time.timestamp();
    seconds - seconds.rem_euclid(BUCKET)
}

/// The step that a bucket falls into. The number is ours, so it may stand in the statement.
fn stepped(column: &'static str, step: i64) -> SimpleExpr {
    Expr::cust(format!("{column} - {column} % {}", Ord::max(step, BUCKET)))
}

/// PostgreSQL adds whole numbers up to a decimal one.
fn total(column: impl sea_orm::sea_query::IntoColumnRef) -> SimpleExpr {
    Expr::col(column).sum().cast_as("bigint")
}
