//! Response headers about routing: which model answered and what happened before.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::routing_info::{Fallback, RoutingInfo};

const MODEL: HeaderName = HeaderName::from_static("x-failsoft-model");
const BUDGET: HeaderName = HeaderName::from_static("x-failsoft-budget");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-failsoft-attempts");
const FALLBACK: HeaderName = HeaderName::from_static("x-failsoft-fallback");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Writes the headers of an answer or of an error after routing.
pub fn describe(routing: &RoutingInfo, headers: &mut HeaderMap) {
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    if let Some(served) = &routing.served {
        put(MODEL, served);
    }
    if let Some(budget) = routing.budget {
        put(BUDGET, budget);
    }
    if let Some(Fallback { from, class, hops }) = &routing.fallback {
        put(FALLBACK, &format!("from={from}; class={class}; hops={hops}"));
    } else {
        headers.insert(FALLBACK, HeaderValue::from_static("none"));
    }
    headers.insert(ATTEMPTS, HeaderValue::from(routing.upstream_calls));
    let ((gateway, gateway_micros), (upstream, upstream_micros)) =
        (millis(routing.gateway_time), millis(routing.upstream_time));
    let timing =
        format!("gateway;dur={gateway}.{gateway_micros:03}, upstream;dur={upstream}.{upstream_micros:03}");
    if let Ok(timing) = HeaderValue::try_from(timing) {
        headers.insert(SERVER_TIMING, timing);
    }
}

/// Writes the headers of a request that was refused before any model was called.
pub fn no_model_called(headers: &mut HeaderMap) {
    headers.insert(ATTEMPTS, HeaderValue::from_static("0"));
    headers.insert(FALLBACK, HeaderValue::from_static("none"));
}

/// Milliseconds and their thousandths. They are integers because formatting a float is slow.
fn millis(duration: Duration) -> (u64, u32) {
    let millis = duration.as_secs().saturating_mul(1_000).saturating_add(u64::from(duration.subsec_millis()));
    (millis, duration.subsec_micros() % 1_000)
}
