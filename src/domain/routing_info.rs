//! Routing information for the caller.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::domain::failure::class::ErrorClass;

/// How a request was routed. The caller gets it in response headers or in the body, also with an error.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RoutingInfo {
    /// Catalog name of the model that answered; `None` if none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<String>,
    /// Number of upstream calls.
    pub upstream_calls: u32,
    /// The fallback that took place; `None` if the requested model answered.
    pub fallback: Option<Fallback>,
    /// Time spent in the gateway; `gateway_ms` in a body.
    #[serde(rename = "gateway_ms", serialize_with = "in_millis")]
    pub gateway_time: Duration,
    /// Time spent waiting for upstreams; `upstream_ms` in a body.
    #[serde(rename = "upstream_ms", serialize_with = "in_millis")]
    pub upstream_time: Duration,
    /// `soft` if the soft limit of a budget is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<&'static str>,
    /// The tightest of the caller's limits of tokens, for the headers.
    #[serde(skip)]
    pub tokens: Option<LimitStatus>,
}

/// Where a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitStatus {
    /// How much it allows.
    pub limit: u64,
    /// What is left now.
    pub remaining: u64,
    /// Time until all of it is available again.
    pub reset: Duration,
}

/// Why another model than the requested one was called.
#[derive(Debug, Clone, Serialize)]
pub struct Fallback {
    /// The name of the requested model.
    pub from: String,
    /// The class of the first failure.
    pub class: ErrorClass,
    /// Number of candidates that failed or were skipped before the answer.
    pub hops: u32,
}

/// Serializes a duration as milliseconds with three decimals.
fn in_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    serializer.serialize_f64(f64::from(micros) / 1_000.0)
}
