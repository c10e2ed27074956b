//! The writer: takes whatever waits, makes it durable, and acknowledges it.
//!
//! With PostgreSQL a group that is not committed within a quarter of a second goes to the spool instead, and so does
//! every group after it until the spool is empty.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use entity::ids::RequestId;
use sea_orm::DbErr;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::spool::{Spool, Waiting};
use super::{GROUP, QueuedRecord, Record, RecorderFigures, withheld};
use crate::domain::outcome::Outcome;
use crate::store::recorder::commit::{commit, is_refusal};
use crate::store::recorder::pool::RecorderPool;

/// How often a group that failed is tried again where there is no spool, and how long the writer waits before each time.
const RETRIES: [Duration; 3] =
    [Duration::from_millis(20), Duration::from_millis(100), Duration::from_millis(500)];
/// A commit that takes longer leaves its group to the spool.
const DIRECT: Duration = Duration::from_millis(250);
/// A commit from the spool may take longer, but not for ever: behind a connection may be nobody.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two attempts to empty the spool while the database is away.
const AWAY: Duration = Duration::from_millis(500);
/// How long a process that ends goes on emptying its spool. What is left waits for the next start.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// What the writer works with.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) pool: RecorderPool,
    pub(super) spool: Option<Arc<Spool>>,
    pub(super) figures: Arc<RecorderFigures>,
}

/// Writes until the last entrance is gone.
pub(super) async fn write(writer: Writer, mut queued: mpsc::Receiver<QueuedRecord>) {
    let mut group = Vec::with_capacity(GROUP);
    while queued.recv_many(&mut group, GROUP).await > 0 {
        let behind = group.len().saturating_add(queued.len());
        writer.figures.waiting.store(u64::try_from(behind).unwrap_or(u64::MAX), Ordering::Relaxed);
        let now = writer.pool.store().inner.clock.now();
        let (records, waiting): (Vec<Record>, Vec<_>) =
            group.drain(..).map(accept).map(|(record, caller)| (record.stamped(now), caller)).unzip();
        let durable = writer.keep(&records).await;
        writer.figures.groups.fetch_add(1, Ordering::Relaxed);
        let mut corrections = Vec::new();
        for (Waiter { done, answered }, durable) in waiting.into_iter().zip(durable) {
            let total = if durable { &writer.figures.committed } else { &writer.figures.lost };
            total.fetch_add(1, Ordering::Relaxed);
            if done.is_some_and(|done| done.send(durable).is_err()) && durable {
                corrections.extend(answered.map(|id| Record { withheld: Some(id), ..Record::default() }));
            }
        }
        if !corrections.is_empty() && writer.keep(&corrections).await.contains(&false) {
            tracing::error!("answers that were withheld could not be marked so");
        }
        writer.figures.waiting.store(u64::try_from(queued.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Writer {
    /// Makes records durable, in the database or in the spool; tells of each whether it is.
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
                tracing::error!(%error, records = records.len(), "records cannot be kept in the spool either");
                self.keep_in_database(records, Tries::One).await
            }
        }
    }

    async fn keep_in_database(&self, records: &[Record], tries: Tries) -> Vec<bool> {
        match tries.commit(&self.pool, records).await {
            Ok(()) => vec![true; records.len()],
            // One record that no database takes must not cost the others, which may be other organizations'.
            Err(error) if is_refusal(&error) && records.len() > 1 => {
                let mut durable = Vec::with_capacity(records.len());
                for record in records {
                    let result = tries.commit(&self.pool, std::slice::from_ref(record)).await;
                    durable.push(result.is_ok());
                    if let Err(error) = result {
                        tracing::error!(%error, "a record was given up");
                    }
                }
                durable
            }
            Err(error) => {
                tracing::error!(%error, records = records.len(), "records were given up");
                vec![false; records.len()]
            }
        }
    }
}

/// How often a commit is tried.
#[derive(Debug, Clone, Copy)]
enum Tries {
    /// Until the database has had some time to recover.
    Several,
    /// The last resort: once, and not for long, as others wait behind.
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

/// Brings to the database what waits in the spool, until `stopped`, and then for a little while.
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

/// Until the spool is empty or the database fails.
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

/// Who waits for a record.
pub(super) struct Waiter {
    done: Option<oneshot::Sender<bool>>,
    /// A request whose answer is to be given.
    answered: Option<RequestId>,
}

/// The record as it is now, and who waits for it. Who gave up waiting has withheld the answer, or broken off its
/// stream: the row says so.
fn accept(queued: QueuedRecord) -> (Record, Waiter) {
    let QueuedRecord { mut record, done } = queued;
    let gave_up = done.as_ref().is_some_and(oneshot::Sender::is_closed);
    record.request = record.request.map(|row| match gave_up && row.outcome == Outcome::Answered {
        true => withheld(row),
        false => row,
    });
    let answered = record.request.as_ref().filter(|row| row.outcome == Outcome::Answered).map(|row| row.id);
    (record, Waiter { done, answered })
}
