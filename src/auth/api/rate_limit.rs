//! Admits requests by the limits of their API key and of its organization: requests per minute and per day, and concurrent
//! requests.
//!
//! The limits hold for all processes together; `limits/leases` counts them. No interval of sixty seconds has more requests
//! than the limit, and a change of the limit does not reset the count. Limits of tokens, and of single models, are those of
//! a call (`gateway/routing/headroom/mod.rs`).

use std::time::Duration;

use crate::domain::error::{Error, LimitReached};
use crate::domain::routing_info::LimitStatus;
use crate::limits::leases::counter::{Counter, Owner, Span, measured};
use crate::limits::leases::{Leases, Refused, Taken, Want};
use crate::limits::shares::{Shares, Slot};
use crate::store::Limits;
use crate::store::snapshot::{ApiKeyEntry, OrganizationSnapshot};

/// The rate limiter of all API keys and organizations.
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
    /// The tightest limit of requests per minute or per day, if there is one.
    pub requests: Option<LimitStatus>,
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
    /// [`Error::LimitReached`] by the key or the organization, [`Error::ShareUsedUp`] by the organization, or
    /// [`Error::Busy`] when the process has no capacity left.
    pub async fn admit(
        &self,
        organization: &OrganizationSnapshot,
        key: &ApiKeyEntry,
    ) -> Result<Admission, Error> {
        let slot = self.shares.of(organization.id).request()?;
        let wants = wants(organization, key);
        if wants.is_empty() {
            return Ok(Admission { _slot: slot, _taken: None, requests: None });
        }
        let taken = self.leases.take(&wants).await.map_err(|refused| limit_reached(&refused))?;
        let requests = tightest(&taken);
        Ok(Admission { _slot: slot, _taken: Some(taken), requests })
    }
}

/// What a request of the key needs.
fn wants(organization: &OrganizationSnapshot, key: &ApiKeyEntry) -> Vec<Want> {
    let owners = [(Owner::Key(key.id), key.limits), (Owner::Organization, organization.settings.limits)];
    let mut wants = Vec::new();
    for (owner, limits) in owners.into_iter().filter(|(_, limits)| *limits != Limits::default()) {
        for (measure, limit) in measured(&limits) {
            if let Some(limit) = limit.filter(|_| !measure.counts_tokens()) {
                let counter = Counter { organization: organization.id, owner, model: None, measure };
                wants.push(Want { counter, limit, units: 1 });
            }
        }
    }
    wants
}

/// Of the limits of a minute or a day, the one with the least left.
fn tightest(taken: &Taken) -> Option<LimitStatus> {
    let headrooms = taken.headrooms().filter(|(counter, _)| counter.measure.span() != Span::Held);
    headrooms.min_by_key(|(_, headroom)| headroom.remaining).map(|(_, headroom)| headroom.into())
}

fn limit_reached(refused: &Refused) -> Error {
    let Refused { counter, full } = refused;
    let counts_time = counter.measure.span() != Span::Held;
    Error::LimitReached(LimitReached {
        owner: if counter.owner == Owner::Organization { "organization" } else { "API key" },
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
    use crate::store::snapshot::samples;
    use crate::store::{ModelLimits, OrganizationSettings};

    fn organization(limits: Limits) -> OrganizationSnapshot {
        OrganizationSnapshot {
            settings: OrganizationSettings { limits, ..OrganizationSettings::default() },
            ..samples::organization()
        }
    }

    fn limiter() -> Limiter {
        let leases = Leases::in_memory(Clock::manual(chrono::DateTime::UNIX_EPOCH).0);
        Limiter::new(leases, Shares::ample())
    }

    /// In memory, nothing is waited for.
    fn admit(limiter: &Limiter, key: &ApiKeyEntry) -> Result<Admission, Error> {
        admit_within(limiter, Limits::default(), key)
    }

    /// The same in an organization with limits of its own.
    fn admit_within(limiter: &Limiter, own: Limits, key: &ApiKeyEntry) -> Result<Admission, Error> {
        limiter.admit(&organization(own), key).now_or_never().expect("no wait")
    }

    fn key(per_minute: Option<i64>, concurrent: Option<i64>) -> ApiKeyEntry {
        ApiKeyEntry {
            id: ApiKeyId(Clock::system().new_id()),
            name: "test".into(),
            scopes: Vec::new(),
            models: None,
            limits: Limits {
                requests_per_minute: per_minute,
                concurrent_requests: concurrent,
                ..Limits::default()
            },
            model_limits: ModelLimits::default(),
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

    #[test]
    fn the_tightest_limit_is_shown_and_the_one_that_is_reached_is_named() {
        let limiter = limiter();
        let (one, other) = (key(Some(2), None), key(None, None));
        let own = Limits { requests_per_day: Some(3), ..Limits::default() };
        let shown = |key: &ApiKeyEntry| {
            let requests = admit_within(&limiter, own, key).map(|admission| admission.requests);
            requests.map(|requests| requests.map(|status| (status.limit, status.remaining)))
        };
        assert_eq!(shown(&one).expect("room"), Some((2, 1)));
        assert_eq!(shown(&other).expect("room"), Some((3, 1)));
        assert_eq!(shown(&one).expect("room"), Some((2, 0)));
        for (key, owner, what, limit) in
            [(&one, "organization", "requests per day", 3), (&other, "organization", "requests per day", 3)]
        {
            let Err(Error::LimitReached(reached)) = shown(key) else { panic!("no room") };
            assert_eq!((reached.owner, reached.what, reached.limit), (owner, what, limit));
            assert!(reached.retry_after > Duration::from_secs(3_600), "{reached:?}");
        }
        // Without that limit, the key's own is reached.
        let Err(Error::LimitReached(reached)) = admit(&limiter, &one) else { panic!("no room") };
        assert_eq!((reached.owner, reached.what, reached.limit), ("API key", "requests per minute", 2));
    }
}
