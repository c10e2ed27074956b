//! Committing what waits: one group, one transaction; and the corrections afterwards.
//!
//! Imports the recorder's records and the database.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::ids::RequestId;
use entity::{fallback_events, requests};
use sea_orm::sea_query::Expr;
use sea_orm::sqlx::error::ErrorKind;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter as _, RuntimeErr,
};

use super::{ANSWERED, FallbackEventRecord, GROUP, Record, RequestRecord, WITHHELD_STATUS};
use crate::store::Store;

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
    for wait in RETRIES {
        match commit(store, events, rows).await {
            Err(error) if !is_refusal(&error) => {
                tracing::warn!(%error, "records could not be committed; trying again");
            }
            result => return result,
        }
        tokio::time::sleep(wait).await;
    }
    commit(store, events, rows).await
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

/// One statement is a transaction of its own; only events and requests together need a wrapping one.
async fn commit(store: &Store, events: &[FallbackEventRecord], rows: &[RequestRecord]) -> Result<(), DbErr> {
    let writer = &store.inner.writer;
    match (events.is_empty(), rows.is_empty()) {
        (true, true) => Ok(()),
        (true, false) => insert_requests(writer, rows).await,
        (false, true) => insert_events(writer, events).await,
        (false, false) => {
            let transaction = store.begin().await?;
            insert_events(&transaction, events).await?;
            insert_requests(&transaction, rows).await?;
            transaction.commit().await
        }
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
/// billed; what was streamed is, as far as it went.
pub(super) async fn correct(store: &Store, withheld: Vec<RequestId>) -> Result<(), DbErr> {
    if withheld.is_empty() {
        return Ok(());
    }
    let answered = || {
        requests::Entity::update_many()
            .filter(requests::Column::Id.is_in(withheld.iter().copied()))
            .filter(requests::Column::Outcome.eq(ANSWERED))
    };
    answered()
        .col_expr(requests::Column::Outcome, Expr::value("interrupted"))
        .filter(requests::Column::Streamed.eq(true))
        .exec(&store.inner.writer)
        .await?;
    answered()
        .col_expr(requests::Column::Outcome, Expr::value("failed"))
        .col_expr(requests::Column::StatusCode, Expr::value(WITHHELD_STATUS))
        .col_expr(requests::Column::CostNanoDollars, Expr::value(0_i64))
        .exec(&store.inner.writer)
        .await?;
    Ok(())
}
