//! Rows, roll-ups and usage through the real store: equal sums, to the last nano-dollar.

use std::time::Duration;

use rstest::rstest;
use uuid::Uuid;

use super::records::request;
use super::{Kind, World};
use crate::config::recording::Recording;
use crate::domain::amount::MOST_NANO_DOLLARS;
use crate::domain::outcome::Outcome;
use crate::store::pagination::PageRequest;
use crate::store::recorder::{Record, Recorder};
use crate::store::{RequestCounts, RequestFilter, RollupSpan, UsageBy, UsageFilter};

#[rstest]
#[tokio::test]
async fn rows_and_roll_ups_are_one_sum(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let world = World::new(kind).await;
    let (recorder, writer) = Recorder::start(&world.store, &Recording::default()).await.expect("a recorder");
    let begun = world.database.clock.now();
    // Numbers that look random but are the same every time.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for number in 0..190 {
        let mut row = request(&world);
        let cost = if number % 9 == 0 { MOST_NANO_DOLLARS } else { next(1_000_000_007).cast_signed() };
        row.cost_nano_dollars = (number % 7 != 3).then_some(cost);
        row.output_tokens = Some(next(100_000_000).cast_signed());
        row.session_id = (number % 3 != 0).then(|| Uuid::from_u128(next(5).into()));
        row.api_key_id = (number % 4 != 0).then(|| Uuid::from_u128(u128::from(next(3)) + 1));
        row.outcome = if number % 5 == 0 { Outcome::Interrupted } else { Outcome::Answered }.into();
        recorder
            .write(Record { events: Vec::new(), request: Some(row), ..Record::default() })
            .await
            .expect("durable");
        world.database.hand.advance(Duration::from_secs(next(7_200)));
    }
    drop(recorder);
    writer.await.expect("no panic");

    let page = PageRequest { limit: 200, cursor: None };
    let rows = world.organization.request_list(&RequestFilter::default(), &page).await.expect("rows").items;
    assert_eq!(rows.len(), 190);
    let invoice: i64 = rows.iter().filter_map(|row| row.cost_nano_dollars).sum();
    let tokens: i64 = rows.iter().filter_map(|row| row.output_tokens).sum();
    let span =
        RollupSpan { since: begun, until: world.database.clock.now() + Duration::from_secs(1), origin: None };
    let counts = world.organization.request_counts(&span, 300).await.expect("counts");
    let counted = counts.values().fold(RequestCounts::default(), RequestCounts::and);
    assert_eq!((counted.cost_nano_dollars, counted.output_tokens), (invoice, tokens));
    for by in [vec![], vec![UsageBy::Day], vec![UsageBy::Model], vec![UsageBy::Day, UsageBy::Key]] {
        let filter = UsageFilter { by: by.clone(), ..UsageFilter::default() };
        let usage = world.organization.usage(&filter, None, 1_000).await.expect("usage");
        let sum: (i64, i64) =
            usage.iter().fold((0, 0), |sum, row| (sum.0 + row.cost_nano_dollars, sum.1 + row.output_tokens));
        assert_eq!(sum, (invoice, tokens), "{by:?}");
    }
    let of_sessions: i64 =
        rows.iter().filter(|row| row.session_id.is_some()).filter_map(|row| row.cost_nano_dollars).sum();
    let filter = UsageFilter { by: vec![UsageBy::Session], ..UsageFilter::default() };
    let usage = world.organization.usage(&filter, None, 1_000).await.expect("usage");
    assert_eq!(usage.iter().map(|row| row.cost_nano_dollars).sum::<i64>(), of_sessions);
}
