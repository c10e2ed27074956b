//! A chain that ended without an answer.

use std::time::Duration;

use crate::domain::attempt_report::AttemptReport;
use crate::domain::error_class::ErrorClass;
use crate::domain::failure::Failure;
use crate::domain::failure_scope::FailureScope;
use crate::domain::routing_info::RoutingInfo;

/// A chain that ended without an answer.
#[derive(Debug)]
pub struct ChainFailure {
    /// The failure of the last candidate called; or, if none was, of the last one passed over.
    pub failure: Failure,
    /// The status for the caller.
    pub status: u16,
    /// Whether every model that could have answered is in cooldown, so that none was called.
    pub cooling: bool,
    /// The smallest wait that any provider asked for.
    pub retry_after: Option<Duration>,
    /// What was tried.
    pub attempts: Vec<AttemptReport>,
    /// What the caller is told in headers.
    pub routing: RoutingInfo,
}

/// The longest wait that an SDK may sleep through inside its caller.
const SHORT_WAIT: Duration = Duration::from_secs(2);

impl ChainFailure {
    /// Whether the caller's SDK may try again by itself: only where that could mend anything, and soon.
    #[must_use]
    pub fn is_worth_retrying(&self) -> bool {
        if self.cooling {
            return self.retry_after.is_some_and(|wait| wait <= SHORT_WAIT);
        }
        let too_large =
            self.failure.class == ErrorClass::RateLimited && self.failure.scope == FailureScope::Request;
        self.failure.class.policy().worth_retrying && !too_large
    }
}
