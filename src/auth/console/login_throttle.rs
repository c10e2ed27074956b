//! Rate limits for login attempts, per client address and per account. Counters are per process and lost on restart.
//! Existing and unknown accounts are counted alike.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use uuid::Uuid;

use crate::config::console::Console;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, VisitFault};

/// Number of attempts after which idle counters are dropped.
const SWEEP: usize = 256;

/// A burst of attempts, and the interval after which another one is allowed.
#[derive(Debug, Clone, Copy)]
struct AttemptLimit {
    burst: NonZeroU32,
    every: Duration,
}

const fn attempt_limit(burst: u32, seconds: u64) -> AttemptLimit {
    let burst = match NonZeroU32::new(burst) {
        Some(burst) => burst,
        None => NonZeroU32::MIN,
    };
    AttemptLimit { burst, every: Duration::from_secs(seconds) }
}

/// Passwords from one address.
const PASSWORDS_OF_ADDRESS: AttemptLimit = attempt_limit(30, 2);
/// Passwords for one account from one address, so that guesses elsewhere do not lock the owner out.
const PASSWORDS_OF_ACCOUNT: AttemptLimit = attempt_limit(10, 60);
/// Passwords for one account from all addresses: more than people need, too few for distributed guessing.
const PASSWORDS_EVERYWHERE: AttemptLimit = attempt_limit(60, 10);
/// Passwords from a known browser, once its address or account is throttled.
const PASSWORDS_OF_BROWSER: AttemptLimit = attempt_limit(10, 60);
/// Failed logins of one account that are written to the audit log.
const NOTED_FAILURES: AttemptLimit = attempt_limit(5, 600);
/// New organizations from one address.
const SIGN_UPS_OF_ADDRESS: AttemptLimit = attempt_limit(20, 60);
/// New organizations for one account from one address. A matching password opens the existing account, so this also
/// limits guessing.
const SIGN_UPS_OF_ACCOUNT: AttemptLimit = attempt_limit(10, 60);
/// Invitation and reset links tried from one address.
const LINKS_OF_ADDRESS: AttemptLimit = attempt_limit(30, 2);

/// A limit per hour, with a burst of a fifth of it.
fn hourly(number: NonZeroU32) -> AttemptLimit {
    let burst = NonZeroU32::new(number.get() / 5).unwrap_or(NonZeroU32::MIN);
    AttemptLimit { burst, every: Duration::from_secs(3_600) / number.get() }
}

/// All counters of this process.
#[derive(Debug)]
pub struct Throttle {
    passwords_of_address: Counters<IpAddr>,
    passwords_of_account: Counters<(blake3::Hash, IpAddr)>,
    passwords_everywhere: Counters<blake3::Hash>,
    passwords_of_browser: Counters<Uuid>,
    noted_failures: Counters<blake3::Hash>,
    sign_ups_of_address: Counters<IpAddr>,
    sign_ups_of_account: Counters<(blake3::Hash, IpAddr)>,
    sign_ups: Counters<()>,
    links_of_address: Counters<IpAddr>,
}

impl Throttle {
    /// Counters that use this clock.
    #[must_use]
    pub fn new(clock: &Clock) -> Self {
        Self {
            passwords_of_address: Counters::new(PASSWORDS_OF_ADDRESS, clock),
            passwords_of_account: Counters::new(PASSWORDS_OF_ACCOUNT, clock),
            passwords_everywhere: Counters::new(PASSWORDS_EVERYWHERE, clock),
            passwords_of_browser: Counters::new(PASSWORDS_OF_BROWSER, clock),
            noted_failures: Counters::new(NOTED_FAILURES, clock),
            sign_ups_of_address: Counters::new(SIGN_UPS_OF_ADDRESS, clock),
            sign_ups_of_account: Counters::new(SIGN_UPS_OF_ACCOUNT, clock),
            links_of_address: Counters::new(LINKS_OF_ADDRESS, clock),
            sign_ups: Counters::new(hourly(Console::default().signups_per_hour), clock),
        }
    }

    /// The same, with a process-wide limit of new organizations per hour.
    #[must_use]
    pub fn with_sign_ups(self, an_hour: NonZeroU32) -> Self {
        let sign_ups = Counters::new(hourly(an_hour), &self.sign_ups.clock.clone());
        Self { sign_ups, ..self }
    }

    /// Counts a password attempt for an account, which need not exist.
    ///
    /// # Errors
    /// [`VisitFault::Throttled`].
    pub fn password(&self, address: IpAddr, account: &str) -> Result<(), Error> {
        let (network, account) = (network(address), account_hash(account));
        self.passwords_of_address.admit(network)?;
        self.passwords_of_account.admit((account, network))?;
        self.passwords_everywhere.admit(account)
    }

    /// Counts a password attempt from a known browser after [`Throttle::password`] refused, so that its owner can still
    /// log in.
    ///
    /// # Errors
    /// [`VisitFault::Throttled`].
    pub fn known_browser(&self, id: Uuid) -> Result<(), Error> {
        self.passwords_of_browser.admit(id)
    }

    /// Whether to audit this failed login: the first few of an account, then one every ten minutes.
    #[must_use]
    pub fn notes_failure(&self, account: &str) -> bool {
        self.noted_failures.admit(account_hash(account)).is_ok()
    }

    /// Counts a sign-up.
    ///
    /// # Errors
    /// [`VisitFault::Throttled`].
    pub fn sign_up(&self, address: IpAddr, account: &str) -> Result<(), Error> {
        let (network, account) = (network(address), account_hash(account));
        self.sign_ups_of_address.admit(network)?;
        self.sign_ups_of_account.admit((account, network))?;
        self.passwords_everywhere.admit(account)?;
        self.sign_ups.admit(())
    }

    /// Counts an attempt at a link's secret.
    ///
    /// # Errors
    /// [`VisitFault::Throttled`].
    pub fn link(&self, address: IpAddr) -> Result<(), Error> {
        self.links_of_address.admit(network(address))
    }
}

fn account_hash(account: &str) -> blake3::Hash {
    blake3::hash(account.to_lowercase().as_bytes())
}

/// IPv6 clients are counted by their /64 network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address => address,
    }
}

#[derive(Debug)]
struct Counters<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, HashMapStateStore<K>, Clock, NoOpMiddleware<Duration>>,
    clock: Clock,
    attempts: AtomicUsize,
}

impl<K: Hash + Eq + Clone> Counters<K> {
    fn new(attempt_limit: AttemptLimit, clock: &Clock) -> Self {
        let quota = Quota::with_period(attempt_limit.every).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
        let quota = quota.allow_burst(attempt_limit.burst);
        let limiter = RateLimiter::hashmap_with_clock(quota, clock.clone());
        Self { limiter, clock: clock.clone(), attempts: AtomicUsize::new(0) }
    }

    fn admit(&self, key: K) -> Result<(), Error> {
        if self.attempts.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(&key).map_err(|denied| {
            let retry_after = denied.wait_time_from(self.clock.monotonic());
            Error::Visit(VisitFault::Throttled { retry_after })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(result: Result<(), Error>) -> Option<Duration> {
        match result {
            Err(Error::Visit(VisitFault::Throttled { retry_after })) => Some(retry_after),
            Ok(()) => None,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn guessing_does_not_lock_the_owner_out() {
        let (clock, hand) = Clock::manual(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1));
        let throttle = Throttle::new(&clock);
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        for _ in 0..10 {
            assert_eq!(wait(throttle.password(address(1), "Ann@example.com")), None);
        }
        let wait_for = wait(throttle.password(address(1), "ann@EXAMPLE.com")).expect("throttled");
        assert!(wait_for > Duration::from_secs(50) && wait_for <= Duration::from_secs(60), "{wait_for:?}");
        assert_eq!(wait(throttle.password(address(1), "bob@example.com")), None);
        // The owner uses another address; one guess per minute does no harm.
        assert_eq!(wait(throttle.password(address(2), "ann@example.com")), None);
        for _ in 0..60 {
            hand.advance(wait_for);
            assert_eq!(wait(throttle.password(address(1), "ann@example.com")), None);
            assert!(wait(throttle.password(address(1), "ann@example.com")).is_some());
            assert_eq!(wait(throttle.password(address(2), "ann@example.com")), None);
        }
    }

    #[test]
    fn distributed_guessing_is_limited_and_a_known_browser_may_still_try() {
        let (clock, _) = Clock::manual(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1));
        let throttle = Throttle::new(&clock);
        let admitted = (0..200)
            .filter(|last| throttle.password(IpAddr::from([192, 0, 2, *last]), "ann@example.com").is_ok());
        assert_eq!(admitted.count(), 60);
        for attempt in 0..11 {
            assert_eq!(throttle.known_browser(Uuid::from_u128(1)).is_ok(), attempt < 10);
        }
        assert!(throttle.known_browser(Uuid::from_u128(2)).is_ok());
    }

    #[test]
    fn sign_ups_are_limited_across_all_addresses() {
        let (clock, hand) = Clock::manual(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1));
        let throttle = Throttle::new(&clock).with_sign_ups(NonZeroU32::new(60).expect("not 0"));
        let sign_up = |number: u8| {
            wait(throttle.sign_up(IpAddr::from([192, 0, 2, number]), &format!("{number}@example.com")))
        };
        assert_eq!((0..50).filter(|number| sign_up(*number).is_none()).count(), 12);
        hand.advance(Duration::from_secs(60));
        assert_eq!((50..60).filter(|number| sign_up(*number).is_none()).count(), 1);
    }

    #[test]
    fn addresses_of_one_network_share_a_limit() {
        let (clock, _) = Clock::manual(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1));
        let throttle = Throttle::new(&clock);
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        for attempt in 0..20 {
            assert_eq!(
                wait(
                    throttle
                        .sign_up(address(&format!("2001:db8::{attempt}")), &format!("{attempt}@example.com"))
                ),
                None
            );
        }
        assert!(wait(throttle.sign_up(address("2001:db8::ffff"), "x@example.com")).is_some());
        assert_eq!(wait(throttle.sign_up(address("2001:db8:0:1::1"), "y@example.com")), None);
    }
}
