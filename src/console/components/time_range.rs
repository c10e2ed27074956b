//! The span of time that a page shows: one of a few that end now, or two moments.

use chrono::{DateTime, TimeDelta, Utc};

use crate::console::http::query::Query;
use crate::store::{BUCKET, RollupSpan};

/// A span that ends now: its word in the address, what it is called, its seconds.
const RANGES: &[(&str, &str, i64)] = &[
    ("1h", "Last hour", 3_600),
    ("24h", "Last 24 hours", 86_400),
    ("7d", "Last 7 days", 7 * 86_400),
    ("30d", "Last 30 days", 30 * 86_400),
];
/// The lengths that a bar may stand for, in seconds.
const STEPS: &[i64] = &[300, 600, 1_800, 3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600, 86_400, 7 * 86_400];
/// The most bars of a chart.
const MOST_BARS: i64 = 60;

/// A choice of a list: its value and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
}

impl Choice {
    /// A choice.
    #[must_use]
    pub fn new(value: &str, label: &str) -> Self {
        Self { value: value.to_owned(), label: label.to_owned() }
    }
}

/// The span of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The word of the range; empty if it was given by two moments.
    pub range: String,
    /// Not before this moment.
    pub since: DateTime<Utc>,
    /// Before this moment; none is now and whatever comes.
    pub until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl Span {
    /// Reads `range`, or `since` and `until`, which win.
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
            query.note("The time begins after its end: nothing can match.");
        }
        Self { range: String::new(), since, until, now }
    }

    /// The ranges to choose from; the first says that two moments were given, if they were.
    #[must_use]
    pub fn choices(&self) -> Vec<Choice> {
        let own = self.range.is_empty().then(|| Choice::new("", "As below"));
        own.into_iter().chain(RANGES.iter().map(|(word, label, _)| Choice::new(word, label))).collect()
    }

    /// What it is called, in the middle of a sentence.
    #[must_use]
    pub fn name(&self) -> String {
        let known = RANGES.iter().find(|(word, _, _)| *word == self.range);
        known.map_or_else(|| "time chosen".to_owned(), |(_, label, _)| label.to_lowercase())
    }

    /// What of the roll-ups it covers.
    #[must_use]
    pub fn rollups(&self, origin: Option<String>) -> RollupSpan {
        RollupSpan { since: self.since, until: self.end(), origin }
    }

    /// Seconds of a bar.
    #[must_use]
    pub fn step(&self) -> i64 {
        let seconds = (self.end() - self.since).num_seconds();
        STEPS.iter().copied().find(|step| seconds / step <= MOST_BARS).unwrap_or(30 * 86_400)
    }

    /// The beginning of each bar, oldest first; none for a span that would have too many.
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
    fn a_range_ends_now_and_has_some_dozen_bars() {
        for (word, _, seconds) in RANGES {
            let span = Span::read(&mut Query::parse(&format!("range={word}")), now(), "24h");
            assert_eq!((now() - span.since).num_seconds(), *seconds);
            assert!((12..=62).contains(&span.bars().len()), "{word}: {}", span.bars().len());
            assert!(span.bars()[0] <= span.since);
            assert!(span.bars().last().is_some_and(|last| *last <= now()));
            assert_eq!(span.step() % BUCKET, 0);
        }
    }

    #[test]
    fn two_moments_win_and_nonsense_is_noted() {
        let mut query = Query::parse("range=1h&since=2026-11-01T00:00&until=2026-11-02T00:00");
        let span = Span::read(&mut query, now(), "24h");
        assert_eq!((span.range.as_str(), span.choices().len(), span.bars().len()), ("", 5, 48));
        let mut query = Query::parse("range=5y&since=2026-11-03T00:00&until=2026-11-02T00:00");
        assert!(Span::read(&mut query, now(), "24h").bars().is_empty());
        assert_eq!(query.notes().len(), 2);
        let mut query = Query::parse("since=1970-01-01T00:00");
        assert!(Span::read(&mut query, now(), "24h").bars().is_empty(), "more bars than can be drawn");
    }
}
