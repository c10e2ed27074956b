//! The recorder: writes requests and fallback events by group commit and acknowledges them.
//!
//! Records wait in one bounded queue. The writer takes all waiting records, commits them in one transaction and
//! acknowledges them. Meanwhile the next group accumulates. There is no timer, so a single record is committed
//! immediately. A request reserves a slot in the queue before its first upstream call, so that it is recorded even if
//! its caller disconnects.

mod arguments;
pub(crate) mod commit;
mod first_try;
pub mod fleet;
pub(crate) mod liveness;
pub(crate) mod pool;
mod spool;
mod writer;

use crate::domain::outcome::Outcome;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::ids::{OrganizationId, RequestId};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::Store;
use crate::config::recording::{Mode, Recording};
use crate::domain::error::Error;
use crate::domain::failure::class::ErrorClass;
use crate::store::records::fallback_event::FallbackEventRow;
use crate::store::records::request::RequestRow;
use crate::store::rollups::fold::Others;
use pool::RecorderPool;
use spool::Spool;
use writer::Writer;

pub use spool::SpoolError;

/// How long a request waits for a slot in the queue before it fails with [`Error::Busy`].
const RESERVE: Duration = Duration::from_millis(100);
/// How long an answer waits for its record to become durable before it is withheld.
const ACKNOWLEDGE: Duration = Duration::from_secs(2);
/// With more waiting records than this, the writer is behind.
const MOST_WAITING: u64 = 64;
/// The most records of one commit. It bounds the delay of the first record and the number of parameters of a statement.
const GROUP: usize = 256;

/// A record of one request: events at a failover, and its row when it ends or when the answer of a stream begins.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Record {
    /// Candidates that failed or were skipped.
    pub events: Vec<FallbackEventRow>,
    /// The row of the request.
    pub request: Option<RequestRow>,
    /// A request that was not answered although its row became durable.
    pub withheld: Option<(OrganizationId, RequestId)>,
}

/// Why the recorder cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The spool cannot be opened.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The database cannot be reached.
    #[error("the recorder cannot reach the database: {0}")]
    Database(#[from] sea_orm::DbErr),
}

struct QueuedRecord {
    record: Record,
    done: Option<oneshot::Sender<bool>>,
    /// What to do once it is durable or lost.
    after: Option<After>,
}

/// What to do once a record is durable or lost.
pub type After = Box<dyn FnOnce() + Send>;

/// Counters of the writer, for the metrics.
#[derive(Debug, Default)]
pub struct RecorderFigures {
    /// Number of committed records.
    pub committed: AtomicU64,
    /// Number of commits to the database.
    pub groups: AtomicU64,
    /// Number of records that were lost after all retries.
    pub lost: AtomicU64,
    /// Number of records in the queue when the writer last looked, without reserved slots.
    pub waiting: AtomicU64,
}

/// Sends records to the writer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder {
    queue: mpsc::Sender<QueuedRecord>,
    mode: Mode,
    figures: Arc<RecorderFigures>,
    spool: Option<Arc<Spool>>,
    instance_id: Uuid,
}

impl std::fmt::Debug for QueuedRecord {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "QueuedRecord({} events, request: {})",
            self.record.events.len(),
            self.record.request.is_some()
        )
    }
}

/// A reserved slot in the queue, for the last record of a request.
#[derive(Debug)]
pub struct Permit {
    place: mpsc::OwnedPermit<QueuedRecord>,
    mode: Mode,
}

impl Recorder {
    /// Closes the streams of a dead process and starts the writer. The task ends when the last [`Recorder`] and [`Permit`]
    /// are dropped and every record is durable.
    ///
    /// # Errors
    /// The database cannot be reached, or the spool cannot be opened.
    pub async fn start(store: &Store, settings: &Recording) -> Result<(Self, JoinHandle<()>), RecorderError> {
        let (queue, queued) = mpsc::channel(settings.queue);
        let figures = Arc::new(RecorderFigures::default());
        let instance_id = store.inner.clock.new_id();
        let pool = RecorderPool::new(store, settings.durability).await?;
        let spool = match &settings.spool {
            Some(path) if !store.is_sqlite() => {
                Some(Arc::new(Spool::open(path, settings.spool_bytes, settings.durability).await?))
            }
            _ => None,
        };
        let writer = Writer { pool, spool: spool.clone(), figures: figures.clone() };
        if store.is_sqlite() && settings.mode == Mode::Durable {
            liveness::close(&writer.pool, None, None).await?;
        }
        // The process before may have died before it did.
        fold(store).await;
        let task = tokio::spawn(run(writer, queued, instance_id));
        Ok((Self { queue, mode: settings.mode, figures, spool, instance_id }, task))
    }

    /// A view of the writer that does not keep it running.
    #[must_use]
    pub fn watcher(&self) -> Watcher {
        Watcher { queue: self.queue.downgrade(), figures: self.figures.clone(), spool: self.spool.clone() }
    }

    /// Reserves a slot for the last record of a request.
    ///
    /// # Errors
    /// [`Error::Busy`]: no slot was free within 100 ms.
    pub async fn reserve(&self) -> Result<Permit, Error> {
        // Usually a slot is free, and no timer is needed.
        let place = match self.queue.clone().try_reserve_owned() {
            Ok(place) => place,
            Err(mpsc::error::TrySendError::Full(queue)) => {
                match tokio::time::timeout(RESERVE, queue.reserve_owned()).await {
                    Ok(Ok(place)) => place,
                    Ok(Err(_)) | Err(_) => return Err(Error::Busy),
                }
            }
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(Error::Busy),
        };
        Ok(Permit { place, mode: self.mode })
    }

    /// Queues a record and returns a handle for awaiting its durability. `None` if the queue is full.
    #[must_use]
    pub fn begin(&self, record: Record) -> Option<Begun> {
        let (done, durable) = oneshot::channel();
        let sent = self.mode == Mode::Durable
            && self.queue.try_send(QueuedRecord { record, done: Some(done), after: None }).is_ok();
        sent.then_some(Begun(durable))
    }

    /// Whether there is a spool for records while the database cannot be reached.
    #[must_use]
    pub fn has_spool(&self) -> bool {
        self.spool.is_some()
    }

    /// The id of this process, in the rows of its running streams.
    #[must_use]
    pub fn instance_id(&self) -> Uuid {
        self.instance_id
    }

    /// Writes a record and waits until it is durable.
    ///
    /// # Errors
    /// [`Error::RecordingUnavailable`]: it did not become durable within 2 seconds.
    pub async fn write(&self, record: Record) -> Result<(), Error> {
        if self.mode == Mode::Off {
            return Ok(());
        }
        let (done, durable) = oneshot::channel();
        let written = async {
            self.queue.send(QueuedRecord { record, done: Some(done), after: None }).await.is_ok()
                && durable.await.unwrap_or(false)
        };
        acknowledged(written).await
    }
}

/// A handle for awaiting the durability of a queued record.
#[derive(Debug)]
pub struct Begun(oneshot::Receiver<bool>);

impl Begun {
    /// Waits until the record is durable.
    ///
    /// # Errors
    /// [`Error::RecordingUnavailable`]: it did not become durable within 2 seconds.
    pub async fn durable(self) -> Result<(), Error> {
        acknowledged(async { self.0.await.unwrap_or(false) }).await
    }
}

/// A view of the writer for metrics and health checks.
#[derive(Debug, Clone)]
pub struct Watcher {
    queue: mpsc::WeakSender<QueuedRecord>,
    figures: Arc<RecorderFigures>,
    spool: Option<Arc<Spool>>,
}

impl Watcher {
    /// The counters of the writer.
    #[must_use]
    pub fn figures(&self) -> &RecorderFigures {
        &self.figures
    }

    /// Number of records in the spool that are not in the database yet.
    #[must_use]
    pub fn spooled(&self) -> u64 {
        self.spool.as_ref().map_or(0, |spool| spool.waiting())
    }

    /// Number of records that wait to be committed, without reserved slots.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.figures.waiting.load(Ordering::Relaxed)
    }

    /// Whether so many records wait to be committed that nothing else should be written.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.spooled() > 0 || self.waiting() > MOST_WAITING
    }

    /// Number of occupied slots in the queue: waiting records and reserved slots.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.queue.upgrade().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }
}

impl Permit {
    /// Whether records are written. Benchmarks can turn it off, and then no records are built.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.mode == Mode::Durable
    }

    /// Writes the last record of the request and waits until it is durable. `after` is called once it is durable or lost,
    /// also if its request no longer waits.
    ///
    /// # Errors
    /// [`Error::RecordingUnavailable`]: it did not become durable within 2 seconds.
    pub async fn write(self, record: Record, after: Option<After>) -> Result<(), Error> {
        if self.mode == Mode::Off {
            after.into_iter().for_each(|after| after());
            return Ok(());
        }
        let (done, durable) = oneshot::channel();
        self.place.send(QueuedRecord { record, done: Some(done), after });
        acknowledged(async { durable.await.unwrap_or(false) }).await
    }

    /// Queues the last record of the request without waiting, because the caller has disconnected. `after` is called once
    /// it is durable or lost.
    pub fn leave(self, record: Record, after: Option<After>) {
        match self.mode {
            Mode::Durable => {
                self.place.send(QueuedRecord { record, done: None, after });
            }
            Mode::Off => after.into_iter().for_each(|after| after()),
        }
    }
}

async fn acknowledged(written: impl Future<Output = bool>) -> Result<(), Error> {
    match tokio::time::timeout(ACKNOWLEDGE, written).await {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Error::RecordingUnavailable(None)),
    }
}

/// Runs the writer and, next to it, the spool and the heartbeat. At the end, what was counted is added to the roll-ups.
async fn run(writer: Writer, queued: mpsc::Receiver<QueuedRecord>, instance_id: Uuid) {
    let (stop, stopped) = watch::channel(false);
    let mut beside = tokio::task::JoinSet::new();
    if let Some(spool) = &writer.spool {
        beside.spawn(writer::drain_spool(writer.clone(), spool.clone(), stopped.clone()));
    }
    if !writer.pool.store().is_sqlite() {
        beside.spawn(liveness::run_heartbeat(writer.pool.clone(), instance_id, stopped));
    }
    let store = writer.pool.store().clone();
    writer::write(writer, queued).await;
    // Fails only if both tasks have ended.
    let _ = stop.send(true);
    while beside.join_next().await.is_some() {}
    fold(&store).await;
}

/// Adds what was counted to the roll-ups. What cannot be added now is added later.
async fn fold(store: &Store) {
    if let Err(error) = store.fold(Others::Skip).await {
        tracing::warn!(%error, "cannot add to the roll-ups; the counts stay for the next attempt");
    }
}

impl Record {
    /// Sets the time of recording.
    fn stamp(&mut self, now: DateTime<Utc>) {
        self.events.iter_mut().for_each(|event| event.recorded_at = now);
        self.request.iter_mut().for_each(|request| request.recorded_at = now);
    }
}

/// Changes the row of a request to a withheld answer or, for a stream, to one that broke off.
fn withheld(row: RequestRow) -> RequestRow {
    if row.streamed {
        return RequestRow {
            outcome: Outcome::Interrupted.into(),
            error_class: Some(ErrorClass::StreamInterrupted.into()),
            estimated: true,
            ..row
        };
    }
    RequestRow {
        outcome: Outcome::Failed.into(),
        status_code: WITHHELD_STATUS,
        cost_nano_dollars: Some(0),
        ..row
    }
}

const WITHHELD_STATUS: i32 = 503;
