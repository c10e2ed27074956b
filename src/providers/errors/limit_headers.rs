//! The headers in which vendors report their limits, and when the limit that was reached resets.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::providers::errors::reset_time::ResetTime;

/// What names of such headers have in common.
const RATE_LIMIT: &str = "ratelimit";

/// One of several limits: how much of it is left, if known, and when it resets.
struct Limit {
    remaining: Option<f64>,
    reset: ResetTime,
}

/// The headers of a response that are about limits.
#[derive(Debug)]
pub(super) struct LimitHeaders<'a>(Vec<(String, &'a str)>);

impl<'a> LimitHeaders<'a> {
    /// Reads those headers: the names in lower case and with `rate` for `ratelimit` and `rate-limit`, so that `limit` in a name
    /// says what its number is.
    pub(super) fn of(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let headers = headers.filter(|(name, _)| is_of_a_limit(name)).filter_map(|(name, value)| {
            let name = name.to_ascii_lowercase().replace("rate-limit", RATE_LIMIT);
            name.contains(RATE_LIMIT).then(|| (name.replace(RATE_LIMIT, "rate"), value))
        });
        Self(headers.collect())
    }

    /// The names and the values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// Whether a limit of requests is used up.
    pub(super) fn have_no_request_left(&self) -> bool {
        let of_requests = |name: &str| name.contains("request") && name.contains("remaining");
        let is_none = |value: &str| value.trim().parse::<f64>().is_ok_and(|left| left < 1.0);
        self.iter().any(|(name, value)| of_requests(name) && is_none(value))
    }

    /// The number of the header with `other` in place of `word`. `None` if the name has no such word.
    pub(super) fn beside<T: FromStr>(&self, name: &str, word: &str, other: &str) -> Option<T> {
        let partner = name.contains(word).then(|| name.replace(word, other))?;
        self.iter().find(|(name, _)| *name == partner)?.1.trim().parse().ok()
    }

    /// The reset time of the limit that was reached. Vendors report several limits at once (requests and tokens, per minute and
    /// per day). If some are used up, the last of those to reset counts. If no remaining amounts are reported, the first to reset
    /// counts: probing early costs one call, and probing late keeps the model closed for everyone.
    pub(super) fn reset(&self, now: DateTime<Utc>) -> Option<ResetTime> {
        let limits = self.iter().filter_map(|(name, value)| {
            if name == "rate" {
                return combined(value);
            }
            name.contains("reset").then_some(())?;
            Some(Limit { remaining: self.beside(name, "reset", "remaining"), reset: ResetTime::read(value)? })
        });
        let limits: Vec<(Option<f64>, Duration)> =
            limits.filter_map(|limit| Some((limit.remaining, limit.reset.wait(now)?))).collect();
        let used_up = limits.iter().filter(|(remaining, _)| remaining.is_some_and(|left| left < 1.0));
        let unknown = limits.iter().filter(|(remaining, _)| remaining.is_none());
        let wait = used_up.map(|(_, wait)| wait).max().or_else(|| unknown.map(|(_, wait)| wait).min())?;
        Some(ResetTime::In(*wait))
    }
}

/// Whether a name may be that of a limit. Few are, and those that are not need no copy.
fn is_of_a_limit(name: &str) -> bool {
    name.as_bytes().windows(4).any(|part| part.eq_ignore_ascii_case(b"rate"))
}

/// The header from the IETF drafts: `limit=100, remaining=0, reset=30`, or `"default";r=0;t=30`.
fn combined(value: &str) -> Option<Limit> {
    let number = |names: [&str; 2]| {
        value.split([',', ';']).find_map(|part| {
            let (name, number) = part.trim().split_once('=')?;
            names.contains(&name).then(|| number.trim().parse::<f64>().ok())?
        })
    };
    let reset = ResetTime::of_number(number(["reset", "t"])?, 1.0)?;
    Some(Limit { remaining: number(["remaining", "r"]), reset })
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn wait(headers: &[(&str, &str)]) -> Option<u64> {
        let now = Utc.with_ymd_and_hms(2026, 8, 16, 22, 0, 0).single().expect("a date");
        let moment = LimitHeaders::of(headers.iter().copied()).reset(now)?;
        moment.wait(now).map(|wait| wait.as_secs())
    }

    #[test]
    fn the_limit_that_is_used_up_counts() {
        let openai = [
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "6h0m0s"),
            ("x-ratelimit-remaining-tokens", "1200"),
            ("x-ratelimit-reset-tokens", "1s"),
        ];
        assert_eq!(wait(&openai), Some(21_600));
        let anthropic = [
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2026-08-16T22:00:02Z"),
            ("anthropic-ratelimit-tokens-remaining", "0"),
            ("anthropic-ratelimit-tokens-reset", "2026-08-16T22:05:00Z"),
        ];
        assert_eq!(wait(&anthropic), Some(300));
    }

    #[test]
    fn of_limits_that_say_nothing_the_first_counts_and_of_those_with_something_left_none() {
        assert_eq!(
            wait(&[("x-ratelimit-reset-requests", "1s"), ("x-ratelimit-reset-tokens", "6m0s")]),
            Some(1)
        );
        assert_eq!(wait(&[("X-RateLimit-Reset", "1786921200000")]), Some(3_600));
        assert_eq!(wait(&[("x-rate-limit-reset", "90")]), Some(90));
        assert_eq!(wait(&[("ratelimit", "\"default\";r=0;t=45")]), Some(45));
        assert_eq!(wait(&[("ratelimit", "limit=10, remaining=3, reset=45")]), None);
        assert_eq!(wait(&[("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "45")]), None);
        assert_eq!(wait(&[("x-ratelimit-reset", "-5"), ("x-ratelimit-limit", "5")]), None);
        assert_eq!(wait(&[("retry-after", "5")]), None);
    }
}
