//! Deleting what is too old: by organization, the oldest first, and never what was counted.

use std::time::Duration;

use rstest::rstest;

use super::records::{event, request};
use super::{Kind, World};
use crate::config::recording::Recording;
use crate::domain::outcome::Outcome;
use crate::store::maintenance::retention::BATCH;
use crate::store::pagination::PageRequest;
use crate::store::recorder::{Record, Recorder};
use crate::store::{EventFilter, OrganizationSettings, RequestFilter, RequestRow, UsageFilter};

const DAY: Duration = Duration::from_secs(86_400);

#[rstest]
#[tokio::test]
async fn what_is_too_old_is_deleted_in_batches(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    for number in 0..BATCH + 20 {
        let row = request(&world);
        let events = (number % 100 == 0).then(|| event(&world, row.id));
        let record = Record { events: events.into_iter().collect(), request: Some(row), ..Record::default() };
        recorder.reserve().await.expect("a place").leave(record, None);
    }
    world.database.hand.advance(DAY * 3);
    recorder
        .write(Record { events: Vec::new(), request: Some(request(&world)), ..Record::default() })
        .await
        .expect("durable");
    drop(recorder);
    writer.await.expect("no panic");
    let count = async || {
        let page = PageRequest { limit: 1_000, cursor: None };
        let requests = world.organization.request_list(&RequestFilter::default(), &page).await.expect("rows");
        let events = world.organization.event_list(&EventFilter::default(), &page).await.expect("rows");
        (requests.items.len() as u64, events.items.len())
    };
    let sweep = async || world.store.system().delete_past_retention().await.expect("swept");

    // Records are kept without a retention period, and while another organization has none, no partition is dropped.
    world.other().await;
    assert_eq!((sweep().await, count().await), (0, (BATCH + 21, 6)));
    let settings = OrganizationSettings { retention_days: 3, ..OrganizationSettings::default() };
    assert!(world.organization.settings_set(&settings, None).await.expect("set"));
    assert_eq!(sweep().await, 0);
    world.database.hand.advance(Duration::from_secs(1));
    assert_eq!((sweep().await, count().await), (BATCH + 6, (21, 0)));
    assert_eq!((sweep().await, count().await), (20, (1, 0)));
    assert_eq!((sweep().await, count().await), (0, (1, 0)));
    // What was counted stays counted.
    let usage = world.organization.usage(&UsageFilter::default(), None, 10).await.expect("usage");
    assert_eq!(usage.iter().map(|row| row.requests).sum::<i64>(), (BATCH + 21).cast_signed());
}

/// Requests under way hold places of the queue and have rows of running streams; what is too old goes all the same.
#[rstest]
#[tokio::test]
async fn old_rows_are_deleted_while_many_streams_are_open(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    world.other().await;
    let settings = OrganizationSettings { retention_days: 1, ..OrganizationSettings::default() };
    assert!(world.organization.settings_set(&settings, None).await.expect("set"));
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    let record = |row| Record { request: Some(row), ..Record::default() };
    for _ in 0..10 {
        recorder.write(record(request(&world))).await.expect("durable");
    }
    world.database.hand.advance(DAY * 2);
    let (mut under_way, mut streams) = (Vec::new(), Vec::new());
    for _ in 0..74 {
        under_way.push(recorder.reserve().await.expect("a place"));
        let running = RequestRow {
            outcome: Outcome::Running.into(),
            streamed: true,
            instance_id: Some(recorder.instance_id()),
            ..request(&world)
        };
        streams.push(running.id);
        recorder.write(record(running)).await.expect("durable");
    }
    let watcher = recorder.watcher();
    assert!(watcher.depth() >= 74 && !watcher.is_behind());
    assert!(world.store.system().is_retention_due());
    assert_eq!(world.store.system().delete_past_retention().await.expect("swept"), 10);
    assert!(!world.store.system().is_retention_due(), "the next rows are deleted together");
    let rows = world.organization.request_batch(&RequestFilter::default(), None, 100).await.expect("rows");
    streams.reverse();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), streams);
    drop((recorder, under_way));
    writer.await.expect("no panic");
}
