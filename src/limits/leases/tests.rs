//! Several processes that spend slices of the same counters.

use entity::ids::OrganizationId;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::counter::{Measure, Owner};
use super::place::Valkey;
use super::place::tests::valkey_address;
use super::*;
use crate::domain::clock::ManualClock;
use crate::limits::valkey::ValkeyClient;

/// One process, with a clock of its own that is moved by hand.
struct Process {
    leases: Leases,
    hand: ManualClock,
    stop: watch::Sender<bool>,
    taker: JoinHandle<()>,
}

impl Process {
    fn start(place: impl FnOnce(&str) -> LimitPlace, fleet: Fleet) -> Self {
        let (clock, hand) = Clock::manual(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000));
        let holder = Clock::system().new_id().simple().to_string();
        let (leases, taker) = Leases::new(place(&holder), clock, Arc::new(fleet));
        let (stop, stopped) = watch::channel(false);
        Self { leases, hand, stop, taker: tokio::spawn(taker.run(stopped)) }
    }

    /// As many as the installation has, which count in Valkey.
    fn several(count: u32) -> Vec<Self> {
        let start = |rank| Self::start(|holder| in_valkey(&valkey_address(), holder), Fleet::of(count, rank));
        (0..count).map(start).collect()
    }

    /// Dies without settling anything.
    fn kill(&self) {
        self.taker.abort();
    }

    async fn stop(self) {
        let _ = self.stop.send(true);
        self.taker.await.expect("the end of the task");
    }

    async fn admits(&self, want: Want) -> bool {
        self.leases.take(&[want]).await.is_ok()
    }
}

fn in_valkey(address: &str, holder: &str) -> LimitPlace {
    let client = ValkeyClient::new(&address.into()).expect("a client");
    LimitPlace::Valkey(Valkey::new(Arc::new(client), holder))
}

/// One unit of a limit that no other test uses.
fn want(measure: Measure, limit: i64) -> Want {
    let organization = OrganizationId(Clock::system().new_id());
    let counter = Counter { organization, owner: Owner::Organization, model: None, measure };
    Want { counter, limit, units: 1 }
}

/// How many requests the processes admit in turns, until all of them refuse.
async fn admitted(processes: &[&Process], want: Want) -> i64 {
    let mut admitted = 0;
    loop {
        let mut more = 0;
        for process in processes {
            more += i64::from(process.admits(want).await);
        }
        if more == 0 {
            return admitted;
        }
        admitted += more;
    }
}

fn all(processes: &[Process]) -> Vec<&Process> {
    processes.iter().collect()
}

#[tokio::test]
async fn three_processes_admit_the_limit_together_and_again_after_the_window() {
    let processes = Process::several(3);
    let want = want(Measure::RequestsPerMinute, 60);
    assert_eq!(admitted(&all(&processes), want).await, 60);
    for process in &processes {
        let refused = process.leases.take(&[want]).await.expect_err("nothing is left");
        assert_eq!((refused.counter, refused.full.headroom.remaining), (want.counter, 0));
        assert_eq!(refused.full.retry_after, Some(Duration::from_secs(60)));
        process.hand.advance(Duration::from_secs(59));
    }
    assert_eq!(admitted(&all(&processes), want).await, 0);
    processes.iter().for_each(|process| process.hand.advance(Duration::from_secs(1)));
    assert_eq!(admitted(&all(&processes), want).await, 60);
}

#[tokio::test]
async fn many_callers_at_once_share_slices_and_few_round_trips() {
    let processes = Process::several(2);
    let want = want(Measure::RequestsPerMinute, 5_000);
    let ask = |number: usize| processes[number % 2].admits(want);
    let answers = futures_util::future::join_all((0..6_000).map(ask)).await;
    assert_eq!(answers.into_iter().filter(|admitted| *admitted).count(), 5_000);
    let trips: u64 = processes.iter().map(|process| process.leases.figures().round_trips()).sum();
    assert!(trips < 600, "{trips} round trips");
}

/// Lets a process spend three units and hold some more: its second slice is larger than what was asked for.
async fn spend_three(process: &Process, want: Want) {
    for _ in 0..3 {
        assert!(process.admits(want).await);
    }
}

#[tokio::test]
async fn a_process_that_stops_gives_its_slice_back() {
    let mut processes = Process::several(2);
    let want = want(Measure::RequestsPerMinute, 100);
    let (other, one) = (processes.pop().expect("two"), processes.pop().expect("two"));
    spend_three(&one, want).await;
    one.stop().await;
    assert_eq!(admitted(&[&other], want).await, 97);
}

#[tokio::test]
async fn a_process_that_dies_has_lost_its_slice_until_the_window_ends() {
    let processes = Process::several(2);
    let want = want(Measure::RequestsPerMinute, 100);
    let [one, other] = &processes[..] else { panic!("two") };
    spend_three(one, want).await;
    one.kill();
    let rest = admitted(&[other], want).await;
    assert!((60..97).contains(&rest), "{rest}");
    other.hand.advance(Duration::from_secs(62));
    assert_eq!(admitted(&[other], want).await, 100);
}

#[tokio::test]
async fn requests_at_once_come_back_when_they_end_and_after_the_death_of_their_process() {
    let processes = Process::several(2);
    let want = want(Measure::ConcurrentRequests, 3);
    let [one, other] = &processes[..] else { panic!("two") };
    let first = one.leases.take(&[want]).await.expect("the first");
    let second = one.leases.take(&[want]).await.expect("the second");
    let third = other.leases.take(&[want]).await.expect("the third");
    assert!(!one.admits(want).await && !other.admits(want).await);
    drop(third);
    let third = other.leases.take(&[want]).await.expect("its place again");
    drop((first, second));
    one.kill();
    other.hand.advance(Duration::from_secs(5));
    let fourth = other.leases.take(&[want]).await.expect("a place of the dead");
    let fifth = other.leases.take(&[want]).await.expect("another one");
    assert!(!other.admits(want).await);
    drop((third, fourth, fifth));
}

#[tokio::test]
async fn tokens_are_settled_by_what_was_used() {
    let processes = Process::several(2);
    let want = Want { units: 700, ..want(Measure::TokensPerMinute, 1_000) };
    let one_token = Want { units: 1, ..want };
    let [one, other] = &processes[..] else { panic!("two") };
    let mut taken = one.leases.take(&[want]).await.expect("tokens");
    assert!(!other.admits(want).await);
    taken.settle(100);
    processes.iter().for_each(|process| process.hand.advance(Duration::from_secs(2)));
    // The next slice settles the last one.
    assert!(one.admits(one_token).await);
    let mut more = other.leases.take(&[want]).await.expect("what is left");
    more.settle(2_000);
    assert!(!other.admits(one_token).await, "more was used than was taken");
    let refused = one.leases.take(&[Want { units: 1_001, ..want }]).await.expect_err("too many");
    assert_eq!(refused.full.retry_after, None);
}

#[tokio::test]
async fn while_the_place_is_away_each_process_has_its_share() {
    let nowhere = |holder: &str| in_valkey("valkey://127.0.0.1:1", holder);
    let processes: Vec<Process> = (0..3).map(|rank| Process::start(nowhere, Fleet::of(3, rank))).collect();
    let minute = want(Measure::RequestsPerMinute, 62);
    let mut shares = Vec::new();
    for process in &processes {
        shares.push(admitted(&[process], minute).await);
    }
    assert_eq!(shares, [21, 21, 20]);
    let at_once = want(Measure::ConcurrentRequests, 3);
    let held = processes[0].leases.take(&[at_once]).await.expect("its share");
    assert!(!processes[0].admits(at_once).await);
    drop(held);
    assert!(processes[0].admits(at_once).await);
    let figures = processes[0].leases.figures();
    assert!(figures.is_away() && figures.failures() > 0 && figures.alone() > 20);
    processes.iter().for_each(|process| process.hand.advance(Duration::from_secs(61)));
    assert_eq!(admitted(&all(&processes), minute).await, 62);
}

#[tokio::test]
async fn of_several_limits_all_are_taken_or_none_and_the_one_with_the_longest_wait_is_named() {
    let (clock, _) = Clock::manual(chrono::DateTime::UNIX_EPOCH);
    let leases = Leases::in_memory(clock);
    let (minute, day) = (want(Measure::RequestsPerMinute, 3), want(Measure::RequestsPerDay, 2));
    for _ in 0..2 {
        assert!(leases.take(&[minute, day]).await.is_ok());
    }
    let refused = leases.take(&[minute, day]).await.expect_err("the day is used up");
    assert_eq!(refused.counter, day.counter);
    assert_eq!(refused.full.retry_after, Some(Duration::from_secs(86_400)));
    assert_eq!(leases.hindrance(&[minute, day]).map(|refused| refused.counter), Some(day.counter));
    assert_eq!(leases.hindrance(&[minute]), None);
    let taken = leases.take(&[minute]).await.expect("the minute has one left");
    let headroom: Vec<i64> = taken.headrooms().map(|(_, headroom)| headroom.remaining).collect();
    assert_eq!(headroom, [0]);
    taken.undo();
    assert!(leases.take(&[minute]).await.is_ok());
    assert!(leases.take(&[minute]).await.is_err());
}
