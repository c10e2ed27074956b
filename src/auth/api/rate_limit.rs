//! A key's limits: requests per minute, and requests at once; and its organization's share of requests at once. Counted per
//! process; a restart forgets them.
//!
//! No sixty seconds have more requests than the limit, the first ones included, and a limit that changes does not fill
//! them up again.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entity::ids::{ApiKeyId, OrganizationId};
use papaya::{Compute, Operation};

use super::sliding_window::{Decision, SlidingWindow};
use crate::domain::clock::Clock;
use crate::domain::error::{Error, LimitReached};
use crate::limits::shares::{Shares, Slot};
use crate::store::snapshot::ApiKeyEntry;

/// Every key's counters.
#[derive(Debug)]
pub struct Limiter {
    clock: Clock,
    shares: Shares,
    keys: papaya::HashMap<ApiKeyId, Arc<Counters>>,
}

#[derive(Debug, Default)]
struct Counters {
    minute: Mutex<SlidingWindow>,
    concurrent: Arc<AtomicI64>,
}

/// A request that was let in. Dropped, it makes room for the next one.
#[derive(Debug)]
pub struct Admission {
    _place: Slot,
    concurrent: Option<Arc<AtomicI64>>,
    /// What is left of the minute, for keys that have such a limit.
    pub minute: Option<RateLimitStatus>,
}

/// The state of a key's minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitStatus {
    /// Requests per minute.
    pub limit: u32,
    /// Requests that could follow at once.
    pub remaining: u32,
    /// Until all of them could.
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
    /// A limiter that reads this clock and counts in these shares.
    #[must_use]
    pub fn new(clock: Clock, shares: Shares) -> Self {
        Self { clock, shares, keys: papaya::HashMap::new() }
    }

    /// Lets a request in, or says which limit is in the way.
    ///
    /// # Errors
    /// [`Error::LimitReached`], [`Error::ShareUsedUp`], and [`Error::Busy`] where other organizations have used up everything.
    pub fn admit(&self, organization: OrganizationId, key: &ApiKeyEntry) -> Result<Admission, Error> {
        let place = self.shares.of(organization).request()?;
        if key.requests_per_minute.is_none() && key.concurrent_requests.is_none() {
            return Ok(Admission { _place: place, concurrent: None, minute: None });
        }
        let counters = self.counters(key);
        // Held first and given back on any refusal: two requests at once cannot both take the last place.
        let admission =
            Admission { _place: place, concurrent: Some(counters.concurrent.clone()), minute: None };
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
        // Another limit goes on with the same minute: what was asked for in it stays counted.
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

    /// The key's counters.
    fn counters(&self, key: &ApiKeyEntry) -> Arc<Counters> {
        let keys = self.keys.pin();
        if let Some(known) = keys.get(&key.id) {
            return known.clone();
        }
        // Two first requests at once must meet at the same counters.
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
