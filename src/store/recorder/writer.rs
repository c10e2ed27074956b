//! The writer: takes all waiting records, makes them durable, and acknowledges them.
//!
//! On PostgreSQL, a group that is not committed within 250 ms goes to the spool, and so does every later group until the
//! spool is empty.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use entity::ids::{OrganizationId, RequestId};
use sea_orm::DbErr;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::spool::{Spool, Waiting};
use super::{After, GROUP, QueuedRecord, Record, RecorderFigures, withheld};
use crate::domain::outcome::Outcome;
use crate::store::recorder::commit::{commit, is_refusal};
use crate::store::recorder::pool::RecorderPool;

/// One wait of a group for more records, while records come so close together that the last group had several. This is
/// the shortest time that the timer knows.
const GATHERING: Duration = Duration::from_millis(1);
/// A group of so many records does not wait for more.
const ENOUGH: usize = 16;
/// How often a group waits for more, as long as each wait brings some. A slow machine needs several.
const WAITS: usize = 3;
/// The delays before the retries of a failed group, if there is no spool.
const RETRIES: [Duration; 3] =
    [Duration::from_millis(20), Duration::from_millis(100), Duration::from_millis(500)];
/// The timeout of a commit, after which its group goes to the spool.
const DIRECT: Duration = Duration::from_millis(250);
/// The timeout of a commit from the spool.
const PATIENCE: Duration = Duration::from_secs(5);
/// The delay between attempts to drain the spool while the database cannot be reached.
const AWAY: Duration = Duration::from_millis(500);
/// How long a process drains its spool at shutdown. Remaining records are committed after the next start.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// The state of the writer.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) pool: RecorderPool,
    pub(super) spool: Option<Arc<Spool>>,
    pub(super) figures: Arc<RecorderFigures>,
}

/// Writes records until all senders are dropped.
pub(super) async fn write(writer: Writer, mut queued: mpsc::Receiver<QueuedRecord>) {
    let mut group = Vec::with_capacity(GROUP);
    let mut dense = false;
    while queued.recv_many(&mut group, GROUP).await > 0 {
        if dense {
            gather(&mut group, &mut queued).await;
        }
        dense = group.len() > 1;
        let behind = group.len().saturating_add(queued.len());
        writer.figures.waiting.store(u64::try_from(behind).unwrap_or(u64::MAX), Ordering::Relaxed);
        let now = writer.pool.store().inner.clock.now();
        let (mut records, waiting): (Vec<Record>, Vec<_>) = group.drain(..).map(accept).unzip();
        records.iter_mut().for_each(|record| record.stamp(now));
        let durable = writer.keep(&records).await;
        writer.figures.groups.fetch_add(1, Ordering::Relaxed);
        let mut corrections = Vec::new();
        for (Waiter { done, after, answered }, durable) in waiting.into_iter().zip(durable) {
            let total = if durable { &writer.figures.committed } else { &writer.figures.lost };
            total.fetch_add(1, Ordering::Relaxed);
            if let Some(after) = after {
                after();
            }
            if done.is_some_and(|done| done.send(durable).is_err()) && durable {
                corrections.extend(answered.map(|id| Record { withheld: Some(id), ..Record::default() }));
            }
        }
        if !corrections.is_empty() && writer.keep(&corrections).await.contains(&false) {
            tracing::error!("withheld answers could not be marked as failed");
        }
        writer.figures.waiting.store(u64::try_from(queued.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Waits for more records, because half of what a small group costs is its commit. Does not wait if no other request is
/// under way: each holds its place in the queue from its start.
async fn gather(group: &mut Vec<QueuedRecord>, queued: &mut mpsc::Receiver<QueuedRecord>) {
    for _ in 0..WAITS {
        let under_way = queued.max_capacity().saturating_sub(queued.capacity());
        if group.len() >= ENOUGH || under_way == 0 {
            return;
        }
        tokio::time::sleep(GATHERING).await;
        let before = group.len();
        while group.len() < GROUP
            && let Ok(record) = queued.try_recv()
        {
            group.push(record);
        }
        if group.len() == before {
            return;
        }
    }
}

impl Writer {
    /// Makes records durable in the database or in the spool. Returns for each whether it is durable.
    async fn keep(&self, records: &[Record]) -> Vec<bool> {
        let Some(spool) = &self.spool else {
            return self.keep_in_database(records, Tries::Several).await;
        };
        if spool.waiting() == 0 {
            match timeout(DIRECT, commit(&self.pool, records)).await {
                Ok(Ok(())) => return vec![true; records.len()],
                Ok(Err(error)) if is_refusal(&error) => {
                    return self.keep_in_database(records, Tries::Several).await;
                }
                Ok(Err(error)) => tracing::warn!(%error, "records go to the spool"),
                Err(_) => tracing::warn!("records go to the spool: the database is slow"),
            }
        }
        match spool.keep(records).await {
            Ok(()) => vec![true; records.len()],
            Err(error) => {
                tracing::error!(%error, records = records.len(), "records cannot be stored in the spool either");
                self.keep_in_database(records, Tries::One).await
            }
        }
    }

    async fn keep_in_database(&self, records: &[Record], tries: Tries) -> Vec<bool> {
        match tries.commit(&self.pool, records).await {
            Ok(()) => vec![true; records.len()],
            // A rejected record must not affect the others, which may belong to other organizations.
            Err(error) if is_refusal(&error) && records.len() > 1 => {
                let mut durable = Vec::with_capacity(records.len());
                for record in records {
                    let result = tries.commit(&self.pool, std::slice::from_ref(record)).await;
                    durable.push(result.is_ok());
                    if let Err(error) = result {
                        tracing::error!(%error, "a record is lost");
                    }
                }
                durable
            }
            Err(error) => {
                tracing::error!(%error, records = records.len(), "records are lost");
                vec![false; records.len()]
            }
        }
    }
}

/// How often a commit is attempted.
#[derive(Debug, Clone, Copy)]
enum Tries {
    /// With retries, so that the database has time to recover.
    Several,
    /// Once, with a short timeout, because other records are waiting.
    One,
}

impl Tries {
    async fn commit(self, pool: &RecorderPool, records: &[Record]) -> Result<(), DbErr> {
        match self {
            Self::Several => with_retries(pool, records).await,
            Self::One => commit_within(DIRECT, pool, records).await,
        }
    }
}

async fn with_retries(pool: &RecorderPool, records: &[Record]) -> Result<(), DbErr> {
    for wait in RETRIES {
        match commit(pool, records).await {
            Err(error) if !is_refusal(&error) => {
                tracing::warn!(%error, "records could not be committed; trying again");
            }
            result => return result,
        }
        tokio::time::sleep(wait).await;
    }
    commit(pool, records).await
}

async fn commit_within(patience: Duration, pool: &RecorderPool, records: &[Record]) -> Result<(), DbErr> {
    let late = |_| Err(DbErr::Custom("the database does not answer".to_owned()));
    timeout(patience, commit(pool, records)).await.unwrap_or_else(late)
}

/// Commits the records of the spool until `stopped`, and then for at most [`SHUTDOWN_TIMEOUT`].
pub(super) async fn drain_spool(writer: Writer, spool: Arc<Spool>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            () = spool.arrived(AWAY) => {}
        }
        if spool.waiting() > 0 {
            tokio::select! {
                _ = stopped.changed() => break,
                () = drain_once(&writer, &spool) => {}
            }
        }
    }
    if timeout(SHUTDOWN_TIMEOUT, drain_once(&writer, &spool)).await.is_err() || spool.waiting() > 0 {
        tracing::warn!(records = spool.waiting(), "records stay in the spool until the next start");
    }
    spool.close().await;
}

/// Commits records of the spool until it is empty or the database fails.
async fn drain_once(writer: &Writer, spool: &Spool) {
    while spool.waiting() > 0 {
        let result = match spool.oldest(GROUP.try_into().unwrap_or(i64::MAX)).await {
            Ok(oldest) => commit_spooled(writer, spool, oldest).await,
            Err(error) => Err(DbErr::Custom(error.to_string())),
        };
        if let Err(error) = result {
            tracing::warn!(%error, records = spool.waiting(), "records stay in the spool for now");
            writer.pool.renew().await;
            return;
        }
    }
}

async fn commit_spooled(writer: &Writer, spool: &Spool, oldest: Vec<Waiting>) -> Result<(), DbErr> {
    let (numbers, records): (Vec<i64>, Vec<Record>) =
        oldest.into_iter().map(|waiting| (waiting.number, waiting.record)).unzip();
    let of_spool = |error: sea_orm::sqlx::Error| DbErr::Custom(error.to_string());
    match commit_within(PATIENCE, &writer.pool, &records).await {
        Ok(()) => spool.remove(&numbers).await.map_err(of_spool),
        Err(error) if is_refusal(&error) => {
            for (number, record) in numbers.iter().zip(records) {
                match commit_within(PATIENCE, &writer.pool, &[record]).await {
                    Ok(()) => spool.remove(&[*number]).await,
                    Err(error) if is_refusal(&error) => spool.set_aside(*number, &error.to_string()).await,
                    Err(error) => return Err(error),
                }
                .map_err(of_spool)?;
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// The request that waits for a record.
pub(super) struct Waiter {
    done: Option<oneshot::Sender<bool>>,
    after: Option<After>,
    /// The request, if the record says that it was answered.
    answered: Option<(OrganizationId, RequestId)>,
}

/// Splits a queued record. If its request has stopped waiting, it has withheld the answer or broken off the stream, and
/// the row is changed accordingly.
fn accept(queued: QueuedRecord) -> (Record, Waiter) {
    let QueuedRecord { mut record, done, after } = queued;
    let gave_up = done.as_ref().is_some_and(oneshot::Sender::is_closed);
    if gave_up && record.request.as_ref().is_some_and(|row| row.outcome == Outcome::Answered) {
        record.request = record.request.map(withheld);
    }
    let answered = record
        .request
        .as_ref()
        .filter(|row| row.outcome == Outcome::Answered)
        .map(|row| (row.organization_id, row.id));
    (record, Waiter { done, after, answered })
}
