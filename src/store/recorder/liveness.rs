//! Finds and closes the streams of processes that died.
//!
//! The row of a running stream contains the id of its process. On PostgreSQL, every process writes a heartbeat each
//! second, and any of them closes the streams of a process without heartbeats. SQLite has one process, so streams that
//! are running at its start belong to a process that died. If a process without heartbeats is alive after all, the end
//! of the stream that it writes takes precedence.
//!
//! A heartbeat also says where its process counts limits, and counts the processes that live.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{instances, requests};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbErr, EntityTrait as _, QueryFilter as _, Statement, Value,
};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use crate::domain::failure::class::ErrorClass;
use crate::domain::outcome::Outcome;
use crate::store::pagination::time_range::lowest_id;
use crate::store::recorder::pool::RecorderPool;
use crate::store::records::request::RequestRow;
use crate::store::rollups::delta::Delta;

/// The interval between heartbeats.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
/// The age of the streams that every heartbeat looks at, so that it reads few partitions.
const RECENT: TimeDelta = TimeDelta::days(2);
/// The first heartbeat, and one in this many, looks at all streams.
const ALL_STREAMS: u32 = 3_600;
/// The timeout of a heartbeat.
const PATIENCE: Duration = Duration::from_secs(3);

const ALIVE: &str = "INSERT INTO instances (id, seen_at, limit_place) VALUES ($1, clock_timestamp(), $2) \
     ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, limit_place = excluded.limit_place";
/// Who lives, who comes before this process, and who counts limits elsewhere. A process of the release before does not say
/// where it counts.
const LIVING: &str = "SELECT count(*) AS live, count(*) FILTER (WHERE id < $1) AS rank, \
     count(*) FILTER (WHERE limit_place <> $2) AS elsewhere \
     FROM instances WHERE seen_at >= clock_timestamp() - interval '3 seconds'";
/// Deletes old heartbeats. A process counts as dead after three seconds without one.
const FORGET: &str = "DELETE FROM instances WHERE seen_at < clock_timestamp() - interval '1 hour'";
const OF_THE_DEAD: &str = "instance_id NOT IN \
     (SELECT id FROM instances WHERE seen_at >= clock_timestamp() - interval '3 seconds')";

/// Writes heartbeats and closes the streams of dead processes until `stopped`.
pub(super) async fn run_heartbeat(pool: RecorderPool, id: Uuid, mut stopped: watch::Receiver<bool>) {
    let mut beats = interval(HEARTBEAT_INTERVAL);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for beat in 0_u32.. {
        tokio::select! {
            _ = stopped.changed() => break,
            _ = beats.tick() => {}
        }
        let since = (beat % ALL_STREAMS != 0).then(|| pool.store().inner.clock.now() - RECENT);
        match timeout(PATIENCE, heartbeat(&pool, id, since)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the heartbeat failed"),
            Err(_) => {
                tracing::warn!("the heartbeat timed out");
                pool.renew().await;
            }
        }
    }
    let gone = async {
        let transaction = pool.begin().await?;
        instances::Entity::delete_by_id(id).exec(&transaction).await?;
        transaction.commit().await
    };
    if !matches!(timeout(PATIENCE, gone).await, Ok(Ok(()))) {
        tracing::warn!("the heartbeat could not be deleted; other processes will see it expire");
    }
}

async fn heartbeat(pool: &RecorderPool, id: Uuid, since: Option<DateTime<Utc>>) -> Result<(), DbErr> {
    let transaction = pool.begin().await?;
    let backend = transaction.get_database_backend();
    let fleet = &pool.store().inner.fleet;
    let values = || -> [Value; 2] { [id.into(), fleet.place().map(str::to_owned).into()] };
    transaction.execute_raw(Statement::from_sql_and_values(backend, ALIVE, values())).await?;
    transaction.execute_unprepared(FORGET).await?;
    let living = Statement::from_sql_and_values(backend, LIVING, values());
    if let Some(row) = transaction.query_one_raw(living).await? {
        let count = |name: &str| row.try_get::<i64>("", name);
        let number = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
        fleet.saw(number(count("live")?), number(count("rank")?), count("elsewhere")? > 0);
    }
    transaction.commit().await?;
    close(pool, Some(OF_THE_DEAD), since).await
}

/// Closes running streams that match a condition and began since a time, or all if both are `None`. Their callers have
/// part of an answer with an unknown number of tokens, so it costs nothing.
pub(super) async fn close(
    pool: &RecorderPool,
    whose: Option<&'static str>,
    since: Option<DateTime<Utc>>,
) -> Result<(), DbErr> {
    let transaction = pool.begin().await?;
    let mut closing = requests::Entity::update_many()
        .col_expr(requests::Column::Outcome, Expr::value(Outcome::Interrupted.as_str()))
        .col_expr(requests::Column::ErrorClass, Expr::value(ErrorClass::StreamInterrupted.as_str()))
        .col_expr(requests::Column::CostNanoDollars, Expr::value(0_i64))
        .col_expr(requests::Column::Estimated, Expr::value(true))
        .col_expr(requests::Column::RecordedAt, Expr::value(pool.store().inner.clock.now()))
        // The word is part of the statement's text, so that the partial index of running rows can serve it.
        .filter(Expr::cust(format!("outcome = '{}'", Outcome::Running.as_str())))
        .filter(requests::Column::InstanceId.is_not_null());
    if let Some(whose) = whose {
        closing = closing.filter(Expr::cust(whose));
    }
    if let Some(since) = since {
        closing = closing.filter(requests::Column::Id.gte(lowest_id(since)));
    }
    let closed = closing.exec_with_returning(&transaction).await?;
    if closed.is_empty() {
        return transaction.rollback().await;
    }
    tracing::warn!(streams = closed.len(), "streams of a dead process are recorded as interrupted");
    let closed: Vec<RequestRow> = closed.into_iter().map(RequestRow::from).collect();
    let mut delta = Delta::default();
    closed.iter().for_each(|row| delta.request(row, 1));
    delta.append(&transaction, &pool.store().inner.clock).await?;
    transaction.commit().await
}
