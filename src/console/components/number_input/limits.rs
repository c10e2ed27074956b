//! The five inputs that limit requests and tokens, in the form of a key and in the settings.

use std::ops::RangeInclusive;

use super::whole;
use crate::console::components::format::count;
use crate::console::http::forms::{Fields, Problems};
use crate::store::Limits;
use crate::validation::bounds::{CONCURRENT_REQUESTS, LIMITED_TOKENS, REQUESTS_PER_DAY, REQUESTS_PER_MINUTE};

/// What was typed into the inputs.
#[derive(Debug, Clone, Default)]
pub struct LimitInputs {
    /// Requests within any minute.
    pub requests_per_minute: String,
    /// Requests within a UTC day.
    pub requests_per_day: String,
    /// Tokens within any minute.
    pub tokens_per_minute: String,
    /// Tokens within a UTC day.
    pub tokens_per_day: String,
    /// Requests that are under way.
    pub concurrent_requests: String,
}

impl LimitInputs {
    /// The inputs of a sent form.
    #[must_use]
    pub fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).trim().to_owned();
        Self {
            requests_per_minute: text("requests_per_minute"),
            requests_per_day: text("requests_per_day"),
            tokens_per_minute: text("tokens_per_minute"),
            tokens_per_day: text("tokens_per_day"),
            concurrent_requests: text("concurrent_requests"),
        }
    }

    /// The inputs that show these limits.
    #[must_use]
    pub fn of_limits(limits: &Limits) -> Self {
        let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        Self {
            requests_per_minute: number(limits.requests_per_minute),
            requests_per_day: number(limits.requests_per_day),
            tokens_per_minute: number(limits.tokens_per_minute),
            tokens_per_day: number(limits.tokens_per_day),
            concurrent_requests: number(limits.concurrent_requests),
        }
    }

    /// Parses the limits. An empty input means no limit.
    pub fn read(&self, problems: &mut Problems) -> Limits {
        let mut limit = |field: &'static str, text: &str, range: RangeInclusive<i64>| {
            let what = Limits::default().named().into_iter().find(|named| named.field == field);
            let what = what.map_or(field, |named| named.what);
            let read = whole(text, &range).map_err(|expected| format!("The {what} {expected}"));
            problems.check(field, read).flatten()
        };
        Limits {
            requests_per_minute: limit("requests_per_minute", &self.requests_per_minute, REQUESTS_PER_MINUTE),
            requests_per_day: limit("requests_per_day", &self.requests_per_day, REQUESTS_PER_DAY),
            tokens_per_minute: limit("tokens_per_minute", &self.tokens_per_minute, LIMITED_TOKENS),
            tokens_per_day: limit("tokens_per_day", &self.tokens_per_day, LIMITED_TOKENS),
            concurrent_requests: limit("concurrent_requests", &self.concurrent_requests, CONCURRENT_REQUESTS),
        }
    }
}

/// The limits in words; empty for none.
#[must_use]
pub fn listed(limits: &Limits) -> String {
    let parts = [
        limits.requests_per_minute.map(|number| format!("{} a minute", count(number))),
        limits.requests_per_day.map(|number| format!("{} a day", count(number))),
        limits.tokens_per_minute.map(|number| format!("{} tokens a minute", count(number))),
        limits.tokens_per_day.map(|number| format!("{} tokens a day", count(number))),
        limits.concurrent_requests.map(|number| format!("{} at once", count(number))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_they_are_shown() {
        let limits =
            Limits { tokens_per_day: Some(9_000), concurrent_requests: Some(2), ..Limits::default() };
        let mut problems = Problems::default();
        assert_eq!(LimitInputs::of_limits(&limits).read(&mut problems), limits);
        assert_eq!(listed(&limits), "9,000 tokens a day, 2 at once");
        assert!(problems.is_empty());
        let typed = [("tokens_per_day", "0"), ("requests_per_day", "x"), ("requests_per_minute", " 6,000 ")];
        let read = LimitInputs::of(&Fields::of(&typed)).read(&mut problems);
        assert_eq!(read, Limits { requests_per_minute: Some(6_000), ..Limits::default() });
        let wrong: Vec<&str> = problems.iter().map(|(field, _)| field).collect();
        assert_eq!(wrong, ["requests_per_day", "tokens_per_day"]);
    }
}
