//! The archive: what is beyond its retention is archived once and then deleted, whatever fails in between.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use entity::{fallback_events, requests};
use rstest::rstest;
use sea_orm::sqlx::{self, AssertSqlSafe};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use super::records::{event, request};
use super::{Kind, TestDatabase, World, organization, provider};
use crate::config::recording::Recording;
use crate::domain::outcome::Outcome;
use crate::store::archive::testing::{Faulty, archived};
use crate::store::archive::{Archive, ArchiveError};
use crate::store::database::expired_partitions::{self, Closed};
use crate::store::recorder::{Record, Recorder};
use crate::store::{OrgStore, OrganizationSettings, RequestRow, Store};

const DAY: Duration = Duration::from_secs(86_400);

/// An organization with an archive, and a retention period of three days.
struct Archived {
    world: World,
    recorder: Recorder,
    storage: Arc<Faulty>,
    archive: Archive,
    /// The ids of everything that was written.
    written: Vec<Uuid>,
}

impl Archived {
    async fn new(kind: Kind) -> Self {
        let mut database = TestDatabase::new(kind).await;
        database.settings.archive.url = Some("file:///not/used".to_owned());
        let store = database.open().await;
        let organization = organization(&store, "acme").await;
        let provider_id = provider(&organization).await;
        let world = World { store, organization, provider_id, database };
        retain(&world.organization, 3).await;
        let (recorder, _) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
        let storage = Arc::new(Faulty::default());
        let archive = Archive::new(storage.clone());
        let mut archived = Self { world, recorder, storage, archive, written: Vec::new() };
        archived.pass(30).await;
        archived
    }

    /// Lets days pass, with the work that is done meanwhile.
    async fn pass(&mut self, days: u32) {
        self.world.database.hand.advance(DAY * days);
        self.world.store.system().keep_partitions().await.expect("kept");
    }

    async fn write(&mut self, row: RequestRow) {
        let event = event(&self.world, row.id);
        self.written.extend([row.id.0, event.id.0]);
        let record = Record { events: vec![event], request: Some(row), ..Record::default() };
        self.recorder.write(record).await.expect("durable");
    }

    async fn write_some(&mut self, rows: usize) {
        for _ in 0..rows {
            let row = request(&self.world);
            self.write(row).await;
        }
    }

    async fn archive(&self) -> Result<(), ArchiveError> {
        self.world.store.system().archive(&self.archive, &self.recorder.watcher()).await
    }

    /// The ids of the rows in the tables and in closed partitions.
    async fn left(&self) -> Vec<Uuid> {
        let reader = &self.world.store.inner.reader;
        let id = self.world.id();
        let requests = requests::Entity::find()
            .filter(requests::Column::OrganizationId.eq(id))
            .all(reader)
            .await
            .expect("rows");
        let events = fallback_events::Entity::find()
            .filter(fallback_events::Column::OrganizationId.eq(id))
            .all(reader)
            .await
            .expect("rows");
        let ids = requests.into_iter().map(|row| row.id.0);
        let mut ids: Vec<Uuid> = ids.chain(events.into_iter().map(|row| row.id.0)).collect();
        for partition in closed(&self.world.store).await {
            let query = AssertSqlSafe(format!("SELECT id FROM {}", partition.name));
            let pool = reader.postgres();
            let closed: Vec<Uuid> = sqlx::query_scalar(query).fetch_all(pool).await.expect("ids");
            ids.extend(closed);
        }
        ids
    }

    async fn stored(&self) -> Vec<Uuid> {
        archived(&self.storage.inner).await.ids
    }

    /// Fails unless every row is in the archive or in the database, and exactly once in the archive if `is_complete`.
    async fn assert_kept(&self, is_complete: bool) {
        let (found, left) = (archived(&self.storage.inner).await, self.left().await);
        let mut stored = found.ids;
        let mut written = self.written.clone();
        written.sort_unstable();
        if is_complete {
            assert_eq!(stored, written);
            assert!(left.is_empty(), "{left:?}");
            assert!(found.strays.is_empty(), "{:?}", found.strays);
        }
        let mut all = stored.clone();
        all.extend(left);
        all.sort_unstable();
        all.dedup();
        assert!(written.iter().all(|id| all.contains(id)), "a row is lost");
        let count = stored.len();
        stored.dedup();
        assert_eq!(stored.len(), count, "a row is archived twice");
    }
}

async fn closed(store: &Store) -> Vec<Closed> {
    expired_partitions::closed(&store.inner.writer).await.expect("read")
}

async fn retain(organization: &OrgStore, days: u32) {
    let settings = OrganizationSettings { retention_days: days, ..OrganizationSettings::default() };
    assert!(organization.settings_set(&settings, None).await.expect("set"));
}

/// With another organization that keeps its records forever, no partition is closed and rows are deleted one by one.
#[rstest]
#[case::sqlite(Kind::Sqlite, false)]
#[case::rows(Kind::Postgres, false)]
#[case::partitions(Kind::Postgres, true)]
#[tokio::test]
async fn what_is_too_old_is_archived_and_then_deleted(#[case] kind: Kind, #[case] closes: bool) {
    let mut archived = Archived::new(kind).await;
    if !closes {
        archived.world.other().await;
    }
    archived.write_some(600).await;
    archived.pass(1).await;
    archived.write_some(3).await;
    let old = archived.written.clone();
    archived.pass(5).await;
    let recent = archived.written.len();
    archived.write_some(2).await;
    assert_eq!(archived.world.store.system().delete_past_retention().await.expect("swept"), 0);
    archived.archive().await.expect("archived");
    let stored = archived.stored().await;
    let mut expected = old.clone();
    expected.sort_unstable();
    assert_eq!(stored, expected);
    let mut left = archived.left().await;
    left.sort_unstable();
    let mut kept = archived.written[recent..].to_vec();
    kept.sort_unstable();
    assert_eq!(left, kept);
    let figures = &archived.archive.figures;
    assert_eq!(figures.rows.load(Ordering::Relaxed), old.len() as u64);
    assert_eq!((figures.objects.load(Ordering::Relaxed), figures.failures.load(Ordering::Relaxed)), (4, 0));
    // Nothing is left to do, and nothing is done twice.
    archived.archive().await.expect("archived");
    assert_eq!(figures.objects.load(Ordering::Relaxed), 4);
}

/// Every operation on the storage fails once, before and after it takes effect, as for a process that is killed there.
#[rstest]
#[case::sqlite(Kind::Sqlite, false)]
#[case::rows(Kind::Postgres, false)]
#[case::partitions(Kind::Postgres, true)]
#[tokio::test]
async fn whatever_fails_no_row_is_lost_and_none_is_archived_twice(#[case] kind: Kind, #[case] closes: bool) {
    let mut archived = Archived::new(kind).await;
    if !closes {
        archived.world.other().await;
    }
    for takes_effect in [false, true] {
        // The closed partitions of six days are dropped in each round.
        for operation in (1..).step_by(if closes { 4 } else { 1 }) {
            archived.write_some(2).await;
            let late = request(&archived.world);
            archived.pass(6).await;
            archived.storage.takes_effect.store(takes_effect, Ordering::Relaxed);
            archived.storage.fails_in.store(operation, Ordering::Relaxed);
            let result = archived.archive().await;
            archived.storage.fails_in.store(0, Ordering::Relaxed);
            archived.assert_kept(false).await;
            if result.is_ok() {
                assert!(operation > 8, "both tables have operations");
                break;
            }
            assert!(archived.archive.figures.failing_seconds(archived.world.database.clock.now()) >= 0);
            // A record of that day arrives from a spool before the next attempt.
            archived.write(late).await;
            archived.world.database.hand.advance(Duration::from_secs(120));
            archived.archive().await.expect("archived");
            archived.assert_kept(false).await;
        }
    }
    archived.pass(6).await;
    archived.archive().await.expect("archived");
    archived.assert_kept(true).await;
}

#[rstest]
#[case::sqlite(Kind::Sqlite, false)]
#[case::rows(Kind::Postgres, false)]
#[case::partitions(Kind::Postgres, true)]
#[tokio::test]
async fn what_differs_when_it_is_read_back_is_not_deleted(#[case] kind: Kind, #[case] closes: bool) {
    let mut archived = Archived::new(kind).await;
    if !closes {
        archived.world.other().await;
    }
    archived.write_some(5).await;
    archived.pass(6).await;
    archived.storage.is_damaged.store(true, Ordering::Relaxed);
    let error = archived.archive().await.expect_err("it is damaged");
    assert!(matches!(error, ArchiveError::Different { .. }), "{error}");
    assert!(archived.stored().await.is_empty());
    archived.assert_kept(false).await;
    let now = archived.world.database.clock.now();
    assert_eq!(archived.archive.figures.failing_seconds(now + DAY), 86_400);
    archived.storage.is_damaged.store(false, Ordering::Relaxed);
    archived.world.database.hand.advance(Duration::from_secs(120));
    archived.archive().await.expect("archived");
    assert_eq!(archived.archive.figures.failing_seconds(now + DAY), 0);
    archived.assert_kept(true).await;
}

#[rstest]
#[tokio::test]
async fn a_running_stream_is_archived_when_it_has_ended(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let mut archived = Archived::new(kind).await;
    archived.world.other().await;
    let running = RequestRow {
        outcome: Outcome::Running.into(),
        streamed: true,
        instance_id: Some(archived.recorder.instance_id()),
        ..request(&archived.world)
    };
    archived.write(running.clone()).await;
    archived.write_some(1).await;
    archived.pass(6).await;
    archived.archive().await.expect("archived");
    assert_eq!(archived.left().await, [running.id.0]);
    let ended = RequestRow { outcome: Outcome::Answered.into(), instance_id: None, ..running };
    archived.recorder.write(Record { request: Some(ended), ..Record::default() }).await.expect("durable");
    archived.pass(1).await;
    archived.archive().await.expect("archived");
    archived.assert_kept(true).await;
}

/// One process archives, and another one takes over when the first has given no sign for long.
#[tokio::test]
async fn one_process_archives() {
    let mut archived = Archived::new(Kind::Postgres).await;
    let second = archived.world.database.open().await;
    let other = Archive::new(archived.storage.clone());
    archived.archive().await.expect("it has the lease");
    archived.write_some(2).await;
    archived.pass(1).await;
    archived.archive().await.expect("renewed");
    for _ in 0..5 {
        archived.pass(1).await;
    }
    archived.world.store.system().archive_release(&archived.archive).await;
    second.system().follow_changes().await.expect("followed");
    second.system().archive(&other, &archived.recorder.watcher()).await.expect("it has the lease now");
    archived.assert_kept(true).await;
    archived.archive().await.expect("nothing is done without the lease");
    assert_eq!(archived.archive.figures.rows.load(Ordering::Relaxed), 0);
    assert_eq!(other.figures.rows.load(Ordering::Relaxed), 4);
}

/// Without the archive, what was closed for it goes as its retention says.
#[tokio::test]
async fn without_an_archive_closed_partitions_are_dropped() {
    let mut archived = Archived::new(Kind::Postgres).await;
    archived.write_some(2).await;
    archived.pass(6).await;
    archived.storage.fails_in.store(1, Ordering::Relaxed);
    archived.archive().await.expect_err("the storage fails");
    assert!(closed(&archived.world.store).await.len() > 1);
    assert_eq!(archived.left().await.len(), 4);
    archived.world.database.settings.archive.url = None;
    let store = archived.world.database.open().await;
    store.system().keep_partitions().await.expect("kept");
    assert_eq!(closed(&store).await.len(), 0);
    assert!(archived.left().await.is_empty());
}
