//! Counting rows in the transaction that writes them.
//!
//! Rows of a group that fall into the same bucket are added up first. The buckets are written in the order of their
//! keys: two processes that want the same ones wait for each other, and never both for the other one's.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use entity::ids::OrganizationId;
use entity::{fallback_rollups, latency_rollups, request_rollups};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::bucket;
use super::daily::Daily;
use crate::domain::amount::MOST_NANO_DOLLARS;
use crate::domain::closed_set::Stored;
use crate::domain::error_class::ErrorClass;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::store::bulk_insert;
use crate::store::bulk_insert::Batch;
use crate::store::records::fallback_event::FallbackEventRow;
use crate::store::records::request::RequestRow;
use crate::store::rollups::histogram::step;

/// The measures of `latency_rollups`.
pub(super) const FIRST_FRAME: &str = "first_frame";
pub(super) const TOTAL: &str = "total";

/// What the events of one count share. Absent values are as in the table: `''`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct EventKey {
    organization_id: OrganizationId,
    bucket_at: i64,
    failed_model: String,
    next_model: String,
    error_class: Stored<ErrorClass>,
    origin: Stored<Origin>,
}

/// What the requests of one count share. Absent values are as in the table: `''` or the nil UUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RequestKey {
    organization_id: OrganizationId,
    bucket_at: i64,
    requested_model: String,
    served_model: String,
    outcome: Stored<Outcome>,
    by_fallback: bool,
    api_key_id: Uuid,
    origin: Stored<Origin>,
}

/// What the requests of one step of a histogram share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct LatencyKey {
    organization_id: OrganizationId,
    bucket_at: i64,
    origin: Stored<Origin>,
    measure: &'static str,
    step: i32,
}

/// What is to be added to the buckets.
#[derive(Default)]
pub(in crate::store) struct Tally {
    events: BTreeMap<EventKey, i64>,
    requests: BTreeMap<RequestKey, RequestSums>,
    latencies: BTreeMap<LatencyKey, i64>,
    daily: Daily,
}

#[derive(Default)]
struct RequestSums {
    requests: i64,
    input_tokens: i64,
    output_tokens: i64,
    cached_tokens: i64,
    reasoning_tokens: i64,
    cost_nano_dollars: i64,
    unpriced: i64,
}

impl Tally {
    /// Counts an event; one that was made to happen is no figure of the service.
    pub(in crate::store) fn event(&mut self, event: &FallbackEventRow) {
        if event.origin == Origin::Drill {
            return;
        }
        let key = EventKey {
            organization_id: event.organization_id,
            bucket_at: bucket(event.created_at),
            failed_model: event.failed_model.clone(),
            next_model: event.next_model.clone().unwrap_or_default(),
            error_class: event.error_class.clone(),
            origin: event.origin.clone(),
        };
        *self.events.entry(key).or_default() += 1;
    }

    /// Counts a request: `number` is 1, or -1 where it is taken back.
    pub(in crate::store) fn request(&mut self, row: &RequestRow, number: i64) {
        if row.origin == Origin::Drill {
            return;
        }
        self.daily.request(row, number);
        let served = row.served_model.clone().unwrap_or_default();
        let by_fallback = !served.is_empty() && served != row.requested_model;
        let key = RequestKey {
            organization_id: row.organization_id,
            bucket_at: bucket(row.created_at),
            requested_model: row.requested_model.clone(),
            served_model: served,
            outcome: row.outcome.clone(),
            by_fallback,
            api_key_id: row.api_key_id.unwrap_or_else(Uuid::nil),
            origin: row.origin.clone(),
        };
        let sums = self.requests.entry(key).or_default();
        sums.requests += number;
        sums.input_tokens += number * bounded(row.input_tokens);
        sums.output_tokens += number * bounded(row.output_tokens);
        sums.cached_tokens += number * bounded(row.cached_tokens);
        sums.reasoning_tokens += number * bounded(row.reasoning_tokens);
        sums.cost_nano_dollars += number * bounded(row.cost_nano_dollars);
        sums.unpriced += number * i64::from(is_unpriced(row));
        for (measure, time) in [(FIRST_FRAME, row.first_frame_ms), (TOTAL, Some(row.total_ms))] {
            let Some(time) = time else { continue };
            let key = LatencyKey {
                organization_id: row.organization_id,
                bucket_at: bucket(row.created_at),
                origin: row.origin.clone(),
                measure,
                step: step(time),
            };
            *self.latencies.entry(key).or_default() += number;
        }
    }

    /// Adds what was counted to the buckets.
    pub(in crate::store) async fn write(self, connection: &impl ConnectionTrait) -> Result<(), DbErr> {
        let mut batch = Batch::new(connection.get_database_backend());
        let events: Vec<_> = self.events.into_iter().map(event_row).collect();
        batch.insert::<fallback_rollups::Entity>(&events, &ADDED_EVENTS);
        let requests: Vec<_> = self.requests.into_iter().map(request_row).collect();
        batch.insert::<request_rollups::Entity>(&requests, &ADDED_REQUESTS);
        let latencies: Vec<_> = self.latencies.into_iter().map(latency_row).collect();
        batch.insert::<latency_rollups::Entity>(&latencies, &ADDED_LATENCIES);
        self.daily.write(&mut batch);
        batch.send(connection).await
    }
}

static ADDED_EVENTS: LazyLock<String> = LazyLock::new(bulk_insert::adding::<fallback_rollups::Entity>);
static ADDED_REQUESTS: LazyLock<String> = LazyLock::new(bulk_insert::adding::<request_rollups::Entity>);
static ADDED_LATENCIES: LazyLock<String> = LazyLock::new(bulk_insert::adding::<latency_rollups::Entity>);

/// The most that one request adds to a sum. What a provider says of its usage is only its word: no bucket may overflow
/// with it, or the database would refuse the rows of all who are counted there.
const MOST: i64 = MOST_NANO_DOLLARS;

pub(super) fn bounded(sum: Option<i64>) -> i64 {
    sum.unwrap_or(0).clamp(0, MOST)
}

/// Whether what a request cost is unknown. While a stream goes on, that is still to come.
pub(super) fn is_unpriced(row: &RequestRow) -> bool {
    row.cost_nano_dollars.is_none() && row.outcome != Outcome::Running
}

fn event_row((key, events): (EventKey, i64)) -> fallback_rollups::Model {
    fallback_rollups::Model {
        organization_id: key.organization_id,
        bucket_at: key.bucket_at,
        failed_model: key.failed_model,
        next_model: key.next_model,
        error_class: key.error_class.as_str().to_owned(),
        origin: key.origin.as_str().to_owned(),
        events,
    }
}

fn request_row((key, sums): (RequestKey, RequestSums)) -> request_rollups::Model {
    request_rollups::Model {
        organization_id: key.organization_id,
        bucket_at: key.bucket_at,
        requested_model: key.requested_model,
        served_model: key.served_model,
        outcome: key.outcome.as_str().to_owned(),
        by_fallback: key.by_fallback,
        api_key_id: key.api_key_id,
        origin: key.origin.as_str().to_owned(),
        requests: sums.requests,
        input_tokens: sums.input_tokens,
        output_tokens: sums.output_tokens,
        cached_tokens: sums.cached_tokens,
        reasoning_tokens: sums.reasoning_tokens,
        cost_nano_dollars: sums.cost_nano_dollars,
        unpriced: sums.unpriced,
    }
}

fn latency_row((key, requests): (LatencyKey, i64)) -> latency_rollups::Model {
    latency_rollups::Model {
        organization_id: key.organization_id,
        bucket_at: key.bucket_at,
        origin: key.origin.as_str().to_owned(),
        measure: key.measure.to_owned(),
        step: key.step,
        requests,
    }
}

#[cfg(test)]
mod tests;
