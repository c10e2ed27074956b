//! Commits a group of records in one transaction: the rows and what they add to the roll-ups.
//!
//! The first try assumes that all records are new. If the database took fewer rows, roll-ups count only those that it
//! reports as inserted or updated. A group can therefore be committed again, in any order and by any process, for example
//! after a lost acknowledgment or from the spool.

use std::collections::HashSet;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::ids::{OrganizationId, RequestId};
use entity::{fallback_events, requests};
use sea_orm::sea_query::Expr;
use sea_orm::sqlx::error::ErrorKind;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait as _, DbBackend, DbErr, EntityTrait, QueryFilter as _,
    QuerySelect as _, RuntimeErr,
};
use uuid::Uuid;

use super::{Record, first_try, withheld};
use crate::domain::closed_set::Stored;
use crate::domain::outcome::Outcome;
use crate::store::bulk_insert;
use crate::store::database::connections::Transaction;
use crate::store::database::partitions;
use crate::store::recorder::pool::RecorderPool;
use crate::store::records::fallback_event::FallbackEventRow;
use crate::store::records::request::RequestRow;
use crate::store::rollups::delta::Delta;

/// Leaves a row that is there already as it is.
pub(super) const ONCE: &str = "ON CONFLICT (organization_id, id) DO NOTHING";

/// Updates a row that is not final; a final row stays as it is.
static AT_THE_END: LazyLock<String> = LazyLock::new(|| {
    let replaced = bulk_insert::replacing::<requests::Entity>(&["id", "organization_id", "created_at"]);
    format!("{replaced} WHERE requests.instance_id IS NOT NULL")
});

/// Commits records. Each takes effect once, even if it is committed several times.
pub(super) async fn commit(pool: &RecorderPool, records: &[Record]) -> Result<(), DbErr> {
    let clock = &pool.store().inner.clock;
    match first_try::commit(&pool.driver(), records, || clock.new_id()).await {
        Ok(true) => Ok(()),
        Ok(false) => commit_thoroughly(pool, records).await,
        Err(error) if partitions::is_missing(&error) => {
            tracing::warn!("records find no partition; making it");
            let store = pool.store();
            partitions::make_ahead(&store.inner.writer, clock.now(), newest(records)).await?;
            commit_thoroughly(pool, records).await
        }
        Err(error) if is_refusal(&error) => commit_thoroughly(pool, records).await,
        Err(error) => Err(error),
    }
}

/// The time of the newest row.
fn newest(records: &[Record]) -> Option<DateTime<Utc>> {
    let events = records.iter().flat_map(|record| &record.events).map(|event| event.id.0);
    let requests = records.iter().filter_map(|record| record.request.as_ref()).map(|row| row.id.0);
    events.chain(requests).max().map(partitions::time_of)
}

/// Commits records of which some may be in the database already.
async fn commit_thoroughly(pool: &RecorderPool, records: &[Record]) -> Result<(), DbErr> {
    let transaction = pool.begin().await?;
    let mut delta = Delta::default();
    write(&transaction, records, &mut delta).await?;
    delta.append(&transaction, &pool.store().inner.clock).await?;
    transaction.commit().await
}

async fn write<'a>(
    transaction: &Transaction,
    records: &'a [Record],
    delta: &mut Delta<'a>,
) -> Result<(), DbErr> {
    let events: Vec<&FallbackEventRow> = records.iter().flat_map(|record| &record.events).collect();
    let (running, ended): (Vec<&RequestRow>, Vec<&RequestRow>) = records
        .iter()
        .filter_map(|record| record.request.as_ref())
        .partition(|row| row.outcome == Outcome::Running);
    let known: HashSet<RequestId> = ended.iter().map(|row| row.id).collect();
    let running: Vec<&RequestRow> = running.into_iter().filter(|row| !known.contains(&row.id)).collect();

    let rows: Vec<fallback_events::Model> = events.iter().map(|event| (*event).into()).collect();
    let new = bulk_insert::insert_new::<fallback_events::Entity>(transaction, &rows, ONCE).await?;
    count(&events, &new, |event| event.id.0, |event| delta.event(event));
    let rows: Vec<requests::Model> = running.into_iter().map(Into::into).collect();
    bulk_insert::insert::<requests::Entity>(transaction, &rows, ONCE).await?;
    take_back(transaction, &ended, delta).await?;
    let rows: Vec<requests::Model> = ended.iter().map(|row| (*row).into()).collect();
    let new = bulk_insert::insert_new::<requests::Entity>(transaction, &rows, &AT_THE_END).await?;
    count(&ended, &new, |row| row.id.0, |row| delta.request(row, 1));
    correct(transaction, records, delta).await
}

/// Counts the rows that the database reports as new. Usually these are all.
fn count<'a, T>(all: &[&'a T], new: &[Uuid], id: impl Fn(&T) -> Uuid, mut count: impl FnMut(&'a T)) {
    if new.len() == all.len() {
        all.iter().for_each(|one| count(one));
        return;
    }
    let new: HashSet<&Uuid> = new.iter().collect();
    all.iter().filter(|one| new.contains(&id(one))).for_each(|one| count(one));
}

/// The condition for these requests. An id belongs to one organization.
fn identified(requests: &[(OrganizationId, RequestId)]) -> Condition {
    let organizations: HashSet<OrganizationId> = requests.iter().map(|(id, _)| *id).collect();
    Condition::all()
        .add(requests::Column::OrganizationId.is_in(organizations))
        .add(requests::Column::Id.is_in(requests.iter().map(|(_, id)| *id)))
}

/// Takes back the counts of streams that another process closed because it missed the heartbeats of this one. SQLite
/// has only one process.
async fn take_back(
    transaction: &Transaction,
    ended: &[&RequestRow],
    delta: &mut Delta<'_>,
) -> Result<(), DbErr> {
    let streams: Vec<(OrganizationId, RequestId)> =
        ended.iter().filter(|row| row.streamed).map(|row| (row.organization_id, row.id)).collect();
    if streams.is_empty() || transaction.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    // Waits for a process that is closing one of them, because only then is it known how the stream was counted.
    let owed = requests::Entity::find()
        .filter(identified(&streams))
        .filter(requests::Column::InstanceId.is_not_null())
        .lock_exclusive()
        .all(transaction)
        .await?;
    let owed = owed.into_iter().map(RequestRow::from).filter(|row| row.outcome != Outcome::Running);
    owed.for_each(|row| delta.owned_request(&row, -1));
    Ok(())
}

/// Corrects rows that became durable just after their requests stopped waiting, and their counts. A withheld answer is
/// not billed. The streamed part of an answer is.
async fn correct(transaction: &Transaction, records: &[Record], delta: &mut Delta<'_>) -> Result<(), DbErr> {
    let ids: Vec<(OrganizationId, RequestId)> = records.iter().filter_map(|record| record.withheld).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let answered = requests::Entity::find()
        .filter(identified(&ids))
        .filter(requests::Column::Outcome.eq(Outcome::Answered.as_str()))
        .all(transaction)
        .await?;
    for row in answered.into_iter().map(RequestRow::from) {
        delta.owned_request(&row, -1);
        let corrected = withheld(row);
        delta.owned_request(&corrected, 1);
        requests::Entity::update_many()
            .col_expr(requests::Column::Outcome, Expr::value(corrected.outcome.as_str()))
            .col_expr(
                requests::Column::ErrorClass,
                Expr::value(corrected.error_class.as_ref().map(Stored::as_str)),
            )
            .col_expr(requests::Column::Estimated, Expr::value(corrected.estimated))
            .col_expr(requests::Column::StatusCode, Expr::value(corrected.status_code))
            .col_expr(requests::Column::CostNanoDollars, Expr::value(corrected.cost_nano_dollars))
            .filter(requests::Column::OrganizationId.eq(corrected.organization_id))
            .filter(requests::Column::Id.eq(corrected.id))
            .exec(transaction)
            .await?;
    }
    Ok(())
}

/// Whether the database rejected the rows themselves, so that a retry cannot succeed.
pub(super) fn is_refusal(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    error.as_database_error().is_some_and(|error| {
        // Classes 21 and 22 of the PostgreSQL error codes: rows and values that cannot be stored.
        let unfit = |code: &str| code.len() == 5 && (code.starts_with("21") || code.starts_with("22"));
        error.code().is_some_and(|code| unfit(&code)) || !matches!(error.kind(), ErrorKind::Other)
    })
}
