//! Committing records: one group, one transaction, its rows and their counts.
//!
//! What is new is what the database says it has taken, so a group may be committed again, in any order and by anybody:
//! a try whose acknowledgement was lost, or what waited in the spool.

use std::collections::HashSet;
use std::sync::LazyLock;

use entity::ids::RequestId;
use entity::{fallback_events, requests};
use sea_orm::sea_query::Expr;
use sea_orm::sqlx::error::ErrorKind;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
    QueryFilter as _, QuerySelect as _, RuntimeErr,
};
use uuid::Uuid;

use super::{Record, withheld};
use crate::domain::closed_set::Stored;
use crate::domain::outcome::Outcome;
use crate::store::bulk_insert;
use crate::store::recorder::pool::RecorderPool;
use crate::store::records::fallback_event::FallbackEventRow;
use crate::store::records::request::RequestRow;
use crate::store::rollups::counters::Tally;

const ONCE: &str = "ON CONFLICT (id) DO NOTHING";

/// A row that its process still owed its end takes it; one that has it stays as it is.
static AT_THE_END: LazyLock<String> = LazyLock::new(|| {
    let replaced = bulk_insert::replacing::<requests::Entity>(&["id", "organization_id", "created_at"]);
    format!("{replaced} WHERE requests.instance_id IS NOT NULL")
});

/// Commits records, each once however often it is tried.
pub(super) async fn commit(pool: &RecorderPool, records: &[Record]) -> Result<(), DbErr> {
    let transaction = pool.begin().await?;
    let mut tally = Tally::default();
    write(&transaction, records, &mut tally).await?;
    tally.write(&transaction).await?;
    transaction.commit().await
}

async fn write(
    transaction: &DatabaseTransaction,
    records: &[Record],
    tally: &mut Tally,
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
    count(&events, &new, |event| event.id.0, |event| tally.event(event));
    let rows: Vec<requests::Model> = running.into_iter().map(Into::into).collect();
    bulk_insert::insert::<requests::Entity>(transaction, &rows, ONCE).await?;
    take_back(transaction, &ended, tally).await?;
    let rows: Vec<requests::Model> = ended.iter().map(|row| (*row).into()).collect();
    let new = bulk_insert::insert_new::<requests::Entity>(transaction, &rows, &AT_THE_END).await?;
    count(&ended, &new, |row| row.id.0, |row| tally.request(row, 1));
    correct(transaction, records, tally).await
}

/// Counts those that the database has taken; mostly these are all.
fn count<T>(all: &[&T], new: &[Uuid], id: impl Fn(&T) -> Uuid, mut count: impl FnMut(&T)) {
    if new.len() == all.len() {
        all.iter().for_each(|one| count(one));
        return;
    }
    let new: HashSet<&Uuid> = new.iter().collect();
    all.iter().filter(|one| new.contains(&id(one))).for_each(|one| count(one));
}

/// Another process took us for dead, ended these streams in our place, and counted them. They end now after all. With
/// SQLite nobody else looks.
async fn take_back(
    transaction: &DatabaseTransaction,
    ended: &[&RequestRow],
    tally: &mut Tally,
) -> Result<(), DbErr> {
    let streams: Vec<RequestId> = ended.iter().filter(|row| row.streamed).map(|row| row.id).collect();
    if streams.is_empty() || transaction.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    // Whoever is closing one at this moment is waited for: only then is it known how it was counted.
    let owed = requests::Entity::find()
        .filter(requests::Column::Id.is_in(streams))
        .filter(requests::Column::InstanceId.is_not_null())
        .lock_exclusive()
        .all(transaction)
        .await?;
    let owed = owed.into_iter().map(RequestRow::from).filter(|row| row.outcome != Outcome::Running);
    owed.for_each(|row| tally.request(&row, -1));
    Ok(())
}

/// Corrects rows that became durable just after their requests had given up waiting: what was not given is not
/// billed; what was streamed is, as far as it went. They are counted anew.
async fn correct(
    transaction: &DatabaseTransaction,
    records: &[Record],
    tally: &mut Tally,
) -> Result<(), DbErr> {
    let ids: Vec<RequestId> = records.iter().filter_map(|record| record.withheld).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let answered = requests::Entity::find()
        .filter(requests::Column::Id.is_in(ids))
        .filter(requests::Column::Outcome.eq(Outcome::Answered.as_str()))
        .all(transaction)
        .await?;
    for row in answered.into_iter().map(RequestRow::from) {
        tally.request(&row, -1);
        let corrected = withheld(row);
        tally.request(&corrected, 1);
        requests::Entity::update_many()
            .col_expr(requests::Column::Outcome, Expr::value(corrected.outcome.as_str()))
            .col_expr(
                requests::Column::ErrorClass,
                Expr::value(corrected.error_class.as_ref().map(Stored::as_str)),
            )
            .col_expr(requests::Column::Estimated, Expr::value(corrected.estimated))
            .col_expr(requests::Column::StatusCode, Expr::value(corrected.status_code))
            .col_expr(requests::Column::CostNanoDollars, Expr::value(corrected.cost_nano_dollars))
            .filter(requests::Column::Id.eq(corrected.id))
            .exec(transaction)
            .await?;
    }
    Ok(())
}

/// Did the database look at the rows and find them unfit? Trying again would not mend that.
pub(super) fn is_refusal(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    error.as_database_error().is_some_and(|error| {
        // PostgreSQL's codes of classes 21 and 22: rows and values that it cannot hold.
        let unfit = |code: &str| code.len() == 5 && (code.starts_with("21") || code.starts_with("22"));
        error.code().is_some_and(|code| unfit(&code)) || !matches!(error.kind(), ErrorKind::Other)
    })
}
