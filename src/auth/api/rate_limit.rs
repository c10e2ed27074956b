//! Admits requests by the limits of their API key: requests per minute and concurrent requests.
//!
//! The limits hold for all processes together; `limits/leases` counts them. No interval of sixty seconds has more requests
//! than the limit, and a change of the limit does not reset the count.

use std::time::Duration;

use entity::ids::OrganizationId;

use crate::domain::error::{Error, LimitReached};
use crate::limits::leases::counter::{Counter, Measure, Owner};
use crate::limits::leases::{Headroom, Leases, Refused, Taken, Want};
use crate::limits::shares::{Shares, Slot};
use crate::store::snapshot::ApiKeyEntry;

/// The rate limiter of all API keys.
#[derive(Debug)]
pub struct Limiter {
    leases: Leases,
    shares: Shares,
}

/// An admitted request. Dropping it ends its share of the concurrent requests.
#[derive(Debug)]
pub struct Admission {
    _slot: Slot,
    _taken: Option<Taken>,
    /// The state of the limit per minute, if the key has one.
    pub minute: Option<RateLimitStatus>,
}

/// The state of a key's limit per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitStatus {
    /// The limit, in requests per minute.
    pub limit: u64,
    /// Requests that are left now.
    pub remaining: u64,
    /// Time until all requests of the limit are available again.
    pub reset: Duration,
}

impl From<Headroom> for RateLimitStatus {
    fn from(headroom: Headroom) -> Self {
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        Self { limit: number(headroom.limit), remaining: number(headroom.remaining), reset: headroom.reset }
    }
}

impl Limiter {
    /// Creates a limiter that takes from these leases. It also counts requests toward the organizations' shares.
    #[must_use]
    pub fn new(leases: Leases, shares: Shares) -> Self {
        Self { leases, shares }
    }

    /// Admits a request if it is within every limit.
    ///
    /// # Errors
    /// [`Error::LimitReached`] by the key, [`Error::ShareUsedUp`] by the organization, or [`Error::Busy`] when the
    /// process has no capacity left.
    pub async fn admit(&self, organization: OrganizationId, key: &ApiKeyEntry) -> Result<Admission, Error> {
        let slot = self.shares.of(organization).request()?;
        let wants = wants(organization, key);
        if wants.is_empty() {
            return Ok(Admission { _slot: slot, _taken: None, minute: None });
        }
        let taken = self.leases.take(&wants).await.map_err(|refused| limit_reached(&refused))?;
        let minute = taken.headrooms().find(|(counter, _)| counter.measure == Measure::RequestsPerMinute);
        let minute = minute.map(|(_, headroom)| headroom.into());
        Ok(Admission { _slot: slot, _taken: Some(taken), minute })
    }
}

/// What a request of the key needs.
fn wants(organization: OrganizationId, key: &ApiKeyEntry) -> Vec<Want> {
    let limits = [
        (Measure::RequestsPerMinute, key.requests_per_minute),
        (Measure::ConcurrentRequests, key.concurrent_requests),
    ];
    let want = |(measure, limit): (Measure, Option<i64>)| {
        let counter = Counter { organization, owner: Owner::Key(key.id), model: None, measure };
        Some(Want { counter, limit: limit?, units: 1 })
    };
    limits.into_iter().filter_map(want).collect()
}

fn limit_reached(refused: &Refused) -> Error {
    let Refused { counter, full } = refused;
    let counts_time = counter.measure.span().length().is_some();
    Error::LimitReached(LimitReached {
        what: counter.measure.title(),
        limit: u64::try_from(full.headroom.limit).unwrap_or(0),
        retry_after: full.retry_after.unwrap_or(Duration::from_secs(1)),
        reset: counts_time.then_some(full.headroom.reset),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};

    use entity::ids::ApiKeyId;
    use futures_util::FutureExt as _;

    use super::*;
    use crate::domain::clock::Clock;

    fn organization() -> OrganizationId {
        OrganizationId(uuid::Uuid::from_u128(1))
    }

    fn limiter() -> Limiter {
        let leases = Leases::in_memory(Clock::manual(chrono::DateTime::UNIX_EPOCH).0);
        Limiter::new(leases, Shares::ample())
    }

    /// In memory, nothing is waited for.
    fn admit(limiter: &Limiter, key: &ApiKeyEntry) -> Result<Admission, Error> {
        limiter.admit(organization(), key).now_or_never().expect("no wait")
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
                    let admission = admit(&limiter, &key);
                    end.wait();
                    admission.is_ok()
                };
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
                threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
            });
            assert_eq!(admitted.iter().filter(|admitted| **admitted).count(), 1);
        }
    }

    #[test]
    fn a_refused_request_gives_its_place_back() {
        let limiter = limiter();
        let key = key(Some(2), Some(1));
        let first = admit(&limiter, &key).expect("a place");
        assert!(admit(&limiter, &key).is_err());
        drop(first);
        assert!(admit(&limiter, &key).is_ok());
        assert!(admit(&limiter, &key).is_err(), "the minute is used up");
    }
}
