//! Moments as pages show them: UTC from the server, for a machine to read and for a person.

use chrono::{DateTime, SecondsFormat, Utc};

/// One moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// RFC 3339, to the millisecond.
    pub machine: String,
    /// Day and time: `20 Nov 14:16:08`.
    pub short: String,
    /// With the year and the zone: `20 November 2026, 14:16:08.123 UTC`.
    pub full: String,
}

impl From<DateTime<Utc>> for Moment {
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
    fn a_moment_is_utc_for_machines_and_for_people() {
        let time = DateTime::from_timestamp_micros(1_795_184_168_123_456).expect("a time");
        let moment = Moment::from(time);
        assert_eq!(moment.machine, "2026-11-20T14:16:08.123Z");
        assert_eq!(moment.short, "20 Nov 14:16:08");
        assert_eq!(moment.full, "20 November 2026, 14:16:08.123 UTC");
    }
}
