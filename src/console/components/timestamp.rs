//! Timestamps as pages show them: UTC, in a machine-readable and a readable form.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

/// One timestamp in several formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    /// RFC 3339 with milliseconds.
    pub machine: String,
    /// Day and time: `Nov 20 14:16:08`.
    pub short: String,
    /// With year and zone: `November 20, 2026, 14:16:08.123 UTC`.
    pub full: String,
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self {
            machine: time.to_rfc3339_opts(SecondsFormat::Millis, true),
            short: time.format("%b %-d %H:%M:%S").to_string(),
            full: time.format("%B %-d, %Y, %H:%M:%S%.3f UTC").to_string(),
        }
    }
}

/// The day of a time without its year: `Nov 20`.
#[must_use]
pub fn day(time: DateTime<Utc>) -> String {
    time.format("%b %-d").to_string()
}

/// The minute of a time without its year: `Nov 20 14:16`.
#[must_use]
pub fn minute(time: DateTime<Utc>) -> String {
    time.format("%b %-d %H:%M").to_string()
}

/// A date with its year: `November 20, 2026`.
#[must_use]
pub fn date(date: NaiveDate) -> String {
    date.format("%B %-d, %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_utc() {
        let time = DateTime::from_timestamp_micros(1_795_184_168_123_456).expect("a time");
        let moment = Timestamp::from(time);
        assert_eq!(moment.machine, "2026-11-20T14:16:08.123Z");
        assert_eq!(moment.short, "Nov 20 14:16:08");
        assert_eq!(moment.full, "November 20, 2026, 14:16:08.123 UTC");
        assert_eq!((day(time), minute(time)), ("Nov 20".to_owned(), "Nov 20 14:16".to_owned()));
        assert_eq!(date(time.date_naive()), "November 20, 2026");
    }
}
