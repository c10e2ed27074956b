//! The limits of the caller that a response tells of. Each dialect has headers of its own for them.

use crate::domain::error::Error;
use crate::domain::routing_info::LimitStatus;

/// The tightest limits of the caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitStates {
    /// Of requests per minute or per day.
    pub requests: Option<LimitStatus>,
    /// Of tokens per minute or per day.
    pub tokens: Option<LimitStatus>,
}

impl LimitStates {
    /// The limits that an error tells of.
    #[must_use]
    pub fn of_error(error: &Error) -> Self {
        match error {
            Error::LimitReached(reached) => {
                let status = |reset| LimitStatus { limit: reached.limit, remaining: 0, reset };
                Self { requests: reached.reset.map(status), tokens: None }
            }
            Error::Chain(chain) => Self { requests: None, tokens: chain.routing.tokens },
            _ => Self::default(),
        }
    }
}
