//! The one writer of requests and fallback events: group commit, acknowledged.
//!
//! Records wait in one bounded queue. The writer takes whatever waits, commits it at once, and acknowledges it;
//! while it commits, the next group gathers. There is no timer: a lone record is committed immediately. A request
//! reserves its place in the queue before its first upstream call, so that even a caller who hangs up is recorded.

mod group;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use entity::ids::RequestId;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use group::{Group, correct};
pub(super) use group::{insert_events, insert_requests};

use super::{Error, Store};
use crate::config::recording::{Mode, Recording};

pub use entity::fallback_events::Model as FallbackEventRecord;
pub use entity::requests::Model as RequestRecord;

/// How long a request waits for a place in the queue before it is told that the gateway is busy.
const RESERVE: Duration = Duration::from_millis(100);
/// How long an answer waits for its record before it is withheld.
const ACKNOWLEDGE: Duration = Duration::from_secs(2);
/// Records of one commit. More would make the first wait for the last, and SQLite bounds a statement's parameters.
const GROUP: usize = 256;

/// What one request has to say so far: events at its failover, its own row at its end.
#[derive(Debug, Default)]
pub struct Record {
    /// Failed and passed-over candidates.
    pub events: Vec<FallbackEventRecord>,
    /// The request.
    pub request: Option<RequestRecord>,
}

struct Job {
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
}

/// The entrance to the writer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Job>,
    mode: Mode,
    figures: Arc<RecorderFigures>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Job({} events, request: {})",
            self.record.events.len(),
            self.record.request.is_some()
        )
    }
}

/// A place in the queue, held for a request's last record.
#[derive(Debug)]
pub struct Permit {
    place: mpsc::OwnedPermit<Job>,
    mode: Mode,
}

impl Recorder {
    /// Starts the writer. It ends, with everything written, when the last [`Recorder`] and [`Permit`] are gone.
    #[must_use]
    pub fn start(store: &Store, settings: &Recording) -> (Self, JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(settings.queue);
        let figures = Arc::new(RecorderFigures::default());
        let writer = tokio::spawn(write_groups(store.clone(), jobs, figures.clone()));
        (Self { queue, mode: settings.mode, figures }, writer)
    }

    /// Looks at the writer without keeping it alive.
    #[must_use]
    pub fn watcher(&self) -> Watcher {
        Watcher { queue: self.queue.downgrade(), figures: self.figures.clone() }
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
            self.queue.send(Job { record, done: Some(done) }).await.is_ok() && durable.await.unwrap_or(false)
        };
        acknowledged(written).await
    }
}

/// Looks at the writer from outside.
#[derive(Debug)]
pub struct Watcher {
    queue: mpsc::WeakSender<Job>,
    figures: Arc<RecorderFigures>,
}

impl Watcher {
    /// The writer's figures.
    #[must_use]
    pub fn figures(&self) -> &RecorderFigures {
        &self.figures
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
        self.place.send(Job { record, done: Some(done) });
        acknowledged(async { durable.await.unwrap_or(false) }).await
    }

    /// Leaves the request's last record with the writer: nobody is there any more to wait for it.
    pub fn leave(self, record: Record) {
        if self.mode == Mode::Durable {
            self.place.send(Job { record, done: None });
        }
    }
}

async fn acknowledged(written: impl Future<Output = bool>) -> Result<(), Error> {
    match tokio::time::timeout(ACKNOWLEDGE, written).await {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Error::RecordingUnavailable(None)),
    }
}

async fn write_groups(store: Store, mut jobs: mpsc::Receiver<Job>, figures: Arc<RecorderFigures>) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.recv_many(&mut group, GROUP).await > 0 {
        let (records, waiting): (Vec<Record>, Vec<_>) = group.drain(..).map(Job::take).unzip();
        let durable = Group::gather(records, store.inner.clock.now()).commit(&store).await;
        figures.groups.fetch_add(1, Ordering::Relaxed);
        let mut withheld = Vec::new();
        for (Waiting { done, request }, durable) in waiting.into_iter().zip(durable) {
            let total = if durable { &figures.committed } else { &figures.lost };
            total.fetch_add(1, Ordering::Relaxed);
            if done.is_some_and(|done| done.send(durable).is_err()) && durable {
                withheld.extend(request);
            }
        }
        if let Err(error) = correct(&store, withheld).await {
            tracing::error!(%error, "answers that were withheld could not be marked so");
        }
    }
}

/// Who waits for a record.
struct Waiting {
    done: Option<oneshot::Sender<bool>>,
    request: Option<RequestId>,
}

impl Job {
    /// The record as it is now, and who waits for it. Who gave up waiting has withheld the answer, or broken off its
    /// stream: the row says so.
    fn take(self) -> (Record, Waiting) {
        let Self { mut record, done } = self;
        let gave_up = done.as_ref().is_some_and(oneshot::Sender::is_closed);
        record.request = record.request.map(|row| match gave_up && row.outcome == ANSWERED {
            true => withheld(row),
            false => row,
        });
        let request = record.request.as_ref().map(|row| row.id);
        (record, Waiting { done, request })
    }
}

/// An answer that was withheld, or broken off if it was a stream.
fn withheld(row: RequestRecord) -> RequestRecord {
    if row.streamed {
        return RequestRecord { outcome: "interrupted".to_owned(), ..row };
    }
    RequestRecord {
        outcome: "failed".to_owned(),
        status_code: WITHHELD_STATUS,
        cost_nano_dollars: Some(0),
        ..row
    }
}

const ANSWERED: &str = "answered";
const WITHHELD_STATUS: i32 = 503;
