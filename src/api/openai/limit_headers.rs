//! A key's limit per minute in OpenAI's rate limit headers.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::auth::api::rate_limit::RateLimitStatus;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit-requests");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");

/// Writes the rate limit headers.
pub fn describe(minutes: RateLimitStatus, headers: &mut HeaderMap) {
    headers.insert(LIMIT, HeaderValue::from(minutes.limit));
    headers.insert(REMAINING, HeaderValue::from(minutes.remaining));
    if let Ok(reset) = HeaderValue::from_str(&spell(minutes.reset)) {
        headers.insert(RESET, reset);
    }
}

/// A duration as OpenAI writes it: `1s`, `6m0s`, `120ms`.
fn spell(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, 0) => format!("{}ms", duration.as_millis()),
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spelled_as_openai_spells_them() {
        for (millis, text) in [(0, "0ms"), (120, "120ms"), (1_000, "1s"), (360_000, "6m0s"), (61_500, "1m1s")]
        {
            assert_eq!(spell(Duration::from_millis(millis)), text);
        }
    }
}
