//! Committing what waits: one group, one transaction, its rows and their counts; and the corrections afterwards.
//!
//! Imports the recorder's records, the roll-ups and the database.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::ids::{FallbackEventId, RequestId};
use entity::{fallback_events, requests};
use sea_orm::sea_query::Expr;
use sea_orm::sqlx::error::ErrorKind;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter as _, RuntimeErr,
};

use super::{ANSWERED, FallbackEventRecord, GROUP, Record, RequestRecord};
use crate::store::Store;
use crate::store::rollup::write::Tally;

/// How often a group that failed is tried again, and how long the writer waits before each time.
const RETRIES: [Duration; 3] =
    [Duration::from_millis(20), Duration::from_millis(100), Duration::from_millis(500)];

/// The rows of records that are committed together.
#[derive(Default)]
pub(super) struct Group {
    events: Vec<FallbackEventRecord>,
    rows: Vec<RequestRecord>,
    /// Where each record's rows end.
    ends: Vec<(usize, usize)>,
}

impl Group {
    pub(super) fn gather(records: Vec<Record>, now: DateTime<Utc>) -> Self {
        let mut group = Self { ends: Vec::with_capacity(records.len()), ..Self::default() };
        for Record { events, request } in records {
            group
                .events
                .extend(events.into_iter().map(|event| FallbackEventRecord { recorded_at: now, ..event }));
            group.rows.extend(request.map(|request| RequestRecord { recorded_at: now, ..request }));
            group.ends.push((group.events.len(), group.rows.len()));
        }
        group
    }

    /// Tells for each record whether it is durable.
    pub(super) async fn commit(&self, store: &Store) -> Vec<bool> {
        match commit_with_retries(store, &self.events, &self.rows).await {
            Ok(()) => vec![true; self.ends.len()],
            // One record that no database takes must not cost the others, which may be other organizations'.
            Err(error) if is_refusal(&error) && self.ends.len() > 1 => self.commit_one_by_one(store).await,
            Err(error) => {
                let (events, requests) = (self.events.len(), self.rows.len());
                tracing::error!(%error, events, requests, "records were given up");
                vec![false; self.ends.len()]
            }
        }
    }

    async fn commit_one_by_one(&self, store: &Store) -> Vec<bool> {
        let mut durable = Vec::with_capacity(self.ends.len());
        let mut start = (0, 0);
        for end in &self.ends {
            let events = self.events.get(start.0..end.0).unwrap_or_default();
            let rows = self.rows.get(start.1..end.1).unwrap_or_default();
            start = *end;
            let result = commit_with_retries(store, events, rows).await;
            durable.push(result.is_ok());
            if let Err(error) = result {
                tracing::error!(%error, events = events.len(), requests = rows.len(), "a record was given up");
            }
        }
        durable
    }
}

async fn commit_with_retries(
    store: &Store,
    events: &[FallbackEventRecord],
    rows: &[RequestRecord],
) -> Result<(), DbErr> {
    for (number, wait) in RETRIES.into_iter().enumerate() {
        match commit(store, events, rows, number > 0).await {
            Err(error) if !is_refusal(&error) => {
                tracing::warn!(%error, "records could not be committed; trying again");
            }
            result => return result,
        }
        tokio::time::sleep(wait).await;
    }
    commit(store, events, rows, true).await
}

/// Did the database look at the rows and find them unfit? Trying again would not mend that.
fn is_refusal(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    error.as_database_error().is_some_and(|error| {
        // PostgreSQL's codes of class 22: values that it cannot hold.
        let unfit = error.code().is_some_and(|code| code.len() == 5 && code.starts_with("22"));
        unfit || !matches!(error.kind(), ErrorKind::Other)
    })
}

/// Writes the rows and counts them, or does neither. A try before this one may have been committed and its
/// acknowledgement lost: what it wrote is counted already.
async fn commit(
    store: &Store,
    events: &[FallbackEventRecord],
    rows: &[RequestRecord],
    again: bool,
) -> Result<(), DbErr> {
    if events.is_empty() && rows.is_empty() {
        return Ok(());
    }
    let transaction = store.begin().await?;
    let known = if again { Known::read(&transaction, events, rows).await? } else { Known::default() };
    let mut tally = Tally::default();
    events.iter().filter(|event| !known.events.contains(&event.id)).for_each(|event| tally.event(event));
    rows.iter().filter(|row| !known.requests.contains(&row.id)).for_each(|row| tally.request(row, 1));
    insert_events(&transaction, events).await?;
    insert_requests(&transaction, rows).await?;
    tally.write(&transaction).await?;
    transaction.commit().await
}

/// The rows that are there already.
#[derive(Default)]
struct Known {
    events: Vec<FallbackEventId>,
    requests: Vec<RequestId>,
}

impl Known {
    async fn read(
        connection: &impl sea_orm::ConnectionTrait,
        events: &[FallbackEventRecord],
        rows: &[RequestRecord],
    ) -> Result<Self, DbErr> {
        let mut known = Self::default();
        for chunk in events.chunks(GROUP) {
            let ids = fallback_events::Column::Id.is_in(chunk.iter().map(|event| event.id));
            let found = fallback_events::Entity::find().filter(ids).all(connection).await?;
            known.events.extend(found.into_iter().map(|event| event.id));
        }
        for chunk in rows.chunks(GROUP) {
            let ids = requests::Column::Id.is_in(chunk.iter().map(|row| row.id));
            let found = requests::Entity::find().filter(ids).all(connection).await?;
            known.requests.extend(found.into_iter().map(|row| row.id));
        }
        Ok(known)
    }
}

/// Inserts events; one that is already there is the same one, left by a try whose acknowledgement got lost.
pub(in crate::store) async fn insert_events(
    connection: &impl sea_orm::ConnectionTrait,
    events: &[FallbackEventRecord],
) -> Result<(), DbErr> {
    for chunk in events.chunks(GROUP) {
        fallback_events::Entity::insert_many(chunk.iter().cloned().map(into_new))
            .on_conflict_do_nothing_on([fallback_events::Column::Id])
            .exec_without_returning(connection)
            .await?;
    }
    Ok(())
}

/// Inserts requests, likewise.
pub(in crate::store) async fn insert_requests(
    connection: &impl sea_orm::ConnectionTrait,
    rows: &[RequestRecord],
) -> Result<(), DbErr> {
    for chunk in rows.chunks(GROUP) {
        requests::Entity::insert_many(chunk.iter().cloned().map(into_new_request))
            .on_conflict_do_nothing_on([requests::Column::Id])
            .exec_without_returning(connection)
            .await?;
    }
    Ok(())
}

fn into_new(event: FallbackEventRecord) -> fallback_events::ActiveModel {
    let id = event.id;
    fallback_events::ActiveModel { id: Set(id), ..event.into_active_model().reset_all() }
}

fn into_new_request(request: RequestRecord) -> requests::ActiveModel {
    let id = request.id;
    requests::ActiveModel { id: Set(id), ..request.into_active_model().reset_all() }
}

/// Corrects rows that became durable just after their requests had given up waiting: what was not given is not
/// billed; what was streamed is, as far as it went. They are counted anew.
pub(super) async fn correct(store: &Store, withheld: Vec<RequestId>) -> Result<(), DbErr> {
    if withheld.is_empty() {
        return Ok(());
    }
    let transaction = store.begin().await?;
    let answered = requests::Entity::find()
        .filter(requests::Column::Id.is_in(withheld))
        .filter(requests::Column::Outcome.eq(ANSWERED))
        .all(&transaction)
        .await?;
    let mut tally = Tally::default();
    for row in answered {
        tally.request(&row, -1);
        let corrected = super::withheld(row);
        tally.request(&corrected, 1);
        requests::Entity::update_many()
            .col_expr(requests::Column::Outcome, Expr::value(corrected.outcome))
            .col_expr(requests::Column::StatusCode, Expr::value(corrected.status_code))
            .col_expr(requests::Column::CostNanoDollars, Expr::value(corrected.cost_nano_dollars))
            .filter(requests::Column::Id.eq(corrected.id))
            .exec(&transaction)
            .await?;
    }
    tally.write(&transaction).await?;
    transaction.commit().await
}
