//! Whether an error about a limit says what is limited. If it does not, the limit may be of something that only some requests
//! ask for.

use super::message::{Mask, Message};
use crate::providers::UpstreamError;

/// Words for what is limited of the whole account or of the model: requests, tokens, money, a plan, capacity. Tokens are
/// compared with the request elsewhere.
const SUBJECTS: &[&[&str]] = &[
    &["requests per"],
    &["request per"],
    &["requests/"],
    &["request rate"],
    &["number of requests"],
    &["queries per"],
    &["calls per"],
    &["calls /"],
    &["(rpm)"],
    &["(rpd)"],
    &["(rps)"],
    &["per day"],
    &["daily"],
    &["per week"],
    &["weekly"],
    &["per month"],
    &["monthly"],
    &["token"],
    &["tpm"],
    &["quota"],
    &["usage limit"],
    &["account"],
    &["subscription"],
    &["free tier"],
    &["free-tier"],
    &["trial"],
    &["your plan"],
    &["concurren"],
    &["spend"],
    &["billing"],
    &["payment"],
    &["balance"],
    &["credit"],
    &["insufficient"],
    &["capacity"],
    &["overload"],
    &["high demand"],
    &["high load"],
    &["busy"],
    &["temporarily rate-limited upstream"],
    &["余额"],
    &["额度"],
    &["并发"],
];

/// The masks of those words.
static MASKS: [Mask; SUBJECTS.len()] = Mask::of_all(SUBJECTS);

/// Whether the message, a code or a header says what is limited.
#[must_use]
pub fn says_what_is_limited(error: &UpstreamError) -> bool {
    let labels = [&error.code, &error.kind, &error.inner_code].into_iter().flatten();
    let mut texts = labels.map(String::as_str).chain([error.message.as_str()]);
    error.requests_used_up || texts.any(|text| Message::of(text).fits_any(&MASKS, SUBJECTS))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::{Value, json};

    use super::super::normalized;
    use super::*;
    use crate::providers::parse_error;

    fn says(headers: &[(&'static str, &'static str)], error: &Value) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
        });
        let body = json!({"error": error}).to_string();
        let headers: HeaderMap = headers.collect();
        says_what_is_limited(&parse_error(429, &headers, body.as_bytes(), chrono::DateTime::UNIX_EPOCH))
    }

    #[test]
    fn parts_are_normalized() {
        for part in SUBJECTS.iter().flat_map(|parts| parts.iter()) {
            assert_eq!(&normalized(part), part);
        }
    }

    #[test]
    fn an_error_says_what_is_limited_or_only_that_something_is() {
        for message in [
            "Rate limit reached for x on requests per day (RPD): Limit 1000, Used 1000",
            "You exceeded your current quota, please check your plan",
            "The limit of the account is reached",
            "Rate limit exceeded: 30,000 input tokens per minute",
            "Your daily limit is reached",
            "The server is busy",
        ] {
            assert!(says(&[], &json!({"message": message})), "{message}");
        }
        for message in
            ["", "Too Many Requests", "Rate limit exceeded", "slow down", "You are being rate limited"]
        {
            assert!(!says(&[], &json!({"message": message, "code": "rate_limit_exceeded"})), "{message}");
        }
        assert!(says(&[], &json!({"message": "no", "code": "request_quota_exceeded"})));
        let used = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6h0m0s")];
        assert!(says(&used, &json!({"message": "no"})));
        assert!(!says(&[("x-ratelimit-remaining-requests", "7")], &json!({"message": "no"})));
    }
}
