//! The failure of a whole chain of candidates.

use std::time::Duration;

use crate::domain::attempt_report::AttemptReport;
use crate::domain::failure::Failure;
use crate::domain::failure::class::ErrorClass;
use crate::domain::failure::scope::FailureScope;
use crate::domain::routing_info::RoutingInfo;

/// A chain that ended without an answer.
#[derive(Debug)]
pub struct ChainFailure {
    /// The failure of the last candidate that was called or, if none was, of the last one that was skipped.
    pub failure: Failure,
    /// The HTTP status for the caller.
    pub status: u16,
    /// Whether every model that could answer is in cooldown, so that none was called.
    pub cooling: bool,
    /// The shortest wait that a provider, a limit or a budget asked for; `None` if none did.
    pub retry_after: Option<Duration>,
    /// Every attempt and skipped candidate, in order.
    pub attempts: Vec<AttemptReport>,
    /// What the response headers say about routing.
    pub routing: RoutingInfo,
}

impl ChainFailure {
    /// Whether a retry can help, however long it has to wait.
    #[must_use]
    pub fn is_worth_retrying(&self) -> bool {
        if self.cooling {
            return self.retry_after.is_some();
        }
        // Only reservations of running requests are in the way.
        if self.failure.class == ErrorClass::OverBudget && self.retry_after.is_some() {
            return true;
        }
        // Without a time to wait, the request never fits.
        if self.failure.class == ErrorClass::NoHeadroom && self.retry_after.is_none() {
            return false;
        }
        // A provider's limit that this one request exceeds; the gateway's own has no status.
        let too_large = self.failure.class == ErrorClass::RateLimited
            && self.failure.scope == FailureScope::Request
            && self.failure.status.is_some();
        self.failure.class.policy().worth_retrying && !too_large
    }
}
