//! What a caller learns about the way to its answer.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::domain::error_class::ErrorClass;

/// What the caller learns about the way to the answer, also on an error: in headers, or in a body.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RoutingInfo {
    /// Catalogue name of the model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<String>,
    /// Upstream calls made.
    pub upstream_calls: u32,
    /// How it came that another model was asked; none if the requested one answered itself.
    pub fallback: Option<Fallback>,
    /// Time that was ours; in a body `gateway_ms`.
    #[serde(rename = "gateway_ms", serialize_with = "in_millis")]
    pub gateway_time: Duration,
    /// Time that was the upstreams'; in a body `upstream_ms`.
    #[serde(rename = "upstream_ms", serialize_with = "in_millis")]
    pub upstream_time: Duration,
    /// `soft`: a budget's soft limit is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<&'static str>,
}

/// How it came that another model was asked.
#[derive(Debug, Clone, Serialize)]
pub struct Fallback {
    /// The requested model.
    pub from: String,
    /// The class of the first failure.
    pub class: ErrorClass,
    /// Candidates failed or passed over before the answer.
    pub hops: u32,
}

/// Milliseconds with three decimals.
fn in_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    serializer.serialize_f64(f64::from(micros) / 1_000.0)
}
