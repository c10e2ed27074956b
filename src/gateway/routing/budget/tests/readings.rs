//! What readings of the roll-ups make of the spending, and when periods begin.

use super::*;

#[tokio::test]
async fn what_the_roll_ups_say_takes_the_place_of_what_was_added_up() {
    let world = World::new();
    let reservation = world.reservation(&[budget(None, Period::Day, 100)]);
    reservation.settle(30);
    world.read(&[("2026-11-01", 400), ("2026-11-29", 50), ("2026-11-30", 45)]).await;
    assert_eq!((world.spent(Period::Day), world.spent(Period::Month)), (45, 495));
    assert_eq!(world.spending.spent(world.id, Some(world.key), Period::Month), 495);
    // What is recorded while they are read is not lost.
    let rows = async {
        reservation.settle(5);
        Ok(of(Vec::new()))
    };
    world.spending.read(None, Period::Month, rows).await.expect("read");
    assert_eq!(world.spent(Period::Day), 5);
    // Rows that were only handed to the writer are missing from every reading before they are durable.
    let arrived = reservation.leave(7);
    for _ in 0..3 {
        world.read(&[("2026-11-30", 5)]).await;
        assert_eq!(world.spent(Period::Day), 12);
    }
    arrived();
    assert_eq!(world.spent(Period::Day), 12);
    world.read(&[("2026-11-30", 12)]).await;
    assert_eq!(world.spent(Period::Day), 12);
    // What is durable during a reading stays until the next one.
    let arrived = reservation.leave(2);
    let rows = async {
        arrived();
        Ok(of(Vec::new()))
    };
    world.spending.read(None, Period::Month, rows).await.expect("read");
    assert_eq!(world.spent(Period::Day), 2);
    world.read(&[("2026-11-30", 5)]).await;
    // What cannot be read leaves what is known.
    let broken = async { Err(crate::domain::error::Error::internal("away")) };
    world.spending.read(None, Period::Month, broken).await.expect_err("away");
    assert_eq!(world.spent(Period::Day), 5);
}

/// A reading can include a row before its request knows that it is durable.
#[tokio::test]
async fn a_row_that_a_reading_includes_early_counts_once() {
    let world = World::new();
    let budgets = [budget(None, Period::Day, 1_000), budget(Some(world.key), Period::Month, 1_000)];
    let key_spent = || world.spending.spent(world.id, Some(world.key), Period::Month);
    let reservation = world.reservation(&budgets);
    world.read(&[("2026-11-02", 100), ("2026-11-30", 10)]).await;
    let arrived = reservation.leave(30);
    assert_eq!((world.spent(Period::Day), key_spent()), (40, 140));
    // The row is there before it is acknowledged, in one reading or in several.
    for _ in 0..3 {
        world.read_since(Period::Day, &[("2026-11-30", 40)]).await;
        assert_eq!((world.spent(Period::Day), key_spent()), (40, 140));
    }
    arrived();
    assert_eq!((world.spent(Period::Day), key_spent()), (40, 140));
    // The same if it is acknowledged while they are read, and another one is not in this reading yet.
    let (one, other) = (reservation.leave(3), reservation.leave(4));
    let row = |counted_nano_dollars| Spent {
        organization_id: world.id,
        api_key_id: world.key.0,
        day: DateTime::parse_from_rfc3339("2026-11-30T00:00:00Z").expect("a day").timestamp(),
        counted_nano_dollars,
        unpriced: 0,
    };
    let rows = async {
        one();
        Ok(of(vec![row(43)]))
    };
    world.spending.read(None, Period::Day, rows).await.expect("read");
    assert_eq!((world.spent(Period::Day), key_spent()), (47, 147));
    other();
    // What other processes have spent is seen, and what was taken back is not kept.
    world.read(&[("2026-11-02", 100), ("2026-11-30", 57)]).await;
    assert_eq!((world.spent(Period::Day), key_spent()), (57, 157));
    let arrived = reservation.leave(5);
    world.read(&[("2026-11-02", 100), ("2026-11-30", 20)]).await;
    assert_eq!((world.spent(Period::Day), key_spent()), (25, 125));
    arrived();
}

/// Rows in the spool, and those that could not be folded in time, are in no reading and are not forgotten.
#[tokio::test]
async fn a_row_that_a_reading_lacks_is_not_forgotten() {
    let world = World::new();
    let reservation = world.reservation(&[budget(None, Period::Day, 1_000)]);
    let account = world.spending.account((world.id, None));
    let reading = |spooled: bool, folded: bool, found: i64| {
        account.begin_reading(spooled);
        account.found(Period::Day.start(noon()).timestamp(), found, 0);
        account.end_reading(Period::Month, folded, noon());
        world.spent(Period::Day)
    };
    assert_eq!(reading(false, true, 10), 10);
    reservation.settle(30);
    assert_eq!([reading(true, true, 10), reading(true, true, 25), reading(false, true, 40)], [40; 3]);
    reservation.settle(5);
    assert_eq!([reading(false, false, 40), reading(false, false, 45), reading(false, true, 45)], [45; 3]);
    // What other processes have spent is seen as soon as it is more than what may be missing.
    reservation.settle(5);
    assert_eq!([reading(true, true, 70), reading(false, true, 75)], [70, 75]);
}

proptest! {
    /// Rows become durable, are acknowledged, and readings begin and end, in any order: what one process has spent is
    /// exact at every moment.
    #[test]
    fn the_spending_of_one_process_is_exact(steps in prop::collection::vec((0_u8..5, 1_i64..100), 1..200)) {
        let world = World::new();
        let reservation = world.reservation(&[budget(None, Period::Day, i64::MAX)]);
        let account = world.spending.account((world.id, None));
        let (mut spent, mut durable) = (0, 0);
        let (mut handed, mut unacknowledged) = (Vec::new(), Vec::new());
        let mut reading: Option<Option<i64>> = None;
        for (step, cost) in steps {
            match step {
                0 => {
                    handed.push((cost, reservation.leave(cost)));
                    spent += cost;
                }
                1 => if let Some((cost, arrived)) = handed.pop() {
                    durable += cost;
                    unacknowledged.push(arrived);
                }
                2 => if let Some(arrived) = unacknowledged.pop() {
                    arrived();
                }
                3 if reading.is_none() => {
                    account.begin_reading(false);
                    reading = Some(None);
                }
                // The database answers at some time between the beginning and the end.
                3 => reading = Some(Some(durable)),
                _ => if let Some(Some(found)) = reading.take() {
                    account.found(Period::Day.start(noon()).timestamp(), found, 0);
                    account.end_reading(Period::Month, true, noon());
                }
            }
            prop_assert_eq!(world.spent(Period::Day), spent);
        }
    }
}

#[tokio::test]
async fn what_is_durable_in_a_new_period_counts_in_the_old_one() {
    let world = World::new();
    let arrived = world.reservation(&[budget(None, Period::Day, 100)]).leave(7);
    world.hand.advance(Duration::from_secs(12 * 3_600));
    arrived();
    assert_eq!((world.spent(Period::Day), world.spent(Period::Month)), (0, 0));
}

#[tokio::test]
async fn today_is_read_often_and_earlier_days_now_and_then() {
    let world = World::new();
    assert_eq!(world.spending.needed(), Period::Month);
    world.read(&[("2026-11-01", 400), ("2026-11-30", 40)]).await;
    assert_eq!(world.spending.needed(), Period::Day);
    for today in [45, 46] {
        world.read_since(Period::Day, &[("2026-11-30", today)]).await;
        assert_eq!((world.spent(Period::Day), world.spent(Period::Month)), (today, 400 + today));
    }
    world.hand.advance(Duration::from_secs(60));
    assert_eq!(world.spending.needed(), Period::Month);
    // Late records of an earlier day are seen then.
    world.read(&[("2026-11-01", 410), ("2026-11-30", 46)]).await;
    assert_eq!(world.spent(Period::Month), 456);
}

#[tokio::test]
async fn an_account_that_is_new_has_its_whole_month_read() {
    let world = World::new();
    world.read(&[]).await;
    assert_eq!(world.spending.needed(), Period::Day);
    for _ in 0..2 {
        world.read_since(Period::Day, &[("2026-11-30", 5)]).await;
        assert_eq!(world.spent(Period::Month), 5);
    }
    let world = World::new();
    world.read(&[]).await;
    world.read_since(Period::Day, &[("2026-11-30", 5)]).await;
    assert_eq!(world.spending.needed(), Period::Month);
    world.read(&[("2026-11-02", 70), ("2026-11-30", 5)]).await;
    assert_eq!((world.spent(Period::Month), world.spending.needed()), (75, Period::Day));
}

#[tokio::test]
async fn a_new_period_begins_with_nothing_spent() {
    let world = World::new();
    let reservation = world.reservation(&[budget(None, Period::Day, 100)]);
    world.read(&[("2026-11-29", 7), ("2026-11-30", 100)]).await;
    assert!(reservation.exceeded_by(exactly(1)).is_some());
    world.hand.advance(Duration::from_secs(12 * 3_600));
    assert_eq!((world.spent(Period::Day), world.spent(Period::Month)), (0, 0));
    assert_eq!(reservation.exceeded_by(exactly(100)), None);
    // Yesterday's figures are no longer today's, however late they are read.
    world.read(&[("2026-11-30", 100), ("2026-12-01", 3)]).await;
    assert_eq!((world.spent(Period::Day), world.spent(Period::Month)), (3, 3));
}
