//! Tests of how the shares divide the process.

use std::sync::mpsc::{Sender, channel};
use std::thread::available_parallelism;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::*;

fn shares() -> Shares {
    Shares::new(Sizes {
        bytes: 16 * 1_024 * 1_024,
        requests: 100,
        organization_requests: 40,
        organization_calls: 40,
        tails: 100,
        organization_tails: 10,
        person_tails: 2,
    })
}

fn organization(number: u128) -> OrganizationId {
    OrganizationId(uuid::Uuid::from_u128(number))
}

fn hold(share: &Arc<Share>, size: usize) -> Result<HeldBytes> {
    let mut held = share.hold();
    held.grow(size)?;
    Ok(held)
}

#[test]
fn one_organization_gets_half_and_the_next_one_finds_something() {
    let shares = shares();
    let (one, two) = (shares.of(organization(1)), shares.of(organization(2)));
    let mebibyte = 1_024 * 1_024;
    let mut first = Vec::new();
    let refused = loop {
        match hold(&one, mebibyte) {
            Ok(held) => first.push(held),
            Err(error) => break error,
        }
    };
    // 13 of 16 MiB are for large bodies.
    assert_eq!(first.len(), 6);
    assert!(matches!(refused, Error::ShareUsedUp(Shared::Memory)), "{refused}");
    let second: Vec<_> = (0..3).map(|_| hold(&two, mebibyte).expect("room")).collect();
    assert!(hold(&one, mebibyte).is_err());
    // Small ones and management never wait for large ones.
    assert!(hold(&one, SMALL).is_ok() && hold(&two, SMALL).is_ok());
    let mut form = one.hold_management();
    assert!(form.grow(SMALL).is_ok());
    drop((first, second, form));
    let whole = one.process.pool(Kind::Large).used.load(Ordering::Acquire);
    assert_eq!((whole, one.process.pool(Kind::Management).used.load(Ordering::Acquire)), (0, 0));
}

#[test]
fn a_body_that_grows_is_counted_once_and_bound_bytes_until_the_last_is_gone() {
    let shares = shares();
    let share = shares.of(organization(1));
    let mut held = share.hold();
    for _ in 0..10 {
        held.grow(SMALL / 4).expect("room");
    }
    let used = |kind| share.process.pool(kind).used.load(Ordering::Acquire);
    assert_eq!((used(Kind::Small), used(Kind::Large)), (0, SMALL / 4 * 10));
    held.resize(10).expect("less");
    let bytes = held.bind(vec![7_u8; 10]);
    let part = bytes.slice(2..4);
    drop(bytes);
    assert_eq!((used(Kind::Large), &part[..]), (10, &[7_u8, 7][..]));
    drop(part);
    assert_eq!(used(Kind::Large), 0);
}

#[test]
fn places_are_bounded_by_organization_and_person_and_given_back() {
    let shares = shares();
    let (one, two) = (shares.of(organization(1)), shares.of(organization(2)));
    let places: Vec<_> = std::iter::from_fn(|| one.request().ok()).collect();
    assert_eq!(places.len(), 40);
    assert!(matches!(one.request(), Err(Error::ShareUsedUp(Shared::Requests))));
    assert_eq!(std::iter::from_fn(|| two.request().ok()).take(20).count(), 20);
    drop(places);
    assert!(one.request().is_ok());
    let person = |number| UserId(uuid::Uuid::from_u128(number));
    let open: Vec<_> = std::iter::from_fn(|| one.tail(person(1)).ok()).collect();
    assert_eq!(open.len(), 2);
    let others: Vec<_> = (2..20).filter_map(|number| one.tail(person(number)).ok()).collect();
    assert_eq!(others.len(), 8);
    drop((open, others));
    assert_eq!(one.tails.load(Ordering::Acquire), 0);
    assert!(one.tail(person(1)).is_ok());
}

/// Work on a large text that ends when the test says so, and returns whether it did.
fn waiting() -> (Sender<()>, impl FnOnce() -> bool + Send + 'static) {
    let (sender, receiver) = channel();
    (sender, move || receiver.recv_timeout(Duration::from_secs(5)).is_ok())
}

#[tokio::test]
async fn a_large_text_leaves_the_event_loop_and_only_its_own_organization_waits() {
    let mut shares = shares();
    // As on a machine with three cores.
    Arc::get_mut(&mut shares.process).expect("no organization yet").readings = Arc::new(Semaphore::new(2));
    let (one, two, three) =
        (shares.of(organization(1)), shares.of(organization(2)), shares.of(organization(3)));
    // On the event loop, which is this thread, the work would wait in vain for the test.
    let (end_first, work) = waiting();
    let mut first = Box::pin(one.read_large(work));
    assert!(first.as_mut().now_or_never().is_none());
    let (end_second, work) = waiting();
    let mut second = Box::pin(one.read_large(work));
    assert!(second.as_mut().now_or_never().is_none());
    // The second text waits for the first one of its organization, without taking a core from another.
    assert_eq!(shares.process.readings.available_permits(), 1);
    two.read_large(|| ()).await.expect("read");
    // One core more is taken; no work begins on the last one.
    let (end_third, work) = waiting();
    let mut third = Box::pin(two.read_large(work));
    assert!(third.as_mut().now_or_never().is_none());
    let mut last = Box::pin(three.read_large(|| ()));
    assert!(tokio::time::timeout(Duration::from_millis(50), last.as_mut()).await.is_err());
    for end in [end_first, end_second, end_third] {
        end.send(()).expect("the work waits");
    }
    last.await.expect("read");
    assert!(first.await.expect("read") && second.await.expect("read") && third.await.expect("read"));
}

#[test]
fn one_core_stays_free_of_large_texts() {
    let cores = available_parallelism().expect("a number").get();
    assert_eq!(shares().process.readings.available_permits(), (cores - 1).max(1));
}
