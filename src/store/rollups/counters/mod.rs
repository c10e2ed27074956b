//! The sums that are added to the buckets.
//!
//! Counts that fall into the same bucket are added up first. The buckets are written in the order of their keys: two
//! processes that want the same ones wait for each other, and never both for the other one's.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use entity::ids::OrganizationId;
use entity::{fallback_rollups, latency_rollups, request_rollups};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::buckets::Bucket;
use super::daily::Daily;
use super::delta::{CountedEvent, CountedRequest, Delta};
use crate::domain::amount::MOST_NANO_DOLLARS;
use crate::domain::outcome::Outcome;
use crate::store::bulk_insert;
use crate::store::bulk_insert::Batch;
use crate::store::records::request::RequestRow;
use crate::store::rollups::histogram::step;

/// The measures of `latency_rollups`.
pub(super) const FIRST_FRAME: &str = "first_frame";
pub(super) const TOTAL: &str = "total";

/// What the events of one count share. Absent values are as in the table: `''`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct EventKey<'a> {
    organization_id: OrganizationId,
    bucket: Bucket,
    failed_model: Cow<'a, str>,
    next_model: Cow<'a, str>,
    error_class: Cow<'a, str>,
    origin: Cow<'a, str>,
}

/// What the requests of one count share. Absent values are as in the table: `''` or the nil UUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RequestKey<'a> {
    organization_id: OrganizationId,
    bucket: Bucket,
    requested_model: Cow<'a, str>,
    served_model: Cow<'a, str>,
    outcome: Cow<'a, str>,
    by_fallback: bool,
    api_key_id: Uuid,
    origin: Cow<'a, str>,
}

/// What the requests of one step of a histogram share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct LatencyKey<'a> {
    organization_id: OrganizationId,
    bucket: Bucket,
    origin: Cow<'a, str>,
    measure: &'static str,
    step: i32,
}

/// What is to be added to the buckets. Its texts are those of the deltas.
#[derive(Default)]
pub(in crate::store) struct Tally<'a> {
    events: BTreeMap<EventKey<'a>, i64>,
    requests: BTreeMap<RequestKey<'a>, RequestSums>,
    latencies: BTreeMap<LatencyKey<'a>, i64>,
    daily: Daily<'a>,
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

impl<'a> Tally<'a> {
    /// Adds the counts of a delta to the sums.
    pub(in crate::store) fn add(&mut self, delta: Delta<'a>) {
        delta.events.into_iter().for_each(|event| self.event(event));
        delta.requests.into_iter().for_each(|request| self.request(&request));
    }

    fn event(&mut self, event: CountedEvent<'a>) {
        let key = EventKey {
            organization_id: event.organization_id,
            bucket: Bucket::shortest(event.created_at),
            failed_model: event.failed_model,
            next_model: event.next_model,
            error_class: event.error_class,
            origin: event.origin,
        };
        *self.events.entry(key).or_default() += 1;
    }

    fn request(&mut self, request: &CountedRequest<'a>) {
        self.daily.request(request);
        if request.is_drill() {
            return;
        }
        let bucket = Bucket::shortest(request.created_at);
        self.requests.entry(RequestKey::new(request, bucket)).or_default().add(request);
        for (measure, time) in [(FIRST_FRAME, request.first_frame_ms), (TOTAL, Some(request.total_ms))] {
            let Some(time) = time else { continue };
            let key = LatencyKey {
                organization_id: request.organization_id,
                bucket,
                origin: request.origin.clone(),
                measure,
                step: step(time),
            };
            *self.latencies.entry(key).or_default() += request.number;
        }
    }

    /// The same counts in buckets of every length. A long bucket consists of whole short ones, so each request is counted in
    /// a short one only.
    fn in_all_buckets(self) -> Self {
        let number = |sum: &mut i64, more: &i64| *sum += more;
        Self {
            events: widened(self.events, |key| &mut key.bucket, number),
            requests: widened(self.requests, |key| &mut key.bucket, RequestSums::more),
            latencies: widened(self.latencies, |key| &mut key.bucket, number),
            daily: self.daily,
        }
    }

    /// Adds what was counted to the buckets.
    pub(in crate::store) async fn write(self, connection: &impl ConnectionTrait) -> Result<(), DbErr> {
        let Self { events, requests, latencies, daily } = self.in_all_buckets();
        let mut batch = Batch::new(connection.get_database_backend());
        let events: Vec<_> = events.into_iter().map(event_row).collect();
        batch.insert::<fallback_rollups::Entity>(&events, &ADDED_EVENTS);
        let requests: Vec<_> = requests.into_iter().map(request_row).collect();
        batch.insert::<request_rollups::Entity>(&requests, &ADDED_REQUESTS);
        let latencies: Vec<_> = latencies.into_iter().map(latency_row).collect();
        batch.insert::<latency_rollups::Entity>(&latencies, &ADDED_LATENCIES);
        daily.write(&mut batch);
        batch.send(connection).await
    }
}

/// The sums of short buckets, in buckets of every length.
fn widened<K: Ord + Clone, S: Default>(
    short: BTreeMap<K, S>,
    bucket: fn(&mut K) -> &mut Bucket,
    add: fn(&mut S, &S),
) -> BTreeMap<K, S> {
    let mut all = BTreeMap::new();
    for (mut key, sums) in short {
        for wider in Bucket::of(bucket(&mut key).at) {
            *bucket(&mut key) = wider;
            add(all.entry(key.clone()).or_default(), &sums);
        }
    }
    all
}

static ADDED_EVENTS: LazyLock<String> = LazyLock::new(bulk_insert::adding::<fallback_rollups::Entity>);
static ADDED_REQUESTS: LazyLock<String> = LazyLock::new(bulk_insert::adding::<request_rollups::Entity>);
static ADDED_LATENCIES: LazyLock<String> = LazyLock::new(bulk_insert::adding::<latency_rollups::Entity>);

/// The most that one request adds to a sum. What a provider says of its usage is only its word: no bucket may overflow
/// with it, or the database would refuse the rows of all who are counted there.
const MOST: i64 = MOST_NANO_DOLLARS;

impl<'a> RequestKey<'a> {
    fn new(request: &CountedRequest<'a>, bucket: Bucket) -> Self {
        Self {
            organization_id: request.organization_id,
            bucket,
            requested_model: request.requested_model.clone(),
            served_model: request.served_model.clone(),
            outcome: request.outcome.clone(),
            by_fallback: request.is_by_fallback(),
            api_key_id: request.api_key_id.unwrap_or_else(Uuid::nil),
            origin: request.origin.clone(),
        }
    }
}

impl RequestSums {
    fn more(&mut self, other: &Self) {
        self.requests += other.requests;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cached_tokens += other.cached_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
        self.cost_nano_dollars += other.cost_nano_dollars;
        self.unpriced += other.unpriced;
    }

    fn add(&mut self, request: &CountedRequest<'_>) {
        let number = request.number;
        self.requests += number;
        self.input_tokens += number * request.input_tokens;
        self.output_tokens += number * request.output_tokens;
        self.cached_tokens += number * request.cached_tokens;
        self.reasoning_tokens += number * request.reasoning_tokens;
        self.cost_nano_dollars += number * request.cost_nano_dollars;
        self.unpriced += number * i64::from(request.unpriced);
    }
}

pub(super) fn bounded(sum: Option<i64>) -> i64 {
    sum.unwrap_or(0).clamp(0, MOST)
}

/// Whether what a request cost is unknown. While a stream goes on, that is still to come.
pub(super) fn is_unpriced(row: &RequestRow) -> bool {
    row.cost_nano_dollars.is_none() && row.outcome != Outcome::Running
}

fn event_row((key, events): (EventKey<'_>, i64)) -> fallback_rollups::Model {
    fallback_rollups::Model {
        organization_id: key.organization_id,
        width: key.bucket.width,
        bucket_at: key.bucket.at,
        failed_model: key.failed_model.into_owned(),
        next_model: key.next_model.into_owned(),
        error_class: key.error_class.into_owned(),
        origin: key.origin.into_owned(),
        events,
    }
}

fn request_row((key, sums): (RequestKey<'_>, RequestSums)) -> request_rollups::Model {
    request_rollups::Model {
        organization_id: key.organization_id,
        width: key.bucket.width,
        bucket_at: key.bucket.at,
        requested_model: key.requested_model.into_owned(),
        served_model: key.served_model.into_owned(),
        outcome: key.outcome.into_owned(),
        by_fallback: key.by_fallback,
        api_key_id: key.api_key_id,
        origin: key.origin.into_owned(),
        requests: sums.requests,
        input_tokens: sums.input_tokens,
        output_tokens: sums.output_tokens,
        cached_tokens: sums.cached_tokens,
        reasoning_tokens: sums.reasoning_tokens,
        cost_nano_dollars: sums.cost_nano_dollars,
        unpriced: sums.unpriced,
    }
}

fn latency_row((key, requests): (LatencyKey<'_>, i64)) -> latency_rollups::Model {
    latency_rollups::Model {
        organization_id: key.organization_id,
        width: key.bucket.width,
        bucket_at: key.bucket.at,
        origin: key.origin.into_owned(),
        measure: key.measure.to_owned(),
        step: key.step,
        requests,
    }
}

#[cfg(test)]
mod tests;
