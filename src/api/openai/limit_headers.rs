//! The limits of a caller in OpenAI's rate limit headers.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::api::inference::limits::LimitStates;
use crate::domain::routing_info::LimitStatus;

const REQUESTS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];
const TOKENS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

/// Writes the rate limit headers.
pub fn describe(limits: LimitStates, headers: &mut HeaderMap) {
    if let Some(requests) = limits.requests {
        write(REQUESTS, requests, headers);
    }
    if let Some(tokens) = limits.tokens {
        write(TOKENS, tokens, headers);
    }
}

fn write([limit, remaining, reset]: [HeaderName; 3], status: LimitStatus, headers: &mut HeaderMap) {
    headers.insert(limit, HeaderValue::from(status.limit));
    headers.insert(remaining, HeaderValue::from(status.remaining));
    if let Ok(spelled) = HeaderValue::from_str(&spell(status.reset)) {
        headers.insert(reset, spelled);
    }
}

/// A duration as OpenAI writes it: `1s`, `6m0s`, `120ms`, `5h30m0s`.
fn spell(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{}ms", duration.as_millis()),
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spelled_as_openai_spells_them() {
        for (millis, text) in [
            (0, "0ms"),
            (120, "120ms"),
            (1_000, "1s"),
            (360_000, "6m0s"),
            (61_500, "1m1s"),
            (19_800_000, "5h30m0s"),
        ] {
            assert_eq!(spell(Duration::from_millis(millis)), text);
        }
    }
}
