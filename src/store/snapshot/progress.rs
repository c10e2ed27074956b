//! How far a process has read the changes of others, and how many organizations it reads at once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::ids::{ApiKeyId, OrganizationId};
use uuid::Uuid;

use super::counter::Counter;

/// The most organizations that are read at once. Their snapshots are published before the next ones are read.
const MOST: usize = 200;
/// The timeout for reading them.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest timeout, for a single organization.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(320);

/// What a process has read.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The change counter before the last complete look.
    pub(super) counter: Counter,
    /// The last numbered change that was read.
    pub(super) place: Place,
    /// How much is read at once.
    pub(super) pace: Pace,
}

/// A place in the order of changes. Several organizations can have one number if one transaction changed them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The number of the change.
    pub(super) number: i64,
    /// The last organization with that number.
    pub(super) organization: OrganizationId,
}

impl Place {
    /// After all organizations that the change of that number has changed.
    pub(super) fn after(number: i64) -> Self {
        Self { number, organization: OrganizationId(Uuid::max()) }
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::after(0)
    }
}

/// What a process has read of the revocations of keys.
#[derive(Debug)]
pub(super) struct RevocationProgress {
    /// The change counter before the last complete look.
    pub(super) counter: Counter,
    /// The number and the key of the last revocation.
    pub(super) last: (i64, ApiKeyId),
    /// When the last complete look began.
    pub(super) looked_at: DateTime<Utc>,
}

impl RevocationProgress {
    /// After all revocations that the counter counts.
    pub(super) fn at(counter: Counter, looked_at: DateTime<Utc>) -> Self {
        Self { counter, last: (counter.changes, ApiKeyId(Uuid::max())), looked_at }
    }
}

impl Default for RevocationProgress {
    fn default() -> Self {
        Self::at(Counter::default(), DateTime::<Utc>::UNIX_EPOCH)
    }
}

/// How many organizations are read at once, and how long that may take. When it takes longer, half as many are read next;
/// a single one gets more time. So even a slow database makes progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// The most organizations of the next step.
    pub(super) organizations: usize,
    /// The timeout of the next step.
    pub(super) timeout: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { organizations: MOST, timeout: TIMEOUT }
    }
}

impl Pace {
    /// A step ended in time.
    pub(super) fn done(&mut self) {
        self.organizations = (self.organizations * 2).min(MOST);
        self.timeout = TIMEOUT;
    }

    /// A step took too long.
    pub(super) fn timed_out(&mut self) {
        if self.organizations > 1 {
            self.organizations /= 2;
        } else {
            self.timeout = (self.timeout * 2).min(LONGEST_TIMEOUT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_database_is_read_in_smaller_steps_and_then_with_more_time() {
        let mut pace = Pace::default();
        let mut sizes = Vec::new();
        while pace.organizations > 1 {
            assert_eq!(pace.timeout, TIMEOUT);
            sizes.push(pace.organizations);
            pace.timed_out();
        }
        assert_eq!(sizes, [200, 100, 50, 25, 12, 6, 3]);
        for _ in 0..20 {
            pace.timed_out();
        }
        assert_eq!(pace, Pace { organizations: 1, timeout: LONGEST_TIMEOUT });
        pace.done();
        assert_eq!(pace, Pace { organizations: 2, timeout: TIMEOUT });
        for _ in 0..20 {
            pace.done();
        }
        assert_eq!(pace, Pace::default());
    }
}
