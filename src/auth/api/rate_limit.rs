//! Limits of an API key: requests per minute and concurrent requests. They are counted per process and reset by a
//! restart.
//!
//! No interval of sixty seconds has more requests than the limit, and a change of the limit does not reset the
//! count.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entity::ids::{ApiKeyId, OrganizationId};
use papaya::{Compute, Operation};

use super::sliding_window::{Decision, SlidingWindow};
use crate::domain::IdMap;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, LimitReached};
use crate::limits::shares::{Shares, Slot};
use crate::store::snapshot::ApiKeyEntry;

/// The rate limiter of all API keys.
#[derive(Debug)]
pub struct Limiter {
    clock: Clock,
    shares: Shares,
    keys: IdMap<ApiKeyId, Arc<Counters>>,
}

#[derive(Debug, Default)]
struct Counters {
    minute: Mutex<SlidingWindow>,
    concurrent: Arc<AtomicI64>,
}

/// An admitted request. Dropping it ends its share of the concurrent requests.
#[derive(Debug)]
pub struct Admission {
    _slot: Slot,
    concurrent: Option<Arc<AtomicI64>>,
    /// The state of the limit per minute, if the key has one.
    pub minute: Option<RateLimitStatus>,
}

/// The state of a key's limit per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitStatus {
    /// The limit, in requests per minute.
    pub limit: u32,
    /// Requests that are left now.
    pub remaining: u32,
    /// Time until all requests of the limit are available again.
    pub reset: Duration,
}

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some(concurrent) = &self.concurrent {
            concurrent.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Limiter {
    /// Creates a limiter with this clock. It also counts requests toward the organizations' shares.
    #[must_use]
    pub fn new(clock: Clock, shares: Shares) -> Self {
        Self { clock, shares, keys: IdMap::default() }
    }

    /// Admits a request if it is within every limit.
    ///
    /// # Errors
    /// [`Error::LimitReached`] by the key, [`Error::ShareUsedUp`] by the organization, or [`Error::Busy`] when the
    /// process has no capacity left.
    pub fn admit(&self, organization: OrganizationId, key: &ApiKeyEntry) -> Result<Admission, Error> {
        let slot = self.shares.of(organization).request()?;
        if key.requests_per_minute.is_none() && key.concurrent_requests.is_none() {
            return Ok(Admission { _slot: slot, concurrent: None, minute: None });
        }
        let counters = self.counters(key);
        // Counted first and undone on refusal, so that two requests at the same time cannot both take the last
        // slot.
        let admission =
            Admission { _slot: slot, concurrent: Some(counters.concurrent.clone()), minute: None };
        let running = counters.concurrent.fetch_add(1, Ordering::AcqRel) + 1;
        if let Some(limit) = key.concurrent_requests
            && running > limit
        {
            return Err(Error::LimitReached(LimitReached {
                what: "concurrent requests",
                limit: limit.unsigned_abs(),
                retry_after: Duration::from_secs(1),
                reset: None,
            }));
        }
        let Some(limit) = key.requests_per_minute.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX))
        else {
            return Ok(admission);
        };
        // A changed limit uses the same window: earlier requests still count.
        let decision = {
            let mut minute = counters.minute.lock().unwrap_or_else(PoisonError::into_inner);
            minute.admit(self.clock.monotonic(), limit)
        };
        match decision {
            Decision::Admitted { remaining, reset } => {
                let mut admission = admission;
                admission.minute = Some(RateLimitStatus { limit, remaining, reset });
                Ok(admission)
            }
            Decision::Refused { retry_after, reset } => Err(Error::LimitReached(LimitReached {
                what: "requests per minute",
                limit: u64::from(limit),
                retry_after,
                reset: Some(reset),
            })),
        }
    }

    /// The counters of the key, which are created with its first request.
    fn counters(&self, key: &ApiKeyEntry) -> Arc<Counters> {
        let keys = self.keys.pin();
        if let Some(known) = keys.get(&key.id) {
            return known.clone();
        }
        // Two first requests of a key at the same time must get the same counters.
        let made = keys.compute(key.id, |known| match known {
            Some((_, known)) => Operation::Abort(known.clone()),
            None => Operation::Insert(Arc::new(Counters::default())),
        });
        match made {
            Compute::Inserted(_, counters)
            | Compute::Updated { new: (_, counters), .. }
            | Compute::Removed(_, counters) => counters.clone(),
            Compute::Aborted(known) => known,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn organization() -> OrganizationId {
        OrganizationId(uuid::Uuid::from_u128(1))
    }

    fn limiter() -> Limiter {
        Limiter::new(Clock::manual(chrono::DateTime::UNIX_EPOCH).0, Shares::ample())
    }

    fn key(per_minute: Option<i64>, concurrent: Option<i64>) -> ApiKeyEntry {
        ApiKeyEntry {
            id: ApiKeyId(Clock::system().new_id()),
            name: "test".into(),
            scopes: Vec::new(),
            models: None,
            requests_per_minute: per_minute,
            concurrent_requests: concurrent,
            expires_at: None,
            last_used: Arc::default(),
        }
    }

    #[test]
    fn first_requests_at_once_share_their_counters() {
        let limiter = limiter();
        for key in (0..300).map(|round| if round % 2 == 0 { key(Some(1), None) } else { key(None, Some(1)) })
        {
            let (start, end) = (Barrier::new(4), Barrier::new(4));
            let admitted = std::thread::scope(|scope| {
                let ask = || {
                    start.wait();
                    let admission = limiter.admit(organization(), &key);
                    end.wait();
                    admission.is_ok()
                };
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
                threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
            });
            assert!(admitted.iter().filter(|admitted| **admitted).count() <= 1);
        }
    }

    #[test]
    fn a_refused_request_gives_its_place_back() {
        let limiter = limiter();
        let key = key(Some(2), Some(1));
        let first = limiter.admit(organization(), &key).expect("a place");
        assert!(limiter.admit(organization(), &key).is_err());
        drop(first);
        assert!(limiter.admit(organization(), &key).is_ok());
        assert!(limiter.admit(organization(), &key).is_err(), "the minute is used up");
        assert_eq!(limiter.counters(&key).concurrent.load(Ordering::Acquire), 0);
    }
}
