//! A list with several filters has the same rows in the same order as the whole list has, narrowed.

use std::time::Duration;

use chrono::TimeDelta;
use entity::ids::RequestId;
use rstest::rstest;
use uuid::Uuid;

use crate::domain::failure::class::ErrorClass;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::store::pagination::{Direction, Position};
use crate::store::tests::records::{event, request};
use crate::store::tests::{Kind, World};
use crate::store::{EventFilter, FallbackEventRow, RequestFilter, RequestRow};

/// Rows of two weeks. Some arrived in one hour and are counted in the next, and some hours have many.
async fn records(world: &World) -> (Vec<RequestRow>, Vec<FallbackEventRow>) {
    let (mut requests, mut events) = (Vec::new(), Vec::new());
    for number in 0..90_u64 {
        let hours = if number % 9 < 5 { 0 } else { number % 13 };
        world.database.hand.advance(Duration::from_secs(hours * 3_600 + 420));
        let mut row = request(world);
        row.requested_model = ["a", "b", "c"][usize::try_from(number % 3).expect("small")].to_owned();
        row.served_model = (number % 5 != 0).then(|| ["a", "b"][usize::from(number % 7 < 3)].to_owned());
        row.outcome = if number % 5 == 0 { Outcome::Failed } else { Outcome::Answered }.into();
        if number % 8 == 0 {
            row.endpoint = "/v1/messages".to_owned();
        }
        row.api_key_id = Some(Uuid::from_u128(u128::from(number % 2)));
        row.created_at += TimeDelta::minutes(i64::try_from(number % 4).expect("small") * 4);
        let mut failed = event(world, row.id);
        failed.failed_model = row.requested_model.clone();
        failed.next_model.clone_from(&row.served_model);
        failed.error_class =
            if number % 4 == 0 { ErrorClass::Timeout } else { ErrorClass::RateLimited }.into();
        failed.created_at = row.created_at;
        if number == 41 {
            row.origin = Origin::Drill.into();
            failed.origin = Origin::Drill.into();
        }
        requests.push(row);
        events.push(failed);
    }
    world.store.system().record(&events, &requests).await.expect("recorded");
    requests.sort_by_key(|row| std::cmp::Reverse(row.id.0));
    events.sort_by_key(|row| std::cmp::Reverse(row.id.0));
    (requests, events)
}

#[rstest]
#[tokio::test]
async fn requests_with_several_filters_are_those_of_the_whole_list(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let (rows, _) = records(&world).await;
    let middle = rows[40].created_at;
    for number in 0..4 * 3 * 3 * 2 * 3 {
        let filter = RequestFilter {
            endpoint: [None, None, Some("/v1/messages")][number % 7 % 3],
            requested_model: [None, Some("a"), Some("c"), Some("x")][number % 4].map(str::to_owned),
            served_model: [None, Some("a"), Some("b")][number / 4 % 3].map(str::to_owned),
            outcome: [None, Some(Outcome::Failed), Some(Outcome::Answered)][number / 12 % 3],
            api_key_id: [None, Some(Uuid::from_u128(1).into())][number / 36 % 2],
            origin: Some(Origin::Live),
            since: (number / 72 % 3 == 1).then_some(middle),
            until: (number / 72 % 3 == 2).then_some(middle),
            ..RequestFilter::default()
        };
        let matching = rows.iter().filter(|row| {
            filter.requested_model.as_ref().is_none_or(|model| row.requested_model == *model)
                && filter.served_model.as_ref().is_none_or(|model| row.served_model.as_ref() == Some(model))
                && filter.endpoint.is_none_or(|endpoint| row.endpoint == endpoint)
                && filter.outcome.is_none_or(|outcome| row.outcome == outcome)
                && filter.api_key_id.is_none_or(|key| row.api_key_id == Some(key.0))
                && row.origin == Origin::Live
                && filter.since.is_none_or(|since| row.created_at >= since)
                && filter.until.is_none_or(|until| row.created_at < until)
        });
        let expected: Vec<RequestId> = matching.map(|row| row.id).collect();
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let batch = world.organization.request_batch(&filter, after, 4).await.expect("read");
            found.extend(batch.iter().map(|row| row.id));
            after = batch.last().map(Position::from);
            if batch.len() < 4 {
                break;
            }
        }
        assert_eq!(found, expected, "{filter:?}");
    }
}

#[rstest]
#[tokio::test]
async fn events_with_several_filters_can_be_paged_in_both_directions(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let world = World::new(kind).await;
    let (_, rows) = records(&world).await;
    for (model, next, class) in [
        (Some("a"), None, Some(ErrorClass::RateLimited)),
        (Some("b"), Some("a"), None),
        (None, Some("b"), Some(ErrorClass::Timeout)),
        (Some("a"), Some("c"), None),
    ] {
        let filter = EventFilter {
            failed_model: model.map(str::to_owned),
            next_model: next.map(str::to_owned),
            error_class: class,
            origin: Some(Origin::Live),
            ..EventFilter::default()
        };
        let expected: Vec<_> = rows.iter().filter(|row| filter.matches(row)).map(|row| row.id).collect();
        let page =
            async |direction| world.organization.event_page(&filter, direction, 3).await.expect("a page");
        let (mut pages, mut direction) = (Vec::new(), Direction::First);
        loop {
            let found = page(direction).await;
            let older = found.older;
            pages.push(found);
            let Some(older) = older else { break };
            direction = Direction::Older(older);
        }
        let found = pages.iter().flat_map(|page| &page.items).map(|row| row.id);
        assert!(found.eq(expected.iter().copied()), "{filter:?}");
        for pair in pages.windows(2).rev() {
            let back = page(Direction::Newer(pair[1].newer.expect("a page before it"))).await;
            assert_eq!(back.items, pair[0].items, "{filter:?}");
        }
    }
}
