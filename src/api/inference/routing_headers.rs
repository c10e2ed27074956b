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
    if let Ok(timing) = HeaderValue::try_from(timing(routing.gateway_time, routing.upstream_time)) {
        headers.insert(SERVER_TIMING, timing);
    }
}

/// The value of `server-timing`, in milliseconds. Every answer has it, so it is written without the formatter.
fn timing(gateway: Duration, upstream: Duration) -> Vec<u8> {
    let mut text = Vec::with_capacity(64);
    text.extend_from_slice(b"gateway;dur=");
    milliseconds(&mut text, gateway);
    text.extend_from_slice(b", upstream;dur=");
    milliseconds(&mut text, upstream);
    text
}

/// Writes the headers of a request that was refused before any model was called.
pub fn no_model_called(headers: &mut HeaderMap) {
    headers.insert(ATTEMPTS, HeaderValue::from_static("0"));
    headers.insert(FALLBACK, HeaderValue::from_static("none"));
}

/// Writes milliseconds with three digits after the point.
fn milliseconds(text: &mut Vec<u8>, duration: Duration) {
    let millis = duration.as_secs().saturating_mul(1_000).saturating_add(u64::from(duration.subsec_millis()));
    let micros = duration.subsec_micros() % 1_000;
    let mut divisor = 1;
    while millis / divisor >= 10 {
        divisor *= 10;
    }
    let digit = |number: u64| b'0' + u8::try_from(number % 10).unwrap_or_default();
    while divisor > 0 {
        text.push(digit(millis / divisor));
        divisor /= 10;
    }
    text.push(b'.');
    text.extend([100, 10, 1].map(|divisor| digit(u64::from(micros / divisor))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_milliseconds_with_three_digits_after_the_point() {
        for micros in [0, 7, 999, 1_000, 10_000, 12_034, 99_999_999, u64::MAX / 2_000] {
            let expected = format!("{}.{:03}", micros / 1_000, micros % 1_000);
            let mut text = Vec::new();
            milliseconds(&mut text, Duration::from_micros(micros));
            assert_eq!(String::from_utf8(text).as_deref(), Ok(expected.as_str()));
        }
        let text = timing(Duration::from_micros(1_234), Duration::from_millis(560));
        assert_eq!(text, b"gateway;dur=1.234, upstream;dur=560.000");
    }
}
