//! How long a vendor asks us to wait, from its headers.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;

use crate::providers::errors::reset_time::ResetTime;

/// The requested wait, uncapped: `retry-after-ms` (OpenAI, Azure; more precise), else `retry-after` in seconds or as
/// an HTTP date. A date in the past says nothing. Some servers send seconds since 1970, which count as a date.
pub(super) fn from_headers(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let milliseconds = text("retry-after-ms").and_then(|text| seconds(text, 0.001));
    milliseconds.or_else(|| {
        let text = text("retry-after")?;
        let date = match ResetTime::read(text) {
            Some(ResetTime::At(date)) => date,
            Some(ResetTime::In(_)) | None => return seconds(text, 1.0),
        };
        (date - now).to_std().ok()
    })
}

/// `34.07s`, as Google writes durations.
pub(super) fn from_google(text: &str) -> Option<Duration> {
    seconds(text.trim().strip_suffix('s')?, 1.0)
}

/// A decimal number of `unit` seconds; `None` if negative or too large for a duration.
fn seconds(text: &str, unit: f64) -> Option<Duration> {
    // Digits and a point only: `f64` also parses "inf", "nan" and exponents.
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(number * unit).ok()
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use http::HeaderValue;

    use super::*;

    fn waits(headers: &[(&'static str, &str)]) -> Option<Duration> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_str(value).expect("value"));
        }
        let now = Utc.with_ymd_and_hms(2026, 1, 5, 12, 0, 0).single().expect("date");
        from_headers(&map, now)
    }

    #[test]
    fn seconds_milliseconds_and_dates() {
        assert_eq!(waits(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(waits(&[("retry-after", " 0.5 ")]), Some(Duration::from_millis(500)));
        assert_eq!(
            waits(&[("retry-after-ms", "250"), ("retry-after", "1")]),
            Some(Duration::from_millis(250))
        );
        assert_eq!(waits(&[("retry-after", "Mon, 05 Jan 2026 12:01:30 GMT")]), Some(Duration::from_secs(90)));
        for past in ["Mon, 05 Jan 2026 11:00:00 GMT", "1000000000"] {
            assert_eq!(waits(&[("retry-after", past)]), None);
        }
        assert_eq!(waits(&[("retry-after", "1767614490")]), Some(Duration::from_secs(90)));
        assert_eq!(from_google("34.074824224s"), Some(Duration::from_secs_f64(34.074_824_224)));
    }

    #[test]
    fn nonsense_is_no_wait() {
        for text in ["", "soon", "-1", "inf", "nan", "1e9", "1.2.3", &"9".repeat(400)] {
            assert_eq!(waits(&[("retry-after", text)]), None, "{text}");
        }
        assert_eq!(waits(&[("retry-after-ms", "x"), ("retry-after", "2")]), Some(Duration::from_secs(2)));
        assert_eq!(waits(&[]), None);
        assert_eq!(from_google("5"), None);
    }
}
