//! The one writer of requests and fallback events: group commit, acknowledged.
//!
//! Records wait in one bounded queue. The writer takes whatever waits, commits it at once, and acknowledges it;
//! while it commits, the next group gathers. There is no timer: a lone record is committed immediately. A request
//! reserves its place in the queue before its first upstream call, so that even a caller who hangs up is recorded.

pub(crate) mod commit;
pub(crate) mod liveness;
pub(crate) mod pool;
mod spool;
mod writer;

use crate::domain::outcome::Outcome;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::ids::RequestId;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::Store;
use crate::config::recording::{Mode, Recording};
use crate::domain::error::Error;
use crate::domain::error_class::ErrorClass;
use crate::store::records::fallback_event::FallbackEventRow;
use crate::store::records::request::RequestRow;
use pool::RecorderPool;
use spool::Spool;
use writer::Writer;

pub use spool::SpoolError;

/// How long a request waits for a place in the queue before it is told that the gateway is busy.
const RESERVE: Duration = Duration::from_millis(100);
/// How long an answer waits for its record before it is withheld.
const ACKNOWLEDGE: Duration = Duration::from_secs(2);
/// Records of one commit. More would make the first wait for the last, and SQLite bounds a statement's parameters.
const GROUP: usize = 256;

/// What one request has to say so far: events at its failover, its own row at its end, and a stream's also when its
/// answer begins.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Record {
    /// Failed and passed-over candidates.
    pub events: Vec<FallbackEventRow>,
    /// The request.
    pub request: Option<RequestRow>,
    /// A request whose answer was withheld just as its row became durable.
    pub withheld: Option<RequestId>,
}

/// What may be recorded wrongly or not at all.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The spool.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The database.
    #[error("the recorder cannot reach the database: {0}")]
    Database(#[from] sea_orm::DbErr),
}

struct QueuedRecord {
    record: Record,
    done: Option<oneshot::Sender<bool>>,
}

/// Figures of the writer, for the metrics.
#[derive(Debug, Default)]
pub struct RecorderFigures {
    /// Records committed.
    pub committed: AtomicU64,
    /// Commits made.
    pub groups: AtomicU64,
    /// Records given up after every retry.
    pub lost: AtomicU64,
    /// Records that waited for the writer when it last looked; requests under way are none.
    pub waiting: AtomicU64,
}

/// The entrance to the writer. Cheap to clone.
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

/// A place in the queue, held for a request's last record.
#[derive(Debug)]
pub struct Permit {
    place: mpsc::OwnedPermit<QueuedRecord>,
    mode: Mode,
}

impl Recorder {
    /// Starts the writer, once the streams that a dead process left are closed. It ends, with everything durable, when
    /// the last [`Recorder`] and [`Permit`] are gone.
    ///
    /// # Errors
    /// The database cannot be reached, or the spool not be opened.
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
            liveness::close(&writer.pool, None).await?;
        }
        let task = tokio::spawn(run(writer, queued, instance_id));
        Ok((Self { queue, mode: settings.mode, figures, spool, instance_id }, task))
    }

    /// Looks at the writer without keeping it alive.
    #[must_use]
    pub fn watcher(&self) -> Watcher {
        Watcher { queue: self.queue.downgrade(), figures: self.figures.clone(), spool: self.spool.clone() }
    }

    /// Holds a place for the record that ends a request.
    ///
    /// # Errors
    /// [`Error::Busy`]: none came free within 100 ms.
    pub async fn reserve(&self) -> Result<Permit, Error> {
        // Without contention this takes no timer at all.
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

    /// Writes a record for which somebody waits later, if there is a place for it: a request's end has one of its own.
    #[must_use]
    pub fn begin(&self, record: Record) -> Option<Begun> {
        let (done, durable) = oneshot::channel();
        let sent = self.mode == Mode::Durable
            && self.queue.try_send(QueuedRecord { record, done: Some(done) }).is_ok();
        sent.then_some(Begun(durable))
    }

    /// Whether records have somewhere to wait while the database is away.
    #[must_use]
    pub fn has_spool(&self) -> bool {
        self.spool.is_some()
    }

    /// This process, in the rows that it still owes their end.
    #[must_use]
    pub fn instance_id(&self) -> Uuid {
        self.instance_id
    }

    /// Writes a record and waits until it is durable.
    ///
    /// # Errors
    /// [`Error::RecordingUnavailable`]: it was not within 2 s.
    pub async fn write(&self, record: Record) -> Result<(), Error> {
        if self.mode == Mode::Off {
            return Ok(());
        }
        let (done, durable) = oneshot::channel();
        let written = async {
            self.queue.send(QueuedRecord { record, done: Some(done) }).await.is_ok()
                && durable.await.unwrap_or(false)
        };
        acknowledged(written).await
    }
}

/// A record that is being written.
#[derive(Debug)]
pub struct Begun(oneshot::Receiver<bool>);

impl Begun {
    /// Waits until it is durable.
    ///
    /// # Errors
    /// [`Error::RecordingUnavailable`]: it was not within 2 s.
    pub async fn durable(self) -> Result<(), Error> {
        acknowledged(async { self.0.await.unwrap_or(false) }).await
    }
}

/// Looks at the writer from outside.
#[derive(Debug)]
pub struct Watcher {
    queue: mpsc::WeakSender<QueuedRecord>,
    figures: Arc<RecorderFigures>,
    spool: Option<Arc<Spool>>,
}

impl Watcher {
    /// The writer's figures.
    #[must_use]
    pub fn figures(&self) -> &RecorderFigures {
        &self.figures
    }

    /// Records in the spool, which are not in the database yet.
    #[must_use]
    pub fn spooled(&self) -> u64 {
        self.spool.as_ref().map_or(0, |spool| spool.waiting())
    }

    /// Records that wait to be committed. Requests under way, which only hold a place, do not count.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.figures.waiting.load(Ordering::Relaxed)
    }

    /// Places of the queue that are taken: records waiting, and requests under way.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.queue.upgrade().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }
}

impl Permit {
    /// Whether anything is written at all: a benchmark may have switched it off, and then builds no record either.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.mode == Mode::Durable
    }

    /// Writes the request's last record and waits until it is durable.
    ///
    /// # Errors
    /// [`Error::RecordingUnavailable`]: it was not within 2 s.
    pub async fn write(self, record: Record) -> Result<(), Error> {
        if self.mode == Mode::Off {
            return Ok(());
        }
        let (done, durable) = oneshot::channel();
        self.place.send(QueuedRecord { record, done: Some(done) });
        acknowledged(async { durable.await.unwrap_or(false) }).await
    }

    /// Leaves the request's last record with the writer: nobody is there any more to wait for it.
    pub fn leave(self, record: Record) {
        if self.mode == Mode::Durable {
            self.place.send(QueuedRecord { record, done: None });
        }
    }
}

async fn acknowledged(written: impl Future<Output = bool>) -> Result<(), Error> {
    match tokio::time::timeout(ACKNOWLEDGE, written).await {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Error::RecordingUnavailable(None)),
    }
}

/// The writer, with what runs beside it as long as it does.
async fn run(writer: Writer, queued: mpsc::Receiver<QueuedRecord>, instance_id: Uuid) {
    let (stop, stopped) = watch::channel(false);
    let mut beside = tokio::task::JoinSet::new();
    if let Some(spool) = &writer.spool {
        beside.spawn(writer::drain_spool(writer.clone(), spool.clone(), stopped.clone()));
    }
    if !writer.pool.store().is_sqlite() {
        beside.spawn(liveness::run_heartbeat(writer.pool.clone(), instance_id, stopped));
    }
    writer::write(writer, queued).await;
    // What runs beside has gone already, or listens.
    let _ = stop.send(true);
    while beside.join_next().await.is_some() {}
}

impl Record {
    /// With the moment at which it was taken to be written.
    fn stamped(mut self, now: DateTime<Utc>) -> Self {
        self.events.iter_mut().for_each(|event| event.recorded_at = now);
        self.request.iter_mut().for_each(|request| request.recorded_at = now);
        self
    }
}

/// An answer that was withheld, or broken off if it was a stream.
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
