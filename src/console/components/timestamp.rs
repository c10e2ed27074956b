//! Timestamps as pages show them: UTC, in a machine-readable and a readable form.

use chrono::{DateTime, SecondsFormat, Utc};

/// One timestamp in several formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    /// RFC 3339 with milliseconds.
    pub machine: String,
    /// Day and time: `20 Nov 14:16:08`.
    pub short: String,
    /// With year and zone: `20 November 2026, 14:16:08.123 UTC`.
    pub full: String,
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self {
            machine: time.to_rfc3339_opts(SecondsFormat::Millis, true),
            short: time.format("%-d %b %H:%M:%S").to_string(),
            full: time.format("%-d %B %Y, %H:%M:%S%.3f UTC").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_utc() {
        let time = DateTime::from_timestamp_micros(1_795_184_168_123_456).expect("a time");
        let moment = Timestamp::from(time);
        assert_eq!(moment.machine, "2026-11-20T14:16:08.123Z");
        assert_eq!(moment.short, "20 Nov 14:16:08");
        assert_eq!(moment.full, "20 November 2026, 14:16:08.123 UTC");
    }
}
