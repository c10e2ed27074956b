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
use crate::store::bulk_insert;
use crate::store::bulk_insert::Batch;
use crate::store::recorder::{FallbackEventRecord, RequestRecord};
use crate::store::rollups::histogram::step;

/// The measures of `latency_rollups`.
pub(super) const FIRST_FRAME: &str = "first_frame";
pub(super) const TOTAL: &str = "total";

/// The outcome of a stream that goes on.
const RUNNING: &str = "running";

/// The origin of what is not counted.
const DRILL: &str = "drill";

type EventKey = (OrganizationId, i64, String, String, String, String);
type RequestKey = (OrganizationId, i64, String, String, String, bool, Uuid, String);
type LatencyKey = (OrganizationId, i64, String, &'static str, i32);

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
    pub(in crate::store) fn event(&mut self, event: &FallbackEventRecord) {
        if event.origin == DRILL {
            return;
        }
        let key = (
            event.organization_id,
            bucket(event.created_at),
            event.failed_model.clone(),
            event.next_model.clone().unwrap_or_default(),
            event.error_class.clone(),
            event.origin.clone(),
        );
        *self.events.entry(key).or_default() += 1;
    }

    /// Counts a request: `number` is 1, or -1 where it is taken back.
    pub(in crate::store) fn request(&mut self, row: &RequestRecord, number: i64) {
        if row.origin == DRILL {
            return;
        }
        self.daily.request(row, number);
        let served = row.served_model.clone().unwrap_or_default();
        let by_fallback = !served.is_empty() && served != row.requested_model;
        let key = (
            row.organization_id,
            bucket(row.created_at),
            row.requested_model.clone(),
            served,
            row.outcome.clone(),
            by_fallback,
            row.api_key_id.unwrap_or_else(Uuid::nil),
            row.origin.clone(),
        );
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
            let key = (row.organization_id, bucket(row.created_at), row.origin.clone(), measure, step(time));
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
pub(super) fn is_unpriced(row: &RequestRecord) -> bool {
    row.cost_nano_dollars.is_none() && row.outcome != RUNNING
}

fn event_row((key, events): (EventKey, i64)) -> fallback_rollups::Model {
    let (organization_id, bucket_at, failed_model, next_model, error_class, origin) = key;
    fallback_rollups::Model {
        organization_id,
        bucket_at,
        failed_model,
        next_model,
        error_class,
        origin,
        events,
    }
}

fn request_row((key, sums): (RequestKey, RequestSums)) -> request_rollups::Model {
    let (organization_id, bucket_at, requested_model, served_model, outcome, by_fallback, api_key_id, origin) =
        key;
    request_rollups::Model {
        organization_id,
        bucket_at,
        requested_model,
        served_model,
        outcome,
        by_fallback,
        api_key_id,
        origin,
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
    let (organization_id, bucket_at, origin, measure, step) = key;
    latency_rollups::Model { organization_id, bucket_at, origin, measure: measure.to_owned(), step, requests }
}

#[cfg(test)]
mod tests;
