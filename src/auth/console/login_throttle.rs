//! How often somebody may try what must not be guessed: per client address and per account. Counted per process; a
//! restart forgets it. Known and unknown accounts are counted alike.

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

/// Counters are swept every so many attempts, so that they do not pile up.
const SWEEP: usize = 256;

/// Attempts that come at once, and how long until there is another one.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    burst: NonZeroU32,
    every: Duration,
}

const fn allowance(burst: u32, seconds: u64) -> Allowance {
    let burst = match NonZeroU32::new(burst) {
        Some(burst) => burst,
        None => NonZeroU32::MIN,
    };
    Allowance { burst, every: Duration::from_secs(seconds) }
}

/// Passwords at log-in and elsewhere, from one address.
const PASSWORDS_OF_ADDRESS: Allowance = allowance(30, 2);
/// Passwords of one account from one address: who guesses elsewhere does not use them up.
const PASSWORDS_OF_ACCOUNT: Allowance = allowance(10, 60);
/// Passwords of one account from everywhere: far more than people need, and too few to guess with many addresses.
const PASSWORDS_EVERYWHERE: Allowance = allowance(60, 10);
/// Passwords from a browser that is known, once its address or account has no attempts left.
const PASSWORDS_OF_BROWSER: Allowance = allowance(10, 60);
/// Failed log-ins of one account that the audit notes.
const NOTED_FAILURES: Allowance = allowance(5, 600);
/// New organizations from one address.
const SIGN_UPS_OF_ADDRESS: Allowance = allowance(20, 60);
/// New organizations for one account from one address: the password of one that there is opens it, so this is a guess, too.
const SIGN_UPS_OF_ACCOUNT: Allowance = allowance(10, 60);
/// Links of invitations and resets that are tried from one address.
const LINKS_OF_ADDRESS: Allowance = allowance(30, 2);

/// So many an hour, a fifth of them at once.
fn hourly(number: NonZeroU32) -> Allowance {
    let burst = NonZeroU32::new(number.get() / 5).unwrap_or(NonZeroU32::MIN);
    Allowance { burst, every: Duration::from_secs(3_600) / number.get() }
}

/// Every counter.
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
    /// Counters that read this clock.
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

    /// The same, with so many new organizations an hour in the whole process.
    #[must_use]
    pub fn with_sign_ups(self, an_hour: NonZeroU32) -> Self {
        let sign_ups = Counters::new(hourly(an_hour), &self.sign_ups.clock.clone());
        Self { sign_ups, ..self }
    }

    /// A password is tried for an account, which is an e-mail address that need not exist.
    ///
    /// # Errors
    /// [`VisitFault::Throttled`].
    pub fn password(&self, address: IpAddr, account: &str) -> Result<(), Error> {
        let (network, account) = (network(address), account_hash(account));
        self.passwords_of_address.admit(network)?;
        self.passwords_of_account.admit((account, network))?;
        self.passwords_everywhere.admit(account)
    }

    /// A password is tried in a browser in which a person has logged in before, after [`Throttle::password`] refused.
    /// Whatever is tried elsewhere, those who have come in before come in again.
    ///
    /// # Errors
    /// [`VisitFault::Throttled`].
    pub fn known_browser(&self, id: Uuid) -> Result<(), Error> {
        self.passwords_of_browser.admit(id)
    }

    /// Does the audit note this failed log-in? The first few of an account, and then one every ten minutes.
    #[must_use]
    pub fn notes_failure(&self, account: &str) -> bool {
        self.noted_failures.admit(account_hash(account)).is_ok()
    }

    /// An organization is made.
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

    /// A link's secret is tried.
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

/// Who has one IPv6 address has its whole /64.
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
    fn new(allowance: Allowance, clock: &Clock) -> Self {
        let quota = Quota::with_period(allowance.every).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
        let quota = quota.allow_burst(allowance.burst);
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
    fn who_guesses_at_an_account_does_not_lock_its_owner_out() {
        let (clock, hand) = Clock::manual(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1));
        let throttle = Throttle::new(&clock);
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        for _ in 0..10 {
            assert_eq!(wait(throttle.password(address(1), "Ann@example.com")), None);
        }
        let wait_for = wait(throttle.password(address(1), "ann@EXAMPLE.com")).expect("throttled");
        assert!(wait_for > Duration::from_secs(50) && wait_for <= Duration::from_secs(60), "{wait_for:?}");
        assert_eq!(wait(throttle.password(address(1), "bob@example.com")), None);
        // The owner is elsewhere, and one guess a minute changes nothing.
        assert_eq!(wait(throttle.password(address(2), "ann@example.com")), None);
        for _ in 0..60 {
            hand.advance(wait_for);
            assert_eq!(wait(throttle.password(address(1), "ann@example.com")), None);
            assert!(wait(throttle.password(address(1), "ann@example.com")).is_some());
            assert_eq!(wait(throttle.password(address(2), "ann@example.com")), None);
        }
    }

    #[test]
    fn many_addresses_guess_no_faster_than_a_few_and_a_known_browser_is_let_in() {
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
    fn sign_ups_are_bounded_from_however_many_addresses() {
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
    fn all_addresses_of_one_network_are_one_client() {
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
