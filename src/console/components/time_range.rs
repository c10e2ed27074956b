//! The time range of a page: one of a few that end now, or two timestamps.

use chrono::{DateTime, TimeDelta, Utc};

use crate::console::http::query::Query;
use crate::domain::origin::Origin;
use crate::store::{BUCKET, RollupSpan};

/// A range that ends now: query value, label, seconds.
const RANGES: &[(&str, &str, i64)] = &[
    ("1h", "Last hour", 3_600),
    ("24h", "Last 24 hours", 86_400),
    ("7d", "Last 7 days", 7 * 86_400),
    ("30d", "Last 30 days", 30 * 86_400),
];
/// The possible bar lengths of a chart, in seconds.
const STEPS: &[i64] = &[300, 600, 1_800, 3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600, 86_400, 7 * 86_400];
/// Maximum number of bars in a chart.
const MOST_BARS: i64 = 60;

/// An option of a select field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Value that is submitted.
    pub value: String,
    /// Text that is displayed.
    pub label: String,
}

impl Choice {
    /// An option with this value and label.
    #[must_use]
    pub fn new(value: &str, label: &str) -> Self {
        Self { value: value.to_owned(), label: label.to_owned() }
    }
}

/// The time range of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeRange {
    /// Query value of the range; empty if it was given by two timestamps.
    pub range: String,
    /// Inclusive start of the range.
    pub since: DateTime<Utc>,
    /// Exclusive end; `None` is open-ended.
    pub until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl TimeRange {
    /// Reads `range`, or `since` and `until`, which take precedence.
    #[must_use]
    pub fn read(query: &mut Query, now: DateTime<Utc>, usual: &str) -> Self {
        let words: Vec<&str> = RANGES.iter().map(|(word, _, _)| *word).collect();
        let range = query.word("range", "Time", &words).unwrap_or_else(|| usual.to_owned());
        let (since, until) = (query.moment("since", "From"), query.moment("until", "Until"));
        if since.is_none() && until.is_none() {
            let seconds =
                RANGES.iter().find(|(word, _, _)| *word == range).map_or(86_400, |(_, _, seconds)| *seconds);
            return Self { range, since: now - TimeDelta::seconds(seconds), until: None, now };
        }
        let end = until.unwrap_or(now);
        let since = since.unwrap_or(end - TimeDelta::days(7));
        if since >= end {
            query.note("The time range begins after its end, so nothing can match.");
        }
        Self { range: String::new(), since, until, now }
    }

    /// The selectable ranges, preceded by `Custom` if two timestamps were given.
    #[must_use]
    pub fn choices(&self) -> Vec<Choice> {
        let own = self.range.is_empty().then(|| Choice::new("", "Custom"));
        own.into_iter().chain(RANGES.iter().map(|(word, label, _)| Choice::new(word, label))).collect()
    }

    /// Name of the range within a sentence.
    #[must_use]
    pub fn name(&self) -> String {
        let known = RANGES.iter().find(|(word, _, _)| *word == self.range);
        known.map_or_else(|| "custom time range".to_owned(), |(_, label, _)| label.to_lowercase())
    }

    /// The same range for the roll-ups.
    #[must_use]
    pub fn rollups(&self, origin: Option<Origin>) -> RollupSpan {
        RollupSpan { since: self.since, until: self.end(), origin }
    }

    /// Length of a bar, in seconds.
    #[must_use]
    pub fn step(&self) -> i64 {
        let seconds = (self.end() - self.since).num_seconds();
        STEPS.iter().copied().find(|step| seconds / step <= MOST_BARS).unwrap_or(30 * 86_400)
    }

    /// Start of each bar, oldest first; empty if there would be too many.
    #[must_use]
    pub fn bars(&self) -> Vec<DateTime<Utc>> {
        let step = self.step().max(BUCKET);
        let first = self.since.timestamp() - self.since.timestamp().rem_euclid(step);
        let number = (self.end().timestamp() - first + step - 1) / step;
        if number > MOST_BARS + 2 {
            return Vec::new();
        }
        (0..number).filter_map(|index| DateTime::from_timestamp(first + index * step, 0)).collect()
    }

    fn end(&self) -> DateTime<Utc> {
        self.until.unwrap_or(self.now + TimeDelta::seconds(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_184_168, 0).expect("a time")
    }

    #[test]
    fn a_range_ends_now_and_has_a_few_dozen_bars() {
        for (word, _, seconds) in RANGES {
            let span = TimeRange::read(&mut Query::parse(&format!("range={word}")), now(), "24h");
            assert_eq!((now() - span.since).num_seconds(), *seconds);
            assert!((12..=62).contains(&span.bars().len()), "{word}: {}", span.bars().len());
            assert!(span.bars()[0] <= span.since);
            assert!(span.bars().last().is_some_and(|last| *last <= now()));
            assert_eq!(span.step() % BUCKET, 0);
        }
    }

    #[test]
    fn two_timestamps_take_precedence_and_invalid_values_are_noted() {
        let mut query = Query::parse("range=1h&since=2026-11-01T00:00&until=2026-11-02T00:00");
        let span = TimeRange::read(&mut query, now(), "24h");
        assert_eq!((span.range.as_str(), span.choices().len(), span.bars().len()), ("", 5, 48));
        let mut query = Query::parse("range=5y&since=2026-11-03T00:00&until=2026-11-02T00:00");
        assert!(TimeRange::read(&mut query, now(), "24h").bars().is_empty());
        assert_eq!(query.notes().len(), 2);
        let mut query = Query::parse("since=1970-01-01T00:00");
        assert!(TimeRange::read(&mut query, now(), "24h").bars().is_empty(), "more bars than can be drawn");
    }
}
