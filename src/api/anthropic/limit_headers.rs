//! The limits of a caller in Anthropic's rate limit headers.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::api::inference::limits::LimitStates;
use crate::domain::routing_info::LimitStatus;

const REQUESTS: [HeaderName; 3] = [
    HeaderName::from_static("anthropic-ratelimit-requests-limit"),
    HeaderName::from_static("anthropic-ratelimit-requests-remaining"),
    HeaderName::from_static("anthropic-ratelimit-requests-reset"),
];
const TOKENS: [HeaderName; 3] = [
    HeaderName::from_static("anthropic-ratelimit-tokens-limit"),
    HeaderName::from_static("anthropic-ratelimit-tokens-remaining"),
    HeaderName::from_static("anthropic-ratelimit-tokens-reset"),
];

/// Writes the limits, what remains of them, and when they start over.
pub fn describe(limits: LimitStates, now: DateTime<Utc>, headers: &mut HeaderMap) {
    if let Some(requests) = limits.requests {
        write(REQUESTS, requests, now, headers);
    }
    if let Some(tokens) = limits.tokens {
        write(TOKENS, tokens, now, headers);
    }
}

fn write(
    [limit, remaining, reset]: [HeaderName; 3],
    status: LimitStatus,
    now: DateTime<Utc>,
    headers: &mut HeaderMap,
) {
    headers.insert(limit, HeaderValue::from(status.limit));
    headers.insert(remaining, HeaderValue::from(status.remaining));
    let end = now.checked_add_signed(chrono::TimeDelta::from_std(status.reset).unwrap_or_default());
    let text = end.map(|end| end.to_rfc3339_opts(SecondsFormat::Secs, true));
    if let Some(Ok(text)) = text.map(|text| HeaderValue::from_str(&text)) {
        headers.insert(reset, text);
    }
}
