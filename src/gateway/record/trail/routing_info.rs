//! What the caller is told of a trail, besides the answer.

use super::Trail;
use super::rows::{left_alone_message, passed_over_failure};
use crate::domain::error::Error;
use crate::domain::error_class::ErrorClass;
use crate::domain::failure::Failure;
use crate::domain::routing_info::{Fallback, RoutingInfo};
use crate::gateway::response::answer::Metadata;
use crate::gateway::routing::cooldown::OpenCooldown;
use crate::gateway::routing::plan::SkipReason;
use crate::gateway::usage::pricing::Usage;

impl Trail {
    /// The last pass-over in the words of a failure.
    #[must_use]
    pub fn last_pass_over(&self, reason: ErrorClass) -> Failure {
        let model = self.pending.as_ref().map_or(&self.context.requested, |last| &last.event.failed_model);
        let failure =
            passed_over_failure(&SkipReason { class: reason, cooldown: None, over_budget: None }, model);
        // It was told in full when it was passed over.
        let told = self.pending.as_ref().filter(|last| last.event.error_class == reason.as_str());
        let told = told.and_then(|last| last.event.error_message.clone());
        Failure { message: told.unwrap_or(failure.message), ..failure }
    }

    /// Nobody was called; the failure that opened the cooldown which ends first is the request's.
    pub fn left_alone(&mut self, cooldown: &OpenCooldown) -> Failure {
        self.cooling = true;
        self.retry_after =
            Some(self.retry_after.map_or(cooldown.remaining, |known| known.min(cooldown.remaining)));
        Failure { message: left_alone_message(cooldown), ..(*cooldown.failure).clone() }
    }

    /// What the caller is told in headers, as of now.
    #[must_use]
    pub fn routing(&self) -> RoutingInfo {
        let total = self.context.started.elapsed();
        let fallback = |class| Fallback { from: self.context.requested.clone(), class, hops: self.hops };
        RoutingInfo {
            served: self.served.as_ref().map(|model| model.name.to_string()),
            upstream_calls: self.upstream_calls,
            fallback: self.first_failure.map(fallback),
            gateway_time: total.saturating_sub(self.upstream_time),
            upstream_time: self.upstream_time,
            budget: self
                .reservation
                .as_ref()
                .filter(|reservation| reservation.soft_limit_reached())
                .map(|_| "soft"),
        }
    }

    /// The `failsoft` object, as JSON.
    #[must_use]
    pub fn metadata(&self, routing: &RoutingInfo, usage: &Usage) -> String {
        let metadata = Metadata {
            requested: &self.context.requested,
            routing,
            cost: self.bill(Some(usage)).0,
            attempts: &self.reports,
        };
        serde_json::to_string(&metadata).unwrap_or_else(|_| "null".to_owned())
    }

    /// Calls were made for an answer that is not given: its caller learns of them all the same.
    pub(super) fn withheld(&self, error: Error) -> Error {
        match error {
            Error::RecordingUnavailable(_) => {
                Error::RecordingUnavailable(Some(Box::new(RoutingInfo { served: None, ..self.routing() })))
            }
            other => other,
        }
    }
}
