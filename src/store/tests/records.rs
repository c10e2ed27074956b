//! Requests and events: written by the recorder, read by filter and page.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{FallbackEventId, RequestId};
use rstest::rstest;
use uuid::Uuid;

use super::{Kind, World};
use crate::config::recording::{Mode, Recording};
use crate::domain::closed_set::Stored;
use crate::domain::error::Error;
use crate::domain::failure::class::ErrorClass;
use crate::domain::invocation_type::InvocationType;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::store::pagination::{PageRequest, Position};
use crate::store::recorder::{Record, Recorder};
use crate::store::{EventFilter, FallbackEventRow, RequestFilter, RequestRow};

pub(super) fn request(world: &World) -> RequestRow {
    let clock = &world.database.clock;
    RequestRow {
        id: RequestId(clock.new_id()),
        organization_id: world.id(),
        api_key_id: Some(Uuid::from_u128(1)),
        api_key_name: Some("app".to_owned()),
        requested_model: "smart".to_owned(),
        served_model: Some("steady".to_owned()),
        served_provider: Some("simulated".to_owned()),
        outcome: Outcome::Answered.into(),
        error_class: None,
        status_code: 200,
        endpoint: "/v1/chat/completions".to_owned(),
        invocation_type: InvocationType::ChatCompletion.into(),
        streamed: false,
        input_tokens: Some(7),
        output_tokens: Some(i64::MAX),
        cached_tokens: None,
        reasoning_tokens: None,
        cache_write_tokens: Some(3),
        usage_flag: Some("clamped".to_owned()),
        cost_nano_dollars: Some(0),
        cost_source: None,
        model_price_id: None,
        estimated: false,
        first_frame_ms: None,
        total_ms: 12,
        upstream_calls: 2,
        hops: 1,
        attempts: serde_json::json!([{ "model": "smart" }, { "model": "steady" }]).into(),
        session_id: Some(Uuid::from_u128(2)),
        session_ref: Some("chat-1".to_owned()),
        client_retry_count: None,
        origin: Origin::Live.into(),
        created_at: clock.now(),
        recorded_at: DateTime::UNIX_EPOCH,
        instance_id: None,
        budget_only_nano_dollars: 0,
    }
}

pub(super) fn event(world: &World, request_id: RequestId) -> FallbackEventRow {
    let clock = &world.database.clock;
    FallbackEventRow {
        id: FallbackEventId(clock.new_id()),
        organization_id: world.id(),
        request_id,
        failed_model: "smart".to_owned(),
        next_model: Some("steady".to_owned()),
        error_class: ErrorClass::RateLimited.into(),
        error_message: Some("slow down".to_owned()),
        invocation_type: InvocationType::ChatCompletion.into(),
        router_config_id: Some(Uuid::from_u128(3)),
        router_config_revision: Some(1),
        session_id: Some(Uuid::from_u128(2)),
        session_ref: None,
        hop: 0,
        attempts: 1,
        status_code: Some(429),
        matched_rule: Some("status".to_owned()),
        duration_ms: 5,
        origin: Origin::Live.into(),
        created_at: clock.now(),
        recorded_at: DateTime::UNIX_EPOCH,
    }
}

fn all() -> PageRequest {
    PageRequest { limit: 200, cursor: None }
}

#[rstest]
#[tokio::test]
async fn what_is_acknowledged_is_there_for_every_reader(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    let request = request(&world);
    let event = event(&world, request.id);
    let permit = recorder.reserve().await.expect("a place");
    let watcher = recorder.watcher();
    assert_eq!(watcher.depth(), 1);
    recorder
        .write(Record { events: vec![event.clone()], request: None, ..Record::default() })
        .await
        .expect("durable");
    let second = world.database.open().await.scoped(world.id(), world.organization.actor.clone());
    let expected = FallbackEventRow { recorded_at: world.database.clock.now(), ..event };
    assert_eq!(second.event_find(expected.id).await.expect("read"), Some(expected.clone()));
    assert_eq!(second.request_find(request.id).await.expect("read"), None);

    permit
        .write(
            Record { events: vec![expected.clone()], request: Some(request.clone()), ..Record::default() },
            None,
        )
        .await
        .expect("durable");
    let expected_request = RequestRow { recorded_at: world.database.clock.now(), ..request };
    assert_eq!(second.request_find(expected_request.id).await.expect("read"), Some(expected_request));
    // An event that was there already is there once.
    let events = second.event_list(&EventFilter::default(), &all()).await.expect("read");
    assert_eq!(events.items, [expected]);
    assert_eq!(watcher.figures().committed.load(Ordering::Relaxed), 2);
    drop(recorder);
    writer.await.expect("the writer ends with its last sender");
    assert_eq!(watcher.depth(), 0);
}

#[rstest]
#[tokio::test]
async fn what_is_left_behind_is_written_before_the_writer_ends(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    // More than one group and more than one statement hold.
    for _ in 0..600 {
        let permit = recorder.reserve().await.expect("a place");
        let request = request(&world);
        let record =
            Record { events: vec![event(&world, request.id)], request: Some(request), ..Record::default() };
        permit.leave(record, None);
    }
    let watcher = recorder.watcher();
    drop(recorder);
    writer.await.expect("ended");
    let figures = watcher.figures();
    assert_eq!((figures.committed.load(Ordering::Relaxed), figures.lost.load(Ordering::Relaxed)), (600, 0));
    assert!(figures.groups.load(Ordering::Relaxed) < 600, "records that wait are committed together");
    let rows = world.organization.request_batch(&RequestFilter::default(), None, 1_000).await.expect("read");
    let events = world.organization.event_batch(&EventFilter::default(), None, 1_000).await.expect("read");
    assert_eq!((rows.len(), events.len()), (600, 600));
}

#[rstest]
#[tokio::test]
async fn a_full_queue_is_busy_and_recording_switched_off_writes_nothing(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let (recorder, _writer) = Recorder::start(&world.store, &Recording { queue: 1, ..Recording::default() })
        .await
        .expect("a recorder");
    let permit = recorder.reserve().await.expect("a place");
    assert!(matches!(recorder.reserve().await, Err(Error::Busy)));
    drop(permit);
    recorder.reserve().await.expect("a place that was given back");

    let (recorder, _writer) =
        Recorder::start(&world.store, &Recording { mode: Mode::Off, ..Recording::default() })
            .await
            .expect("a recorder");
    let record = Record { events: Vec::new(), request: Some(request(&world)), ..Record::default() };
    recorder.write(record).await.expect("taken");
    let found = world.organization.request_list(&RequestFilter::default(), &all()).await.expect("read");
    assert!(found.items.is_empty());
}

#[rstest]
#[tokio::test]
async fn a_record_that_cannot_be_written_is_not_acknowledged(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let (recorder, _writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    let mut request = request(&world);
    // No such organization: the database refuses the row.
    request.organization_id = Uuid::from_u128(404).into();
    let refused =
        recorder.write(Record { events: Vec::new(), request: Some(request), ..Record::default() }).await;
    assert!(matches!(refused, Err(Error::RecordingUnavailable(None))), "{refused:?}");
    assert_eq!(recorder.watcher().figures().lost.load(Ordering::Relaxed), 1);
}

#[rstest]
#[tokio::test]
async fn a_record_that_cannot_be_written_takes_no_other_with_it(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let (recorder, _writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    let (before, mut bad, after) = (request(&world), request(&world), request(&world));
    bad.organization_id = Uuid::from_u128(404).into();
    let write = |request: &RequestRow| {
        let events = vec![event(&world, request.id)];
        recorder.write(Record { events, request: Some(request.clone()), ..Record::default() })
    };
    // On one thread all three wait before the writer looks.
    let (first, refused, last) = tokio::join!(write(&before), write(&bad), write(&after));
    assert_eq!(recorder.watcher().figures().groups.load(Ordering::Relaxed), 1);
    assert!(first.is_ok() && last.is_ok());
    assert!(matches!(refused, Err(Error::RecordingUnavailable(None))), "{refused:?}");
    let found = world.organization.request_list(&RequestFilter::default(), &all()).await.expect("read");
    assert_eq!(found.items.iter().map(|row| row.id).collect::<Vec<_>>(), [after.id, before.id]);
    // What belongs to the refused request is not there either.
    let events = world.organization.event_list(&EventFilter::default(), &all()).await.expect("read");
    assert_eq!(events.items.len(), 2);
}

type Narrow = fn(&mut EventFilter, &World);

#[rstest]
#[tokio::test]
async fn events_are_narrowed_by_every_filter(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let base = event(&world, RequestId(Uuid::from_u128(9)));
    let start = world.database.clock.now();
    let odd = [
        FallbackEventRow { failed_model: "x".to_owned(), ..base.clone() },
        FallbackEventRow { next_model: None, ..base.clone() },
        FallbackEventRow { error_class: ErrorClass::Timeout.into(), ..base.clone() },
        FallbackEventRow { session_id: None, ..base.clone() },
        FallbackEventRow { request_id: RequestId(Uuid::from_u128(10)), ..base.clone() },
        FallbackEventRow { router_config_id: None, ..base.clone() },
        FallbackEventRow { origin: Origin::Drill.into(), ..base.clone() },
        FallbackEventRow { created_at: start - TimeDelta::microseconds(1), ..base.clone() },
        FallbackEventRow { created_at: start + TimeDelta::milliseconds(500), ..base.clone() },
    ];
    let mut rows: Vec<_> = odd
        .into_iter()
        .map(|row| FallbackEventRow { id: FallbackEventId(world.database.clock.new_id()), ..row })
        .collect();
    rows.push(base);
    world.store.system().record(&rows, &[]).await.expect("recorded");

    let filters: [Narrow; 9] = [
        |filter, _| filter.failed_model = Some("smart".to_owned()),
        |filter, _| filter.next_model = Some("steady".to_owned()),
        |filter, _| filter.error_class = Some(ErrorClass::RateLimited),
        |filter, _| filter.session_id = Some(Uuid::from_u128(2)),
        |filter, _| filter.request_id = Some(RequestId(Uuid::from_u128(9))),
        |filter, _| filter.router_config_id = Some(Uuid::from_u128(3)),
        |filter, _| filter.origin = Some(Origin::Live),
        |filter, world| filter.since = Some(world.database.clock.now()),
        |filter, world| filter.until = Some(world.database.clock.now() + TimeDelta::milliseconds(500)),
    ];
    let everything =
        world.organization.event_list(&EventFilter::default(), &all()).await.expect("read").items;
    let count = async |filter: &EventFilter| {
        let found = world.organization.event_list(filter, &all()).await.expect("read").items;
        // What was read already is narrowed in the same way.
        let matching = everything.iter().filter(|row| filter.matches(row));
        assert!(matching.map(|row| row.id).eq(found.iter().map(|row| row.id)), "{filter:?}");
        found.len()
    };
    let mut every = EventFilter::default();
    for (number, narrow) in filters.iter().enumerate() {
        let mut one = EventFilter::default();
        narrow(&mut one, &world);
        assert_eq!(count(&one).await, 9, "filter {number} leaves out exactly one row");
        narrow(&mut every, &world);
        assert_eq!(count(&every).await, 9 - number, "filters up to {number}");
    }
    let nul = EventFilter { failed_model: Some("a\0b".to_owned()), ..EventFilter::default() };
    assert_eq!(count(&nul).await, 0);
}

#[rstest]
#[tokio::test]
async fn requests_are_narrowed_by_every_filter(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let base = request(&world);
    let start = world.database.clock.now();
    let later: DateTime<Utc> = start + TimeDelta::seconds(1);
    let odd = [
        RequestRow { requested_model: "x".to_owned(), ..base.clone() },
        RequestRow { served_model: None, ..base.clone() },
        RequestRow { endpoint: "/v1/messages".to_owned(), ..base.clone() },
        RequestRow { outcome: Outcome::Failed.into(), ..base.clone() },
        RequestRow { api_key_id: None, ..base.clone() },
        RequestRow { session_id: None, ..base.clone() },
        RequestRow { origin: Origin::Demo.into(), ..base.clone() },
        RequestRow { created_at: later, ..base.clone() },
    ];
    let mut rows: Vec<_> = odd
        .into_iter()
        .map(|row| RequestRow { id: RequestId(world.database.clock.new_id()), ..row })
        .collect();
    rows.push(base);
    world.store.system().record(&[], &rows).await.expect("recorded");
    let filters = [
        RequestFilter { requested_model: Some("smart".to_owned()), ..RequestFilter::default() },
        RequestFilter { served_model: Some("steady".to_owned()), ..RequestFilter::default() },
        RequestFilter { endpoint: Some("/v1/chat/completions"), ..RequestFilter::default() },
        RequestFilter { outcome: Some(Outcome::Answered), ..RequestFilter::default() },
        RequestFilter { api_key_id: Some(Uuid::from_u128(1).into()), ..RequestFilter::default() },
        RequestFilter { session_id: Some(Uuid::from_u128(2)), ..RequestFilter::default() },
        RequestFilter { origin: Some(Origin::Live), ..RequestFilter::default() },
        RequestFilter { until: Some(later), ..RequestFilter::default() },
    ];
    for filter in filters {
        let found = world.organization.request_list(&filter, &all()).await.expect("read");
        assert_eq!(found.items.len(), 8, "{filter:?} leaves out exactly one row");
    }
    for one in [
        RequestFilter { since: Some(later), ..RequestFilter::default() },
        RequestFilter { endpoint: Some("/v1/messages"), ..RequestFilter::default() },
    ] {
        assert_eq!(world.organization.request_list(&one, &all()).await.expect("read").items.len(), 1);
    }

    let (other, _) = world.other().await;
    assert!(other.request_batch(&RequestFilter::default(), None, 7).await.expect("read").is_empty());
    assert_eq!(other.request_find(rows[0].id).await.expect("read"), None);
}

#[rstest]
#[tokio::test]
async fn batches_of_an_export_follow_each_other_and_stay_in_the_organization(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let mut rows = Vec::new();
    for number in 0..25 {
        if number % 3 == 0 {
            world.database.hand.advance(Duration::from_millis(1));
        }
        rows.push(event(&world, RequestId(world.database.clock.new_id())));
    }
    world.store.system().record(&rows, &[]).await.expect("recorded");
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let batch = world.organization.event_batch(&EventFilter::default(), after, 7).await.expect("read");
        let Some(last) = batch.last() else { break };
        after = Some(Position::from(last));
        found.extend(batch.into_iter().map(|row| row.id));
        assert!(found.len() <= rows.len(), "the batches overlap");
    }
    let newest_first: Vec<_> = rows.iter().rev().map(|row| row.id).collect();
    assert_eq!(found, newest_first);

    let (other, _) = world.other().await;
    assert!(other.event_batch(&EventFilter::default(), None, 7).await.expect("read").is_empty());
    assert_eq!(other.event_find(rows[0].id).await.expect("read"), None);
}

#[rstest]
#[tokio::test]
async fn a_row_with_words_of_a_newer_release_is_read(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    let request = RequestRow {
        outcome: Stored::parse("paused"),
        error_class: Some(Stored::parse("out_of_credit")),
        origin: Stored::parse("replay"),
        invocation_type: Stored::parse("image"),
        ..request(&world)
    };
    let event = FallbackEventRow { error_class: Stored::parse("out_of_credit"), ..event(&world, request.id) };
    let record = Record { events: vec![event.clone()], request: Some(request.clone()), ..Record::default() };
    recorder.write(record).await.expect("acknowledged");
    drop(recorder);
    writer.await.expect("the writer ends");

    let found = world.organization.request_find(request.id).await.expect("read").expect("a row");
    assert_eq!(found, RequestRow { recorded_at: found.recorded_at, ..request });
    let events = world.organization.event_list(&EventFilter::default(), &all()).await.expect("a list");
    assert_eq!(
        events.items.iter().map(|row| row.error_class.as_str()).collect::<Vec<_>>(),
        ["out_of_credit"]
    );
    let answered = RequestFilter { outcome: Some(Outcome::Answered), ..RequestFilter::default() };
    assert!(world.organization.request_list(&answered, &all()).await.expect("a list").items.is_empty());
}
