//! The one writer of requests and fallback events: group commit, acknowledged.
//!
//! Records wait in one bounded queue. The writer takes whatever waits, commits it at once, and acknowledges it;
//! while it commits, the next group gathers. There is no timer: a lone record is committed immediately. A request
//! reserves its place in the queue before its first upstream call, so that even a caller who hangs up is recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::{fallback_events, requests};
use sea_orm::sqlx::error::ErrorKind;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, DbErr, EntityTrait, IntoActiveModel, RuntimeErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

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
/// How often a group that failed is tried again, and how long the writer waits before each time.
const RETRIES: [Duration; 3] =
    [Duration::from_millis(20), Duration::from_millis(100), Duration::from_millis(500)];

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
        Ok(false) | Err(_) => Err(Error::RecordingUnavailable),
    }
}

async fn write_groups(store: Store, mut jobs: mpsc::Receiver<Job>, figures: Arc<RecorderFigures>) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.recv_many(&mut group, GROUP).await > 0 {
        let (records, waiting): (Vec<Record>, Vec<_>) =
            group.drain(..).map(|job| (job.record, job.done)).unzip();
        let durable = Group::gather(records, store.inner.clock.now()).commit(&store).await;
        figures.groups.fetch_add(1, Ordering::Relaxed);
        for (done, durable) in waiting.into_iter().zip(durable) {
            let total = if durable { &figures.committed } else { &figures.lost };
            total.fetch_add(1, Ordering::Relaxed);
            // Who gave up waiting has told its caller so.
            let _ = done.map(|done| done.send(durable));
        }
    }
}

/// The rows of records that are committed together.
#[derive(Default)]
struct Group {
    events: Vec<FallbackEventRecord>,
    rows: Vec<RequestRecord>,
    /// Where each record's rows end.
    ends: Vec<(usize, usize)>,
}

impl Group {
    fn gather(records: Vec<Record>, now: DateTime<Utc>) -> Self {
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
    async fn commit(&self, store: &Store) -> Vec<bool> {
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
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            let transaction = writer.begin_with_options(options).await?;
            insert_events(&transaction, events).await?;
            insert_requests(&transaction, rows).await?;
            transaction.commit().await
        }
    }
}

/// Inserts events; one that is already there is the same one, left by a try whose acknowledgement got lost.
pub(super) async fn insert_events(
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
pub(super) async fn insert_requests(
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
