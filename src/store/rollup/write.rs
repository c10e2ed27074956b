//! Counting rows in the transaction that writes them.
//!
//! Rows of a group that fall into the same bucket are added up first. The buckets are written in the order of their
//! keys: two processes that want the same ones wait for each other, and never both for the other one's.

use std::collections::BTreeMap;

use entity::ids::OrganizationId;
use entity::{fallback_rollups, request_rollups};
use sea_orm::sea_query::{Expr, OnConflict, SimpleExpr};
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel as _,
    Iterable as _, PrimaryKeyToColumn as _,
};
use uuid::Uuid;

use super::bucket;
use super::scale::Scale;
use crate::store::recorder::{FallbackEventRecord, RequestRecord};

/// Buckets of one statement: SQLite bounds a statement's parameters.
const CHUNK: usize = 256;

/// The origin of what is not counted.
const DRILL: &str = "drill";

type EventKey = (OrganizationId, i64, String, String, String, String);
type RequestKey = (OrganizationId, i64, String, String, String, bool, Uuid, String);

/// What is to be added to the buckets.
#[derive(Default)]
pub(in crate::store) struct Tally {
    events: BTreeMap<EventKey, i64>,
    requests: BTreeMap<RequestKey, RequestSums>,
}

#[derive(Default)]
struct RequestSums {
    requests: i64,
    input_tokens: i64,
    output_tokens: i64,
    cached_tokens: i64,
    reasoning_tokens: i64,
    cost_nano_dollars: i64,
    first_frame: Scale,
    total: Scale,
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
        if let Some(first_frame) = row.first_frame_ms {
            sums.first_frame.count(first_frame, number);
        }
        sums.total.count(row.total_ms, number);
    }

    /// Adds what was counted to the buckets.
    pub(in crate::store) async fn write(self, connection: &impl ConnectionTrait) -> Result<(), DbErr> {
        let backend = connection.get_database_backend();
        let events: Vec<_> = self.events.into_iter().map(event_row).collect();
        for chunk in events.chunks(CHUNK) {
            fallback_rollups::Entity::insert_many(chunk.iter().cloned())
                .on_conflict(added_to::<fallback_rollups::Entity>(
                    &[fallback_rollups::Column::Events],
                    &[],
                    backend,
                ))
                .exec_without_returning(connection)
                .await?;
        }
        let requests: Vec<_> = self.requests.into_iter().map(request_row).collect();
        for chunk in requests.chunks(CHUNK) {
            request_rollups::Entity::insert_many(chunk.iter().cloned())
                .on_conflict(added_to::<request_rollups::Entity>(REQUEST_SUMS, REQUEST_SCALES, backend))
                .exec_without_returning(connection)
                .await?;
        }
        Ok(())
    }
}

/// The most that one request adds to a sum. What a provider says of its usage is only its word: no bucket may overflow
/// with it, or the database would refuse the rows of all who are counted there.
const MOST: i64 = 1_000_000_000_000;

fn bounded(sum: Option<i64>) -> i64 {
    sum.unwrap_or(0).clamp(0, MOST)
}

const REQUEST_SUMS: &[request_rollups::Column] = &[
    request_rollups::Column::Requests,
    request_rollups::Column::InputTokens,
    request_rollups::Column::OutputTokens,
    request_rollups::Column::CachedTokens,
    request_rollups::Column::ReasoningTokens,
    request_rollups::Column::CostNanoDollars,
];

const REQUEST_SCALES: &[request_rollups::Column] =
    &[request_rollups::Column::FirstFrameCounts, request_rollups::Column::TotalCounts];

/// A bucket that is there already takes the new counts to its own.
fn added_to<E: EntityTrait>(sums: &[E::Column], scales: &[E::Column], backend: DbBackend) -> OnConflict {
    use sea_orm::Iden as _;
    let table = E::default().to_string();
    let key = E::PrimaryKey::iter().map(|column| column.into_column());
    let sum = |column: &E::Column| {
        let name = column.to_string();
        (*column, Expr::cust(format!("{table}.{name} + excluded.{name}")))
    };
    let scale = |column: &E::Column| (*column, added_scales(&table, &column.to_string(), backend));
    let mut conflict = OnConflict::columns(key);
    conflict.values(sums.iter().map(sum).chain(scales.iter().map(scale)));
    conflict
}

/// Two arrays of counts, added up place by place.
fn added_scales(table: &str, column: &str, backend: DbBackend) -> SimpleExpr {
    Expr::cust(if backend == DbBackend::Postgres {
        format!(
            "(SELECT jsonb_agg(ours.count::bigint + theirs.count::bigint ORDER BY ours.place) \
             FROM jsonb_array_elements_text({table}.{column}) WITH ORDINALITY AS ours(count, place) \
             JOIN jsonb_array_elements_text(excluded.{column}) WITH ORDINALITY AS theirs(count, place) \
             ON ours.place = theirs.place)"
        )
    } else {
        format!(
            "(SELECT json_group_array(ours.value + theirs.value ORDER BY ours.key) \
             FROM json_each({table}.{column}) AS ours JOIN json_each(excluded.{column}) AS theirs \
             ON ours.key = theirs.key)"
        )
    })
}

fn event_row((key, events): (EventKey, i64)) -> fallback_rollups::ActiveModel {
    let (organization_id, bucket_at, failed_model, next_model, error_class, origin) = key;
    let row = fallback_rollups::Model {
        organization_id,
        bucket_at,
        failed_model,
        next_model,
        error_class,
        origin,
        events,
    };
    row.into_active_model().reset_all()
}

fn request_row((key, sums): (RequestKey, RequestSums)) -> request_rollups::ActiveModel {
    let (organization_id, bucket_at, requested_model, served_model, outcome, by_fallback, api_key_id, origin) =
        key;
    let row = request_rollups::Model {
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
        first_frame_counts: sums.first_frame.to_json(),
        total_counts: sums.total.to_json(),
    };
    row.into_active_model().reset_all()
}
