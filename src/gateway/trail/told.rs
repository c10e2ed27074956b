//! What the caller is told of a trail, besides the answer.
//!
//! Imports the trail and [`answer`](crate::gateway::answer)'s words.

use super::Trail;
use crate::error::Error;
use crate::gateway::answer::{Disclosure, Fallback, Metadata};
use crate::gateway::cost::Usage;

impl Trail {
    /// What the caller is told in headers, as of now.
    #[must_use]
    pub fn disclosure(&self) -> Disclosure {
        let total = self.context.started.elapsed();
        let fallback = |class| Fallback { from: self.context.requested.clone(), class, hops: self.hops };
        Disclosure {
            served: self.served.as_ref().map(|model| model.name.to_string()),
            upstream_calls: self.upstream_calls,
            fallback: self.first_failure.map(fallback),
            gateway_time: total.saturating_sub(self.upstream_time),
            upstream_time: self.upstream_time,
            budget: self.purse.as_ref().filter(|purse| purse.is_soft()).map(|_| "soft"),
        }
    }

    /// The `failsoft` object, as JSON.
    #[must_use]
    pub fn metadata(&self, disclosure: &Disclosure, usage: &Usage) -> String {
        let metadata = Metadata {
            requested: &self.context.requested,
            disclosure,
            cost: self.cost(Some(usage)),
            attempts: &self.reports,
        };
        serde_json::to_string(&metadata).unwrap_or_else(|_| "null".to_owned())
    }

    /// Calls were made for an answer that is not given: its caller learns of them all the same.
    pub(super) fn withheld(&self, error: Error) -> Error {
        match error {
            Error::RecordingUnavailable(_) => {
                Error::RecordingUnavailable(Some(Box::new(Disclosure { served: None, ..self.disclosure() })))
            }
            other => other,
        }
    }
}
