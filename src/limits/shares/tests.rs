//! Tests of how the shares divide the process.

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
