//! The partitions of requests and events on PostgreSQL: made ahead, dropped as a whole, and none of it loses a record.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::RequestId;
use migration::{Migrator, MigratorTrait as _};
use rstest::rstest;
use sea_orm::sqlx::{self, AssertSqlSafe};
use uuid::Uuid;

use super::records::{event, request};
use super::{Kind, World};
use crate::config::recording::Recording;
use crate::domain::outcome::Outcome;
use crate::store::database::partitions::{AHEAD, time_of};
use crate::store::pagination::time_range::lowest_id;
use crate::store::pagination::{Direction, PageRequest};
use crate::store::recorder::{Record, Recorder};
use crate::store::{EventFilter, OrganizationSettings, RequestFilter, RequestRow, Store, UsageFilter};

const DAY: Duration = Duration::from_secs(86_400);

/// The name of a partition, its start and its end.
type Bounds = (String, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

async fn bounds(store: &Store, table: &str) -> Vec<Bounds> {
    let query = "SELECT child.relname::text, pg_get_expr(child.relpartbound, child.oid) FROM pg_inherits \
         JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = to_regclass($1)";
    let pool = store.inner.writer.postgres();
    let rows: Vec<(String, String)> = sqlx::query_as(query).bind(table).fetch_all(pool).await.expect("rows");
    let mut bounds: Vec<Bounds> = rows
        .into_iter()
        .map(|(name, range)| {
            let mut ends = range.split(" TO ").map(|end| {
                let id = end.split('\'').nth(1)?;
                Some(time_of(Uuid::parse_str(id).expect("an id")))
            });
            (name, ends.next().flatten(), ends.next().flatten())
        })
        .collect();
    bounds.sort_by_key(|(_, start, _)| *start);
    bounds
}

/// The partition that holds a request.
async fn partition_of(store: &Store, id: RequestId) -> String {
    let query = "SELECT tableoid::regclass::text FROM requests WHERE id = $1";
    let pool = store.inner.writer.postgres();
    sqlx::query_scalar(query).bind(id.0).fetch_one(pool).await.expect("the row")
}

async fn run(store: &Store, statement: &str) {
    let pool = store.inner.writer.postgres();
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(pool).await.expect("run");
}

/// One organization with a retention period of three days, at a time from which partitions are days.
async fn daily() -> World {
    let world = World::new(Kind::Postgres).await;
    let settings = OrganizationSettings { retention_days: 3, ..OrganizationSettings::default() };
    assert!(world.organization.settings_set(&settings, None).await.expect("set"));
    world.database.hand.advance(DAY * 30);
    world.store.system().keep_partitions().await.expect("made");
    world
}

fn record(row: RequestRow) -> Record {
    Record { request: Some(row), ..Record::default() }
}

async fn listed(world: &World) -> Vec<RequestId> {
    let rows = world.organization.request_batch(&RequestFilter::default(), None, 1_000).await.expect("rows");
    rows.into_iter().map(|row| row.id).collect()
}

fn assert_complete(bounds: &[Bounds], until: DateTime<Utc>) {
    assert_eq!(bounds[0].1, None, "the floor has no lower end");
    for pair in bounds.windows(2) {
        assert_eq!(pair[0].2, pair[1].1, "{bounds:?}");
    }
    let end = bounds.last().and_then(|(.., end)| *end).expect("an end");
    assert!(end >= until, "{bounds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn partitions_are_made_ahead_by_several_processes_at_once() {
    let world = daily().await;
    let now = || world.database.clock.now();
    for table in ["requests", "fallback_events"] {
        let bounds = bounds(&world.store, table).await;
        assert_complete(&bounds, now() + AHEAD);
        assert_eq!(bounds[0].0, format!("{table}_floor"));
        let (name, start, end) = bounds.last().expect("a partition");
        let start = start.expect("a start");
        assert_eq!(*name, format!("{table}_{}", start.format("%Y%m%d")));
        assert_eq!(end.expect("an end") - start, TimeDelta::days(1));
    }
    // The days for which there was no process are one partition.
    world.database.hand.advance(DAY * 100);
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(world.database.open().await);
    }
    world.database.hand.advance(DAY * 20);
    let makers: Vec<_> = others
        .into_iter()
        .map(|store| tokio::spawn(async move { store.system().keep_partitions().await.is_ok() }))
        .collect();
    let mut made = false;
    for maker in makers {
        made |= maker.await.expect("no panic");
    }
    assert!(made, "one of them has the lock");
    let found = bounds(&world.store, "requests").await;
    assert_complete(&found, now() + AHEAD);
    assert!(found.len() < 30, "{found:?}");
}

#[tokio::test]
async fn the_oldest_partitions_are_dropped_and_what_comes_late_finds_the_floor() {
    let world = daily().await;
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    let mut days = Vec::new();
    for _ in 0..5 {
        let row = request(&world);
        days.push(row.clone());
        let events = vec![event(&world, row.id)];
        recorder.write(Record { events, ..record(row) }).await.expect("durable");
        world.database.hand.advance(DAY);
        world.store.system().keep_partitions().await.expect("kept");
    }
    // The first two days are over for all their rows, which are dropped and not deleted one by one.
    let kept: Vec<RequestId> = days[2..].iter().rev().map(|row| row.id).collect();
    world.database.hand.advance(Duration::from_secs(3_600));
    assert_eq!(world.store.system().delete_past_retention().await.expect("swept"), 0);
    world.store.system().keep_partitions().await.expect("kept");
    assert_eq!(listed(&world).await, kept);
    let events = world.organization.event_batch(&EventFilter::default(), None, 10).await.expect("rows");
    assert_eq!(events.len(), kept.len());

    let first = days[0].clone();
    let found = bounds(&world.store, "requests").await;
    assert_complete(&found, world.database.clock.now() + AHEAD);
    assert!(found[0].2.expect("an end") > days[1].created_at, "the floor has moved: {found:?}");
    recorder.write(record(first.clone())).await.expect("durable");
    assert_eq!(partition_of(&world.store, first.id).await, "requests_floor");
    assert_ne!(partition_of(&world.store, days[2].id).await, "requests_floor");
    // With the next day, the late record goes as well.
    world.database.hand.advance(DAY);
    assert_eq!(world.store.system().keep_partitions().await.expect("kept"), 2);
    assert_eq!(listed(&world).await, kept[..kept.len() - 1]);
    let usage = world.organization.usage(&UsageFilter::default(), None, 10).await.expect("usage");
    assert!(usage.iter().map(|row| row.requests).sum::<i64>() >= 5, "what was counted stays counted");
    assert_eq!(recorder.watcher().figures().lost.load(Ordering::Relaxed), 0);
    drop(recorder);
    writer.await.expect("no panic");
}

#[tokio::test]
async fn a_partition_stays_while_it_has_a_running_stream_or_someone_keeps_records_longer() {
    let world = daily().await;
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    let running = RequestRow {
        outcome: Outcome::Running.into(),
        streamed: true,
        instance_id: Some(recorder.instance_id()),
        ..request(&world)
    };
    recorder.write(record(running.clone())).await.expect("durable");
    world.database.hand.advance(DAY * 6);
    let dropped = world.store.system().keep_partitions().await.expect("kept");
    assert_eq!(listed(&world).await, [running.id], "{dropped} were dropped");
    let ended = RequestRow { outcome: Outcome::Answered.into(), instance_id: None, ..running.clone() };
    recorder.write(record(ended)).await.expect("durable");

    let (other, _) = world.other().await;
    assert_eq!(world.store.system().keep_partitions().await.expect("kept"), 0, "the other has no period");
    let settings = OrganizationSettings { retention_days: 4, ..OrganizationSettings::default() };
    assert!(other.settings_set(&settings, None).await.expect("set"));
    assert!(world.store.system().keep_partitions().await.expect("kept") > 0);
    assert_eq!(listed(&world).await, []);
    drop(recorder);
    writer.await.expect("no panic");
}

#[tokio::test]
async fn nothing_is_dropped_behind_a_long_reader_and_nothing_waits_for_it() {
    let world = daily().await;
    let before = bounds(&world.store, "requests").await;
    world.database.hand.advance(DAY * 8);
    let pool = world.store.inner.reader.postgres();
    let mut backup = pool.begin().await.expect("begun");
    sqlx::query("SELECT count(*) FROM requests").execute(&mut *backup).await.expect("read");
    world.store.system().keep_partitions().await.expect_err("a lock is not granted");
    let during = bounds(&world.store, "requests").await;
    assert_eq!(during[..before.len()], before[..]);
    assert_complete(&during, world.database.clock.now() + AHEAD);
    backup.rollback().await.expect("ended");
    assert!(world.store.system().keep_partitions().await.expect("dropped") > 0);
}

#[tokio::test]
async fn a_record_without_a_partition_makes_it() {
    let world = daily().await;
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    world.database.hand.advance(DAY * 60);
    let row = request(&world);
    recorder
        .write(Record { events: vec![event(&world, row.id)], ..record(row.clone()) })
        .await
        .expect("durable");
    assert_eq!(recorder.watcher().spooled(), 0);
    assert_eq!(listed(&world).await, [row.id]);
    // A clock that is a little ahead gets its partition as well; one that is years ahead is no reason for years of them.
    let ahead = RequestRow { id: RequestId(id_in(&world, TimeDelta::days(20))), ..request(&world) };
    recorder.write(record(ahead.clone())).await.expect("durable");
    let wrong = RequestRow { id: RequestId(id_in(&world, TimeDelta::days(4_000))), ..request(&world) };
    recorder.write(record(wrong)).await.expect_err("refused");
    assert_eq!(listed(&world).await, [ahead.id, row.id]);
    let last = bounds(&world.store, "requests").await.pop().and_then(|(.., end)| end).expect("an end");
    assert!(last < world.database.clock.now() + TimeDelta::days(40), "{last}");
    drop(recorder);
    writer.await.expect("no panic");
}

fn id_in(world: &World, later: TimeDelta) -> Uuid {
    lowest_id(world.database.clock.now() + later)
}

/// Without a retention period partitions are wide. The one of today ends soon after there is one.
#[tokio::test]
async fn a_wide_partition_ends_when_a_retention_period_is_set() {
    let world = World::new(Kind::Postgres).await;
    let last = async || bounds(&world.store, "requests").await.pop().expect("a partition");
    let (_, start, end) = last().await;
    assert_eq!(end.expect("an end") - start.expect("a start"), TimeDelta::days(30));
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    world.database.hand.advance(DAY * 5);
    let row = request(&world);
    recorder.write(record(row.clone())).await.expect("durable");
    let settings = OrganizationSettings { retention_days: 3, ..OrganizationSettings::default() };
    assert!(world.organization.settings_set(&settings, None).await.expect("set"));
    world.store.system().keep_partitions().await.expect("made");
    let found = bounds(&world.store, "requests").await;
    assert_complete(&found, world.database.clock.now() + AHEAD);
    let (_, start, end) = last().await;
    assert_eq!(end.expect("an end") - start.expect("a start"), TimeDelta::days(1));
    assert_eq!(found[1].2.expect("an end") - found[1].1.expect("a start"), TimeDelta::days(8));
    assert_eq!(listed(&world).await, [row.id]);
    world.store.system().keep_partitions().await.expect("nothing to do");
    assert_eq!(bounds(&world.store, "requests").await, found);
    drop(recorder);
    writer.await.expect("no panic");
}

/// Rows that were there before the table was partitioned, and a process that was interrupted in between.
#[tokio::test]
async fn rows_of_before_are_in_the_floor_until_it_ends() {
    let world = World::new(Kind::Postgres).await;
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    let mut rows: Vec<RequestId> = Vec::new();
    for _ in 0..3 {
        let row = request(&world);
        rows.insert(0, row.id);
        recorder.write(record(row)).await.expect("durable");
        world.database.hand.advance(DAY);
    }
    let ours = sqlx::PgPool::clone(world.store.inner.writer.postgres());
    let unwatched = sea_orm::SqlxPostgresConnector::from_sqlx_postgres_pool(ours);
    let names: Vec<String> = Migrator::migrations().iter().map(|one| one.name().to_owned()).collect();
    let since = names.iter().rev().position(|name| name.ends_with("partitions")).expect("the migration") + 1;
    let steps = Some(u32::try_from(since).expect("few"));
    Migrator::down(&unwatched, steps).await.expect("one table");
    assert_eq!(listed(&world).await, rows);
    Migrator::up(&unwatched, steps).await.expect("one partition");
    let floor = vec![("requests_floor".to_owned(), None, None)];
    assert_eq!(bounds(&world.store, "requests").await, floor);

    let left = format!("CHECK (id < '{}') NOT VALID", lowest_id(world.database.clock.now()));
    run(&world.store, &format!("ALTER TABLE requests_floor ADD CONSTRAINT requests_end {left}")).await;
    // The check that an interrupted process has left does not lose a record.
    let row = request(&world);
    recorder.write(record(row.clone())).await.expect("durable");
    rows.insert(0, row.id);
    assert_eq!(listed(&world).await, rows);
    let found = bounds(&world.store, "requests").await;
    assert_complete(&found, row.created_at);
    let end = found[0].2.expect("an end");
    assert!(end > world.database.clock.now() + TimeDelta::days(2), "rows go on into the floor: {found:?}");
    world.store.system().keep_partitions().await.expect("made");
    assert_complete(&bounds(&world.store, "requests").await, world.database.clock.now() + AHEAD);
    assert_eq!(partition_of(&world.store, row.id).await, "requests_floor");
    let checks = "SELECT count(*) FROM pg_constraint WHERE conname LIKE '%\\_end'";
    let pool = world.store.inner.writer.postgres();
    let left: i64 = sqlx::query_scalar(checks).fetch_one(pool).await.expect("a count");
    assert_eq!(left, 0);
    drop(recorder);
    writer.await.expect("no panic");
}

#[rstest]
#[tokio::test]
async fn a_list_over_many_days_pages_in_both_directions(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = match kind {
        Kind::Postgres => daily().await,
        Kind::Sqlite => World::new(kind).await,
    };
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    let mut expected = Vec::new();
    for day in 0..15 {
        world.store.system().keep_partitions().await.expect("kept");
        for _ in 0..if day % 3 == 0 { 3 } else { 0 } {
            let row = request(&world);
            expected.insert(0, row.id);
            recorder.write(record(row)).await.expect("durable");
        }
        world.database.hand.advance(DAY);
        let settings = OrganizationSettings::default();
        world.organization.settings_set(&settings, None).await.expect("set");
    }
    let filter = RequestFilter::default();
    let (mut older, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: 2, cursor };
        let page = world.organization.request_list(&filter, &page).await.expect("read");
        older.extend(page.items.iter().map(|row| row.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(older, expected);
    let page = async |direction| world.organization.request_page(&filter, direction, 4).await.expect("read");
    let mut direction = Direction::First;
    let mut pages = Vec::new();
    loop {
        let found = page(direction).await;
        pages.push(found.items.iter().map(|row| row.id).collect::<Vec<_>>());
        let Some(next) = found.older else { break };
        direction = Direction::Older(next);
    }
    assert_eq!(pages.concat(), expected);
    // And back.
    let mut found = page(direction).await;
    for seen in pages.iter().rev().skip(1) {
        found = page(Direction::Newer(found.newer.expect("a newer page"))).await;
        assert_eq!(found.items.iter().map(|row| row.id).collect::<Vec<_>>(), *seen);
    }
    drop(recorder);
    writer.await.expect("no panic");
}
