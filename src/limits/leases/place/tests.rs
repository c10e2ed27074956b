//! What every place does with orders: the same tests for all of them, with two processes.

use std::sync::Arc;

use entity::ids::{ApiKeyId, OrganizationId};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use super::*;
use crate::domain::clock::Clock;
use crate::limits::leases::counter::{Counter, DAY, Measure, Owner};
use crate::limits::leases::order::{Entry, Spend};
use crate::limits::valkey::ValkeyClient;
use crate::store::maintenance::system::NewOrganization;
use crate::store::tests::database::{Kind, TestDatabase};

/// A time on the grid of every span.
const NOW: i64 = 20_000 * DAY;

/// Two processes that count at the same place.
struct Processes {
    first: LimitPlace,
    second: LimitPlace,
    organization: OrganizationId,
    _database: Option<TestDatabase>,
}

impl Processes {
    fn in_memory() -> Self {
        let (clock, _) = Clock::manual(chrono::DateTime::UNIX_EPOCH);
        let memory = Memory::new(clock, "first");
        let second = LimitPlace::Memory(memory.beside("second"));
        let organization = OrganizationId(Uuid::from_u128(1));
        Self { first: LimitPlace::Memory(memory), second, organization, _database: None }
    }

    async fn in_postgres() -> Self {
        let database = TestDatabase::new(Kind::Postgres).await;
        let store = database.open().await;
        let new = NewOrganization {
            name: "acme".to_owned(),
            email: "owner@acme.example".to_owned(),
            ..NewOrganization::default()
        };
        let made = store.system().organization_create(new).await.expect("an organization");
        let place = |holder| LimitPlace::Postgres(Postgres::new(store.clone(), holder));
        Self {
            first: place("first"),
            second: place("second"),
            organization: made.organization_id,
            _database: Some(database),
        }
    }

    fn in_valkey() -> Self {
        let client = Arc::new(ValkeyClient::new(&valkey_address().as_str().into()).expect("a client"));
        let place = |holder| LimitPlace::Valkey(Valkey::new(client.clone(), holder));
        let organization = OrganizationId(Clock::system().new_id());
        Self { first: place("first"), second: place("second"), organization, _database: None }
    }

    fn counter(&self, measure: Measure) -> Counter {
        Counter { organization: self.organization, owner: Owner::Organization, model: None, measure }
    }

    /// An order for one unit of a limit of ten, which keeps and reports nothing.
    fn order(&self, measure: Measure) -> Order {
        Order {
            counter: self.counter(measure),
            most: 10,
            keep: 0,
            smallest: 1,
            need: 1,
            ahead: 0,
            spends: Vec::new(),
            now: Some(NOW),
        }
    }
}

/// A missing server fails the test, because a skipped part would look like a passed one.
pub(in crate::limits::leases) fn valkey_address() -> String {
    #[expect(clippy::disallowed_methods, reason = "a test's surroundings, not a setting of the product")]
    let address = std::env::var("FAILSOFT_TEST_VALKEY_URL");
    address.expect(
        "FAILSOFT_TEST_VALKEY_URL is not set: these tests need a Valkey. `make test` starts a throw-away one and sets it; \
         for a single test, `.ci/with-postgres cargo test --lib limits::`. The value is valkey://host:port",
    )
}

async fn take(place: &LimitPlace, order: Order) -> Grant {
    let mut grant = place.take(&[order]).await.expect("a grant").remove(0);
    grant.entries.sort_unstable_by_key(|entry| (entry.ends, entry.units));
    grant
}

fn entry(after: i64, units: i64) -> Entry {
    Entry { ends: NOW + after, units }
}

fn spent(units: i64, ago: i64) -> Vec<Spend> {
    vec![Spend { units, ago }]
}

/// Defines a test for each place.
macro_rules! at_every_place {
    ($(async fn $name:ident($processes:ident: Processes) $body:block)*) => {
        $(
            mod $name {
                use super::*;

                async fn test($processes: Processes) $body

                #[tokio::test]
                async fn in_memory() {
                    test(Processes::in_memory()).await;
                }

                #[tokio::test]
                async fn in_postgres() {
                    test(Processes::in_postgres().await).await;
                }

                #[tokio::test]
                async fn in_valkey() {
                    test(Processes::in_valkey()).await;
                }
            }
        )*
    };
}

at_every_place! {
    async fn what_one_process_has_taken_the_other_does_not_get(processes: Processes) {
        let order = processes.order(Measure::RequestsPerMinute);
        let first = take(&processes.first, Order { need: 7, ..order.clone() }).await;
        assert_eq!(first, Grant { held: 7, now: NOW, entries: vec![] });
        let second = take(&processes.second, Order { need: 7, ..order.clone() }).await;
        assert_eq!(second, Grant { held: 3, now: NOW, entries: vec![entry(61_000, 7)] });
        let third = take(&processes.first, Order { keep: 7, ..order.clone() }).await;
        assert_eq!(third, Grant { held: 7, now: NOW, entries: vec![entry(61_000, 3)] });
        // All of it comes back as soon as it is not kept.
        let back = take(&processes.second, Order { need: 0, smallest: 0, ..order.clone() }).await;
        assert_eq!(back.held, 0);
        assert_eq!(take(&processes.first, Order { keep: 7, need: 3, ..order }).await.held, 10);
    }

    async fn what_is_spent_counts_for_a_minute_and_a_second_at_most(processes: Processes) {
        let order = processes.order(Measure::RequestsPerMinute);
        take(&processes.first, Order { need: 10, ..order.clone() }).await;
        let later = |after: i64| Order { now: Some(NOW + after), ..order.clone() };
        let settled = Order { spends: spent(4, 250), need: 0, smallest: 0, ..later(1_250) };
        assert_eq!(take(&processes.first, settled).await.entries, [entry(61_000, 4)]);
        for (after, held) in [(1_300, 6), (60_999, 6), (61_000, 10)] {
            let grant = take(&processes.second, Order { need: 10, ..later(after) }).await;
            assert_eq!(grant.held, held, "{after}");
        }
    }

    async fn a_process_that_died_has_lost_its_slice_until_the_window_ends(processes: Processes) {
        for (measure, ends) in [
            (Measure::RequestsPerMinute, 61_000),
            (Measure::TokensPerDay, DAY),
            (Measure::ConcurrentRequests, 4_000),
        ] {
            let order = processes.order(measure);
            assert_eq!(take(&processes.first, Order { need: 10, ..order.clone() }).await.held, 10);
            for (now, held) in [(NOW + ends - 1, 0), (NOW + ends, 1)] {
                let grant = take(&processes.second, Order { now: Some(now), ..order.clone() }).await;
                assert_eq!(grant.held, held, "{measure:?}");
            }
        }
    }

    async fn a_day_ends_at_midnight(processes: Processes) {
        let order = processes.order(Measure::RequestsPerDay);
        let evening = |before: i64| Some(NOW + DAY - before);
        take(&processes.first, Order { need: 10, now: evening(10), ..order.clone() }).await;
        let settled = Order { spends: spent(10, 5), need: 0, smallest: 0, now: evening(5), ..order.clone() };
        assert_eq!(take(&processes.first, settled).await.entries, [entry(DAY, 10)]);
        assert_eq!(take(&processes.second, Order { now: evening(1), ..order.clone() }).await.held, 0);
        let midnight = Order { need: 10, now: evening(0), ..order.clone() };
        assert_eq!(take(&processes.second, midnight).await, Grant { held: 10, now: NOW + DAY, entries: vec![] });
        // What was spent before it counts for the day before.
        let late = Order { spends: spent(3, 20), now: evening(-10), ..order };
        assert_eq!(take(&processes.first, late).await.entries, [entry(2 * DAY, 10)]);
    }

    async fn what_is_given_back_never_counts_longer_than_what_it_is_taken_from(processes: Processes) {
        let order = Order { need: 0, smallest: 0, ..processes.order(Measure::TokensPerMinute) };
        let at = |after: i64, spends| Order { spends, now: Some(NOW + after), ..order.clone() };
        take(&processes.first, at(100, spent(8, 0))).await;
        let grant = take(&processes.first, at(30_100, spent(-6, 30_000))).await;
        assert_eq!(grant.entries, [entry(59_000, -6), entry(61_000, 8)]);
        for (after, used) in [(58_999, 2), (59_000, 8), (60_999, 8), (61_000, 0)] {
            let sum: i64 = take(&processes.second, at(after, vec![])).await.entries.iter().map(|entry| entry.units).sum();
            assert_eq!(sum, used, "{after}");
        }
    }

    async fn an_order_that_arrives_twice_makes_no_room(processes: Processes) {
        let order = processes.order(Measure::RequestsPerMinute);
        let twice = Order { keep: 2, need: 2, spends: spent(1, 0), ..order.clone() };
        assert_eq!(take(&processes.first, twice.clone()).await.held, 4);
        assert_eq!(take(&processes.first, twice).await.held, 4);
        let left = take(&processes.second, Order { need: 10, ..order }).await;
        assert_eq!((left.held, left.entries), (4, vec![entry(60_000, 2), entry(61_000, 4)]));
    }

    async fn too_little_is_not_given_and_little_is_kept_for_others(processes: Processes) {
        let order = Order { most: 100, ..processes.order(Measure::TokensPerMinute) };
        let ahead = take(&processes.first, Order { need: 20, ahead: 1_000, ..order.clone() }).await;
        assert_eq!(ahead.held, 40, "a quarter of the rest");
        let large = take(&processes.second, Order { need: 61, smallest: 61, ..order.clone() }).await;
        assert_eq!(large.held, 0, "a part of it helps no request");
        let some = take(&processes.second, Order { need: 61, smallest: 5, ..order.clone() }).await;
        assert_eq!(some.held, 60, "one of them fits");
        let lower = take(&processes.first, Order { most: 70, keep: 40, ..order }).await;
        assert_eq!(lower.held, 10, "what a lower limit leaves");
    }

    async fn many_counters_are_handled_together(processes: Processes) {
        let keys: Vec<Order> = (0..50)
            .map(|number| {
                let mut order = processes.order(Measure::RequestsPerMinute);
                order.counter.owner = Owner::Key(ApiKeyId(Uuid::from_u128(number)));
                order.need = i64::try_from(number % 12).expect("small");
                order
            })
            .collect();
        let held = |grants: Vec<Grant>| grants.iter().map(|grant| grant.held).collect::<Vec<_>>();
        let first = held(processes.first.take(&keys).await.expect("grants"));
        assert_eq!(first, (0..50).map(|number| (number % 12).min(10)).collect::<Vec<_>>());
        let reversed: Vec<Order> = keys.iter().rev().cloned().collect();
        let (one, other) = tokio::join!(processes.first.take(&reversed), processes.second.take(&keys));
        assert_eq!((one.expect("grants").len(), held(other.expect("grants")).len()), (50, 50));
    }

    async fn the_place_has_a_time_of_its_own(processes: Processes) {
        let order = Order { now: None, ..processes.order(Measure::RequestsPerMinute) };
        let (first, second) = (take(&processes.first, order.clone()).await, take(&processes.second, order).await);
        assert!((0..60_000).contains(&(second.now - first.now)), "{first:?} {second:?}");
        assert_eq!(second.entries.len(), 1);
    }

    async fn no_minute_has_more_than_the_limit(processes: Processes) {
        let step = (0_i64..2_000, 0_usize..2, 0_i64..8, 0_i64..20);
        let mut runner = TestRunner::deterministic();
        let steps = proptest::collection::vec(step, 100..150).new_tree(&mut runner).expect("steps").current();
        let (limit, mut now, mut spent_at) = (10, NOW, Vec::new());
        let (mut held, mut granted_at) = ([0_i64; 2], [0_i64; 2]);
        for (passed, which, spends, need) in steps {
            now += passed;
            // A slice is spent within a second, or not at all.
            let fresh = if now - granted_at[which] < 1_000 { held[which] } else { 0 };
            let spending = spends.min(fresh);
            spent_at.extend((0..spending).map(|_| now));
            let order = Order {
                most: limit,
                keep: fresh - spending,
                need,
                spends: spent(spending, 0),
                now: Some(now),
                ..processes.order(Measure::RequestsPerMinute)
            };
            held[which] = take([&processes.first, &processes.second][which], order).await.held;
            granted_at[which] = now;
        }
        assert!(spent_at.len() >= 10, "too little was spent to say anything");
        for start in &spent_at {
            let within = spent_at.iter().filter(|at| **at >= *start && **at < *start + 60_000).count();
            assert!(i64::try_from(within).expect("small") <= limit, "{within} in the minute from {start}");
        }
    }
}
