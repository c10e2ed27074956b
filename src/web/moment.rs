//! A moment as pages show it: absolute, in UTC. The browser may add how long ago that is.

use chrono::{DateTime, SecondsFormat, Utc};

/// A moment, for `<time datetime="{iso}">{text}</time>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// For programs.
    pub iso: String,
    /// For people.
    pub text: String,
}

impl From<DateTime<Utc>> for Moment {
    fn from(at: DateTime<Utc>) -> Self {
        let iso = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self { iso, text: at.format("%Y-%m-%d %H:%M UTC").to_string() }
    }
}
