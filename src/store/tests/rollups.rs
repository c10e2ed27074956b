//! Roll-ups: counted once with the rows, and read by span.

use std::time::Duration;

use chrono::TimeDelta;
use entity::rollup_deltas;
use rstest::rstest;
use sea_orm::{ActiveValue::Set, EntityTrait as _, PaginatorTrait as _};

use super::records::{event, request};
use super::{Kind, World};
use crate::config::recording::Recording;
use crate::domain::failure::class::ErrorClass;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::store::RequestRow;
use crate::store::pagination::time_range::lowest_id;
use crate::store::pagination::{Direction, Position};
use crate::store::recorder::{Record, Recorder};
use crate::store::rollups::fold::Others;
use crate::store::{EventFilter, EventRollupFilter, RequestCounts, RequestFilter, RollupSpan};

fn span(world: &World) -> RollupSpan {
    let now = world.database.clock.now();
    let day = TimeDelta::days(1);
    RollupSpan { since: now - day, until: now + day, origin: Some(Origin::Live) }
}

/// Each record in a group of its own.
async fn write(world: &World, records: Vec<Record>) {
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    for record in records {
        recorder.write(record).await.expect("durable");
    }
    drop(recorder);
    writer.await.expect("no panic");
}

fn ended(world: &World, change: impl FnOnce(&mut RequestRow)) -> Record {
    let mut row = request(world);
    row.output_tokens = Some(3);
    change(&mut row);
    Record { events: Vec::new(), request: Some(row), ..Record::default() }
}

#[rstest]
#[tokio::test]
async fn requests_are_counted_by_how_they_ended(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let (other, _) = world.other().await;
    let mut records = vec![
        ended(&world, |row| row.first_frame_ms = Some(100)),
        ended(&world, |row| (row.first_frame_ms, row.cost_nano_dollars) = (Some(100), Some(40))),
        ended(&world, |row| row.served_model = Some("smart".to_owned())),
        ended(&world, |row| (row.outcome, row.served_model) = (Outcome::Failed.into(), None)),
        ended(&world, |row| row.outcome = Outcome::ClientClosed.into()),
        ended(&world, |row| row.origin = Origin::Drill.into()),
    ];
    let first = world.database.clock.now();
    world.database.hand.advance(Duration::from_secs(900));
    records.push(ended(&world, |row| row.output_tokens = Some(i64::MAX)));
    records.push(ended(&world, |row| row.output_tokens = Some(i64::MAX)));
    write(&world, records).await;

    let counts = world.organization.request_counts(&span(&world), 300).await.expect("counts");
    let expected = RequestCounts {
        first_try: 1,
        by_fallback: 2,
        failed: 1,
        client_closed: 1,
        input_tokens: 35,
        output_tokens: 15,
        cost_nano_dollars: 40,
        unpriced: 0,
    };
    assert_eq!(counts.values().next(), Some(&expected));
    assert_eq!(counts.keys().next().map(|at| (first.timestamp() - at) / 300), Some(0));
    assert_eq!(counts.len(), 2);
    assert_eq!(counts.values().last().map(|later| later.by_fallback), Some(2));
    let hour = world.organization.request_counts(&span(&world), 86_400).await.expect("counts");
    assert_eq!(hour.values().map(RequestCounts::requests).sum::<i64>(), 7);
    // Drills are not counted at all.
    let everything = RollupSpan { origin: None, ..span(&world) };
    let hour = world.organization.request_counts(&everything, 86_400).await.expect("counts");
    assert_eq!(hour.values().map(RequestCounts::requests).sum::<i64>(), 7);

    let times = world.organization.request_times(&span(&world)).await.expect("times");
    assert!(times.first_frame.percentile(50).is_some_and(|time| (80..=128).contains(&time)));
    assert!(times.total.percentile(95).is_some_and(|time| (8..=16).contains(&time)));
    assert!(other.request_counts(&span(&world), 300).await.expect("counts").is_empty());
}

#[rstest]
#[tokio::test]
async fn events_are_counted_by_model_and_reason(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let (other, _) = world.other().await;
    let id = request(&world).id;
    let like = |class: ErrorClass, next: Option<&str>| {
        let mut event = event(&world, id);
        (event.error_class, event.next_model) = (class.into(), next.map(str::to_owned));
        event
    };
    let one = vec![like(ErrorClass::Timeout, None), like(ErrorClass::RateLimited, Some("steady"))];
    let two = vec![like(ErrorClass::Timeout, None), like(ErrorClass::Timeout, Some("steady"))];
    let records = [one, two].map(|events| Record { events, request: None, ..Record::default() });
    write(&world, records.into()).await;

    let span = span(&world);
    let reasons = world.organization.event_reasons(&span, 5).await.expect("reasons");
    assert_eq!(reasons, [(ErrorClass::Timeout.into(), 3), (ErrorClass::RateLimited.into(), 1)]);
    let all = EventRollupFilter::default();
    let counts = world.organization.event_counts(&span, &all, 300).await.expect("counts");
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [4]);
    for (filter, number) in [
        (EventRollupFilter { next_model: Some("steady".to_owned()), ..all.clone() }, 2),
        (EventRollupFilter { error_class: Some(ErrorClass::Timeout), ..all.clone() }, 3),
        (EventRollupFilter { failed_model: Some("other".to_owned()), ..all.clone() }, 0),
        (EventRollupFilter { failed_model: Some("a\0b".to_owned()), ..all.clone() }, 0),
    ] {
        let counts = world.organization.event_counts(&span, &filter, 86_400).await.expect("counts");
        assert_eq!(counts.values().sum::<i64>(), number, "{filter:?}");
    }
    assert!(other.event_reasons(&span, 5).await.expect("reasons").is_empty());
    assert!(other.event_counts(&span, &all, 300).await.expect("counts").is_empty());
}

#[rstest]
#[tokio::test]
async fn processes_that_fold_at_once_count_everything_once(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let second = world.database.open().await;
    // More than one transaction takes.
    for _ in 0..250 {
        let row = request(&world);
        world.store.system().record(&[event(&world, row.id)], &[row]).await.expect("recorded");
    }
    let (one, other, third) = tokio::join!(
        world.store.fold(Others::Skip),
        second.fold(Others::Skip),
        world.store.fold(Others::Await)
    );
    assert_eq!(one.expect("folded") + other.expect("folded") + third.expect("folded"), 250);
    let figures = async || {
        let requests = world.organization.request_counts(&span(&world), 86_400).await.expect("counts");
        let reasons = world.organization.event_reasons(&span(&world), 5).await.expect("reasons");
        (requests.values().map(RequestCounts::requests).sum::<i64>(), reasons[0].1)
    };
    assert_eq!(figures().await, (250, 250));
    assert_eq!(world.store.fold(Others::Await).await.expect("nothing left"), 0);
    // A read finds what is not folded yet.
    let row = request(&world);
    world.store.system().record(&[event(&world, row.id)], &[row]).await.expect("recorded");
    assert_eq!(figures().await, (251, 251));
}

/// Every fold looks for the newest deltas, and once a minute for those of a process with a wrong clock. On SQLite, where
/// no snapshot keeps what was deleted, every fold looks for all.
#[rstest]
#[tokio::test]
async fn a_delta_with_an_old_id_is_folded_within_a_minute(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    assert_eq!(world.store.fold(Others::Skip).await.expect("all were looked for"), 0);
    let late = rollup_deltas::ActiveModel {
        id: Set(lowest_id(world.database.clock.now() - TimeDelta::hours(1))),
        counted: Set("{}".to_owned()),
    };
    let on = &world.store.inner.writer;
    rollup_deltas::Entity::insert(late).exec_without_returning(on).await.expect("written");
    let at_once = usize::from(matches!(kind, Kind::Sqlite));
    assert_eq!(world.store.fold(Others::Skip).await.expect("folded"), at_once);
    world.database.hand.advance(Duration::from_secs(60));
    assert_eq!(world.store.fold(Others::Skip).await.expect("folded"), 1 - at_once);
}

#[rstest]
#[tokio::test]
async fn a_delta_that_cannot_be_read_stays_and_holds_up_no_other(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let unreadable = rollup_deltas::ActiveModel {
        id: Set(world.database.clock.new_id()),
        counted: Set("of a later release".to_owned()),
    };
    let on = &world.store.inner.writer;
    rollup_deltas::Entity::insert(unreadable).exec_without_returning(on).await.expect("written");
    write(&world, vec![ended(&world, |_| {})]).await;
    let counts = world.organization.request_counts(&span(&world), 300).await.expect("counts");
    assert_eq!(counts.values().map(RequestCounts::requests).sum::<i64>(), 1);
    assert_eq!(rollup_deltas::Entity::find().count(on).await.expect("read"), 1);
}

#[rstest]
#[tokio::test]
async fn a_list_is_leafed_through_in_both_directions(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let id = request(&world).id;
    let mut events = Vec::new();
    for number in 0..7 {
        world.database.hand.advance(Duration::from_secs(number % 2));
        events.push(event(&world, id));
    }
    write(&world, vec![Record { events, request: None, ..Record::default() }]).await;

    let filter = EventFilter::default();
    let page = async |direction| world.organization.event_page(&filter, direction, 3).await.expect("a page");
    let first = page(Direction::First).await;
    let second = page(Direction::Older(first.older.expect("more"))).await;
    let third = page(Direction::Older(second.older.expect("more"))).await;
    let sizes = [&first, &second, &third].map(|page| page.items.len());
    assert_eq!((sizes, first.newer, third.older), ([3, 3, 1], None, None));
    let mut keys: Vec<_> = [&first, &second, &third]
        .iter()
        .flat_map(|page| &page.items)
        .map(Position::from)
        .map(|at| (at.created_at, at.id))
        .collect();
    let read = keys.clone();
    keys.sort_by(|one, other| other.cmp(one));
    assert_eq!(read, keys);

    let back = page(Direction::Newer(third.newer.expect("newer"))).await;
    assert_eq!(back.items, second.items);
    let front = page(Direction::Newer(back.newer.expect("newer"))).await;
    assert_eq!((front.items, front.newer, front.older), (first.items, None, first.older));
}

#[rstest]
#[tokio::test]
async fn groups_of_any_size_are_written_once(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let (recorder, _writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    let (mut requests, mut events) = (0, 0);
    for size in [1, 2, 3, 5, 7, 9, 14, 20, 33] {
        let records = (0..size).map(|number| {
            let request = request(&world);
            let events = (0..number % 3).map(|_| event(&world, request.id)).collect();
            Record { events, request: Some(request), ..Record::default() }
        });
        requests += size;
        events += (0..size).map(|number| number % 3).sum::<usize>();
        let written = futures_util::future::join_all(records.map(|record| recorder.write(record))).await;
        written.into_iter().for_each(|written| written.expect("durable"));
    }
    let rows = world.organization.request_batch(&RequestFilter::default(), None, 1_000).await.expect("read");
    let found = world.organization.event_batch(&EventFilter::default(), None, 1_000).await.expect("read");
    assert_eq!((rows.len(), found.len()), (requests, events));
    let counts = world.organization.request_counts(&span(&world), 300).await.expect("read");
    assert_eq!(counts.values().map(|counts| counts.requests()).sum::<i64>(), 94);
}
