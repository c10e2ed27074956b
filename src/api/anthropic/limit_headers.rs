//! A key's limit per minute in Anthropic's rate limit headers.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::auth::api::rate_limit::RateLimitStatus;

const LIMIT: HeaderName = HeaderName::from_static("anthropic-ratelimit-requests-limit");
const REMAINING: HeaderName = HeaderName::from_static("anthropic-ratelimit-requests-remaining");

const RESET: HeaderName = HeaderName::from_static("anthropic-ratelimit-requests-reset");

/// Writes the limit, what remains of it, and when it starts over.
pub fn describe(minutes: RateLimitStatus, now: DateTime<Utc>, headers: &mut HeaderMap) {
    headers.insert(LIMIT, HeaderValue::from(minutes.limit));
    headers.insert(REMAINING, HeaderValue::from(minutes.remaining));
    let reset = now.checked_add_signed(chrono::TimeDelta::from_std(minutes.reset).unwrap_or_default());
    let text = reset.map(|reset| reset.to_rfc3339_opts(SecondsFormat::Secs, true));
    if let Some(Ok(reset)) = text.map(|text| HeaderValue::from_str(&text)) {
        headers.insert(RESET, reset);
    }
}
