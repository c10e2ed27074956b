//! Spending, reservations and periods.

mod readings;

use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::clock::ManualClock;
use crate::store::Spent;

fn noon() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-30T12:00:00Z").expect("a time").to_utc()
}

impl BudgetReservation {
    /// Counts a row that is durable at once.
    fn settle(&self, cost: i64) {
        self.leave(cost)();
    }
}

/// What a reading finds.
fn of(rows: Vec<Spent>) -> SpentByDay {
    SpentByDay { rows, folded: true }
}

struct World {
    spending: Spending,
    hand: ManualClock,
    id: OrganizationId,
    key: ApiKeyId,
}

impl World {
    fn new() -> Self {
        let (clock, hand) = Clock::manual(noon());
        Self {
            spending: Spending::new(clock),
            hand,
            id: Uuid::from_u128(1).into(),
            key: Uuid::from_u128(2).into(),
        }
    }

    /// A reservation in these budgets.
    fn reservation(&self, budgets: &[BudgetEntry]) -> BudgetReservation {
        let mut reservation = BudgetReservation::new(self.spending.clock.clone());
        for (owner, key) in [(BudgetOwner::Organization, None), (BudgetOwner::Key, Some(self.key))] {
            let limits = budgets.iter().filter(|budget| budget.api_key_id == key).copied().collect();
            reservation.add(owner, limits, || self.spending.account((self.id, key)));
        }
        reservation
    }

    fn spent(&self, period: Period) -> i64 {
        self.spending.spent(self.id, None, period)
    }

    async fn read(&self, days: &[(&str, i64)]) {
        self.read_since(Period::Month, days).await;
    }

    async fn read_since(&self, period: Period, days: &[(&str, i64)]) {
        let row = |(day, counted_nano_dollars): &(&str, i64)| Spent {
            organization_id: self.id,
            api_key_id: self.key.0,
            day: DateTime::parse_from_rfc3339(&format!("{day}T00:00:00Z")).expect("a day").timestamp(),
            counted_nano_dollars: *counted_nano_dollars,
            unpriced: 0,
        };
        let rows = days.iter().map(row).collect();
        self.spending.read(None, period, async { Ok(of(rows)) }).await.expect("read");
    }
}

fn budget(key: Option<ApiKeyId>, period: Period, hard: i64) -> BudgetEntry {
    BudgetEntry {
        id: Uuid::nil().into(),
        api_key_id: key,
        period,
        soft: Some(hard / 2),
        hard: Some(hard),
        warned_at: None,
    }
}

/// What a call costs where its caller limits the answer.
fn exactly(cost: i64) -> Estimate {
    Estimate::Between { least: cost, most: cost }
}

#[test]
fn without_a_limit_of_its_own_a_call_has_the_budget_to_itself() {
    let world = World::new();
    let budgets = [budget(None, Period::Day, 100)];
    let (first, second) = (world.reservation(&budgets), world.reservation(&budgets));
    let open = Estimate::Between { least: 5, most: 1_000 };
    assert_eq!(first.reserve(open), None);
    for estimate in [open, exactly(1), exactly(100)] {
        let exceeded_by = second.reserve(estimate).expect("over");
        assert!(!exceeded_by.used_up && exceeded_by.passing, "{exceeded_by:?}");
        assert_eq!(exceeded_by.retry_after(), Some(Duration::from_secs(1)));
    }
    // What would not fit without the other, either, has no reason to wait.
    assert!(second.reserve(exactly(101)).is_some_and(|exceeded_by| exceeded_by.retry_after().is_none()));
    first.settle(150);
    assert!(second.reserve(open).is_some_and(|exceeded_by| exceeded_by.used_up));
    // Its prompt alone has to fit.
    let other = world.reservation(&[budget(None, Period::Day, 154)]);
    assert!(other.reserve(open).is_some());
}

#[test]
fn a_key_reserves_no_more_than_its_own_budget_has() {
    let world = World::new();
    let own = budget(Some(world.key), Period::Day, 30);
    let budgets = [budget(None, Period::Day, 100), own];
    let reservation = world.reservation(&budgets);
    assert_eq!(reservation.reserve(Estimate::Between { least: 5, most: 1_000 }), None);
    let others = world.reservation(&budgets[..1]);
    assert_eq!(others.reserve(exactly(70)), None);
    assert!(others.reserve(exactly(71)).is_some_and(|exceeded_by| exceeded_by.passing));
    // It is alone in its own budget.
    let again = world.reservation(&[own]);
    assert!(again.reserve(exactly(1)).is_some_and(|exceeded_by| exceeded_by.owner == BudgetOwner::Key));
}

#[test]
fn what_is_reserved_is_not_there_for_others() {
    let world = World::new();
    let budgets = [budget(None, Period::Day, 100)];
    let (first, second) = (world.reservation(&budgets), world.reservation(&budgets));
    assert_eq!(first.reserve(exactly(60)), None);
    assert!(second.reserve(exactly(60)).is_some());
    assert_eq!(second.reserve(exactly(40)), None);
    // Its own reservation does not stand in its way, and a cheaper call takes its place.
    assert_eq!(first.exceeded_by(exactly(60)), None);
    assert_eq!(first.reserve(exactly(10)), None);
    assert_eq!(second.reserve(exactly(90)), None);
    drop(second);
    assert_eq!(world.reservation(&budgets).exceeded_by(exactly(90)), None);
    first.settle(30);
    assert!(!first.soft_limit_reached());
    assert_eq!((world.spent(Period::Day), world.spent(Period::Month)), (30, 30));
    assert!(first.exceeded_by(exactly(71)).is_some() && first.exceeded_by(exactly(70)).is_none());
}

#[test]
fn what_earlier_calls_of_a_request_cost_is_not_there_for_the_next() {
    let world = World::new();
    let budgets = [budget(None, Period::Day, 100), budget(Some(world.key), Period::Day, 90)];
    let (first, second) = (world.reservation(&budgets), world.reservation(&budgets));
    assert_eq!(first.reserve(exactly(60)), None);
    first.used(50);
    assert!(first.exceeded_by(exactly(41)).is_some() && first.exceeded_by(exactly(40)).is_none());
    let exceeded_by = first.reserve(exactly(41)).expect("over");
    assert_eq!(exceeded_by.owner, BudgetOwner::Key);
    // It stays reserved, and nothing else does.
    assert!(second.exceeded_by(exactly(41)).is_some() && second.exceeded_by(exactly(40)).is_none());
    assert_eq!(first.reserve(exactly(10)), None);
    assert!(second.exceeded_by(exactly(31)).is_some() && second.exceeded_by(exactly(30)).is_none());
    // A call may cost more than was reserved for it.
    first.used(40);
    assert!(second.exceeded_by(exactly(1)).is_some());
    for estimate in [Estimate::Unknown, exactly(0)] {
        assert!(first.reserve(estimate).is_some_and(|exceeded_by| exceeded_by.used_up));
    }
    first.used(-30);
    assert_eq!(first.reserve(exactly(30)), None);
    first.settle(90);
    assert_eq!(world.spent(Period::Day), 90);
    drop(first);
    assert!(second.exceeded_by(exactly(1)).is_some());
    assert_eq!(world.reservation(&budgets[..1]).exceeded_by(exactly(10)), None);
}

#[test]
fn every_budget_has_to_hold_it_and_the_one_that_does_not_is_named() {
    let world = World::new();
    let budgets = [
        budget(None, Period::Month, 100),
        budget(Some(world.key), Period::Day, 50),
        budget(None, Period::Day, 80),
    ];
    let reservation = world.reservation(&budgets);
    let exceeded_by = reservation.reserve(exactly(60)).expect("over");
    assert_eq!((exceeded_by.owner, exceeded_by.period), (BudgetOwner::Key, Period::Day));
    assert_eq!(exceeded_by.resets_at.to_rfc3339(), "2026-12-01T00:00:00+00:00");
    // Nothing of it is left reserved in the other one.
    assert_eq!(world.reservation(&budgets[..1]).exceeded_by(exactly(100)), None);
    assert_eq!(reservation.reserve(exactly(50)), None);
    assert!(exceeded_by.to_string().contains("the API key's budget for the day"), "{exceeded_by}");
}

#[test]
fn with_an_unknown_price_only_what_was_spent_counts() {
    let world = World::new();
    let reservation = world.reservation(&[budget(None, Period::Day, 100)]);
    let other = world.reservation(&[budget(None, Period::Day, 100)]);
    assert_eq!(other.reserve(exactly(100)), None);
    assert_eq!(reservation.reserve(Estimate::Unknown), None);
    other.settle(100);
    assert!(reservation.reserve(Estimate::Unknown).is_some());
    // What costs nothing can be paid for with nothing; what costs nothing but its answer cannot.
    assert_eq!(reservation.reserve(Estimate::Free), None);
    assert!(reservation.reserve(exactly(0)).is_some_and(|exceeded_by| exceeded_by.used_up));
}

proptest! {
    /// Whatever calls say about the length of their answers: beyond a hard limit there is one answer at most.
    #[test]
    fn beyond_a_hard_limit_there_is_one_answer_at_most(hard in 0_i64..500, requests in prop::collection::vec((0_usize..6, 0_i64..50, 0_i64..900, any::<bool>()), 1..80)) {
        let world = World::new();
        let budgets = [budget(None, Period::Day, hard), budget(Some(world.key), Period::Day, hard)];
        let mut under_way: Vec<Option<(BudgetReservation, i64)>> = (0..6).map(|_| None).collect();
        for (place, least, more, ends) in requests {
            match under_way[place].take() {
                Some((reservation, most)) if ends => reservation.settle(most),
                Some(_) => {}
                None => {
                    let reservation = world.reservation(&budgets);
                    let most = least + more;
                    let used_up = world.spent(Period::Day) >= hard;
                    let exceeded_by = reservation.reserve(Estimate::Between { least, most });
                    prop_assert!(!used_up || exceeded_by.is_some());
                    if exceeded_by.is_none() {
                        under_way[place] = Some((reservation, most));
                    }
                }
            }
            prop_assert!(world.spent(Period::Day) <= hard + 950);
        }
    }

    /// Answers that cost no more than they reserved never take a hard limit beyond itself, in whatever order they come.
    #[test]
    fn a_hard_limit_holds(hard in 0_i64..500, requests in prop::collection::vec((0_usize..6, 1_i64..200, 0_i64..=100, any::<bool>()), 1..60)) {
        let world = World::new();
        let budgets = [budget(None, Period::Day, hard), budget(Some(world.key), Period::Month, hard + 50)];
        let mut under_way: Vec<Option<(BudgetReservation, i64)>> = (0..6).map(|_| None).collect();
        for (place, estimate, part, leaves) in requests {
            match under_way[place].take() {
                Some((reservation, reserved)) if !leaves => reservation.settle(reserved * part / 100),
                Some(_) => {}
                None => {
                    let reservation = world.reservation(&budgets);
                    if reservation.reserve(exactly(estimate)).is_none() {
                        under_way[place] = Some((reservation, estimate));
                    }
                }
            }
            prop_assert!(world.spent(Period::Day) <= hard);
        }
        drop(under_way);
        // Everything that was reserved is given back.
        let left = hard - world.spent(Period::Day);
        prop_assert!(left == 0 || world.reservation(&budgets[..1]).exceeded_by(exactly(left)).is_none());
    }
}
