//! Google's quotas of a day. An error of one asks for a short wait, too, which only helps with those of a minute.

use chrono::{DateTime, Days, NaiveTime, Utc};

use super::body::json::{Json, Members};

/// The hour at which quotas of a day reset: midnight in California, without daylight saving time.
///
/// V ai.google.dev/gemini-api/docs/rate-limits: "Requests per day (RPD) quotas reset at midnight Pacific time."
const HOUR: u32 = 8;

/// Whether an error's details name a quota of a day, such as `GenerateRequestsPerDayPerProjectPerModel-FreeTier`.
pub(super) fn names_a_day(error: &Members<'_>) -> bool {
    let details = error.get("details").and_then(Json::as_array).into_iter().flatten();
    let violations = details.filter_map(|detail| detail.get("violations")?.as_array()).flatten();
    let mut ids = violations.filter_map(|violation| violation.get("quotaId")?.as_str());
    ids.any(|id| id.contains("PerDay"))
}

/// When the quotas of a day reset next; `None` at the end of time.
pub(super) fn next_reset(now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let today = now.date_naive().and_time(NaiveTime::from_hms_opt(HOUR, 0, 0)?).and_utc();
    if today > now { Some(today) } else { today.checked_add_days(Days::new(1)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::providers::parse_error;

    #[test]
    fn a_quota_of_a_day_resets_at_midnight_in_california() {
        let now: DateTime<Utc> = "2026-01-05T12:00:00Z".parse().expect("a time");
        for (quota, retry_after, reset) in [
            ("GenerateRequestsPerDayPerProjectPerModel-FreeTier", None, Some(20 * 3_600)),
            ("GenerateRequestsPerMinutePerProjectPerModel", Some(34), None),
        ] {
            let body = json!({"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED", "details": [
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaMetric": "m", "quotaId": quota}]},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}
            ]}});
            for body in [body.to_string(), json!([body]).to_string()] {
                let error = parse_error(429, &HeaderMap::new(), body.as_bytes(), now);
                assert_eq!(error.retry_after, retry_after.map(Duration::from_secs), "{quota}");
                let wait = error.reset.and_then(|reset| reset.time.wait(now));
                assert_eq!(wait, reset.map(Duration::from_secs), "{quota}");
            }
        }
    }

    #[test]
    fn the_next_reset_is_within_a_day() {
        for (now, reset) in [
            ("2026-01-05T07:59:59Z", "2026-01-05T08:00:00Z"),
            ("2026-01-05T08:00:00Z", "2026-01-06T08:00:00Z"),
            ("2026-12-31T23:00:00Z", "2027-01-01T08:00:00Z"),
        ] {
            let time = |text: &str| text.parse::<DateTime<Utc>>().expect(text);
            assert_eq!(next_reset(time(now)), Some(time(reset)), "{now}");
        }
    }
}
