//! When a vendor says that a limit resets: a duration, a date, or a number that may be either.

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use memchr::memmem::Finder;

/// When a limit resets, as the vendor reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetTime {
    /// After this long from now.
    In(Duration),
    /// At this point in time.
    At(DateTime<Utc>),
}

/// When a limit resets, and where it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    /// When the limit resets.
    pub time: ResetTime,
    /// The words of the sentence that says so, which may be the caller's; `None` if a member or a header does.
    pub words: Option<String>,
}

impl From<ResetTime> for Reset {
    fn from(time: ResetTime) -> Self {
        Self { time, words: None }
    }
}

impl Reset {
    /// Finds the reset time in a message: `try again in 5h32m`, `will reset at 2026-08-17 02:56:15`. Looks only after
    /// words that introduce it, because a message may contain other durations, such as the length of the limit's
    /// window.
    pub(super) fn in_sentence(sentence: &str) -> Option<Self> {
        if !sentence.bytes().any(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let lower = sentence.to_ascii_lowercase();
        let spans = SPAN_FINDERS.iter().filter_map(|words| {
            let (from, rest) = behind(&lower, words)?;
            let (span, after) = span(rest)?;
            Some((ResetTime::In(span), from, after))
        });
        let dates = DATE_FINDERS.iter().filter_map(|words| {
            let (from, rest) = behind(&lower, words)?;
            let (date, after) = date(rest)?;
            Some((ResetTime::At(date), from, after))
        });
        let (time, from, after) = spans.chain(dates).next()?;
        // Lowercase ASCII has the same places.
        let words = sentence.get(from..sentence.len() - after.len()).map(str::to_owned);
        Some(Self { time, words })
    }
}

/// From this value on, a plain number is seconds since 1970: as a duration it would be 31 years.
const SECONDS_SINCE_1970: f64 = 1e9;
/// From this value on, it is milliseconds since 1970.
const MILLIS_SINCE_1970: f64 = 1e12;

impl ResetTime {
    /// The time left until then; `None` if it has passed.
    #[must_use]
    pub fn wait(self, now: DateTime<Utc>) -> Option<Duration> {
        let wait = match self {
            Self::In(span) => span,
            Self::At(date) => (date - now).to_std().ok()?,
        };
        (!wait.is_zero()).then_some(wait)
    }

    /// A number of `unit` seconds, or a time since 1970 if it is too large for a duration. `None` if it is negative
    /// or not finite.
    pub(super) fn of_number(number: f64, unit: f64) -> Option<Self> {
        if !number.is_finite() || number < 0.0 {
            return None;
        }
        let since_1970 = if number >= MILLIS_SINCE_1970 {
            number / 1_000.0
        } else if number >= SECONDS_SINCE_1970 {
            number
        } else {
            return Duration::try_from_secs_f64(number * unit).ok().map(Self::In);
        };
        let since_1970 = Duration::try_from_secs_f64(since_1970).ok()?;
        let date = DateTime::from_timestamp(i64::try_from(since_1970.as_secs()).ok()?, 0)?;
        Some(Self::At(date))
    }

    /// Parses the whole value of a header or JSON member: `30`, `1764392400`, `6m0s`, `2026-04-01T00:00:00Z`, `Wed,
    /// 21 Oct 2026 07:28:00 GMT`. A plain number is seconds.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if is_decimal(text) {
            return Self::of_number(text.parse().ok()?, 1.0);
        }
        if let Ok(date) = DateTime::parse_from_rfc3339(text) {
            return Some(Self::At(date.into()));
        }
        if let Ok(date) = httpdate::parse_http_date(text) {
            return Some(Self::At(date.into()));
        }
        match span(text) {
            Some((span, "")) => Some(Self::In(span)),
            Some(_) | None => date(text).map(|(date, _)| Self::At(date)),
        }
    }
}

/// Words that introduce a duration.
const AFTER_SPANS: &[&str] = &[
    "try again in",
    "try again after",
    "retry in",
    "retry after",
    "reset in",
    "resets in",
    "reset after",
    "resets after",
    "available in",
    "available again in",
    "please wait",
];

/// Words that introduce a date.
const AFTER_DATES: &[&str] = &[
    "reset at",
    "resets at",
    "reset on",
    "resets on",
    "regain access on",
    "try again at",
    "try again after",
    "retry at",
    "retry after",
    "available at",
];

/// Preparing a search costs more than searching a sentence.
static SPAN_FINDERS: LazyLock<Vec<Finder<'static>>> =
    LazyLock::new(|| AFTER_SPANS.iter().map(Finder::new).collect());
static DATE_FINDERS: LazyLock<Vec<Finder<'static>>> =
    LazyLock::new(|| AFTER_DATES.iter().map(Finder::new).collect());

/// Where these words begin, and the text after them.
fn behind<'a>(sentence: &'a str, words: &Finder<'_>) -> Option<(usize, &'a str)> {
    let at = words.find(sentence.as_bytes())?;
    let rest = sentence.get(at + words.needle().len()..)?.trim_start_matches([':', ' ']);
    Some((at, rest.trim_start_matches("approximately ").trim_start_matches("about ")))
}

fn is_decimal(text: &str) -> bool {
    // `f64` also parses "inf", "nan" and exponents.
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The duration at the start of a text, and the rest of the text: `1h2m3s`, `20ms`, `2 hours and 5 minutes`.
fn span(text: &str) -> Option<(Duration, &str)> {
    let (mut total, mut rest, mut found) = (Duration::ZERO, text, false);
    while let Some((part, behind)) = span_part(rest) {
        (total, found) = (total.checked_add(part)?, true);
        rest = behind.trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    found.then_some((total, rest))
}

fn span_part(text: &str) -> Option<(Duration, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    if !is_decimal(number) {
        return None;
    }
    let rest = rest.trim_start();
    let end = rest.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(end)?;
    let unit = match unit {
        "ms" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    let span = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()?;
    Some((span, rest))
}

/// The date at the start of a text, in UTC unless it has an offset, and the rest of the text: `2026-04-01 at 00:00 utc`,
/// `2026-08-17 02:56:15`.
fn date(text: &str) -> Option<(DateTime<Utc>, &str)> {
    let text = text.trim_start();
    let end = text.find([' ', ',', ')', '"']).unwrap_or(text.len());
    let (whole, rest) = text.split_at_checked(end)?;
    if let Ok(date) = DateTime::parse_from_rfc3339(&whole.trim_end_matches('.').to_ascii_uppercase()) {
        return Some((date.into(), rest));
    }
    let day = NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()?;
    let after_day = text.get(10..)?;
    let rest = after_day.trim_start_matches([' ', 't', 'T']);
    let rest = rest.strip_prefix("at ").unwrap_or(rest);
    let clock = |length: usize, format: &str| {
        let (time, after) = rest.split_at_checked(length)?;
        Some((NaiveTime::parse_from_str(time, format).ok()?, after))
    };
    let time = clock(8, "%H:%M:%S").or_else(|| clock(5, "%H:%M"));
    let (time, after) = time.unwrap_or((NaiveTime::MIN, after_day));
    Some((day.and_time(time).and_utc(), after))
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 8, 16, 22, 0, 0).single().expect("a date")
    }

    #[test]
    fn sentences_of_vendors_name_the_end_of_their_limits() {
        for (sentence, seconds) in [
            ("Rate limit reached. Please try again in 1.5s. Visit x", 1.5),
            ("Please try again in 6m0s.", 360.0),
            ("Please try again in 1h2m3s", 3_723.0),
            ("please try again in 20ms", 0.02),
            ("You have exhausted your capacity. Your quota will reset after 27h41m36s.", 99_696.0),
            ("Quota exceeded. Please retry in 34.07s.", 34.07),
            ("Please retry after 86400 seconds.", 86_400.0),
            ("Limit reached; try again in 2 hours and 5 minutes", 7_500.0),
            ("Try again in approximately 3 days, 1 hour", 262_800.0),
            ("Usage limit reached for 5 hour. Your limit will reset at 2026-08-17 02:56:15", 17_775.0),
            ("You will regain access on 2026-09-01 at 00:00 UTC.", 1_303_200.0),
            ("resets at 2026-08-16T23:00:00Z.", 3_600.0),
        ] {
            let wait = Reset::in_sentence(sentence).and_then(|reset| reset.time.wait(now()));
            assert_eq!(wait, Some(Duration::from_secs_f64(seconds)), "{sentence}");
        }
        for sentence in [
            "Limit 60 requests per 1 minute reached",
            "try again later",
            "try again in a while",
            "resets at noon",
            "retry after 5",
            "",
        ] {
            assert_eq!(Reset::in_sentence(sentence), None, "{sentence}");
        }
    }

    #[test]
    fn the_words_of_a_sentence_are_kept() {
        for (sentence, words) in [
            ("Slow down. Please Try again in about 1h 2m, or pay", "Try again in about 1h 2m, "),
            ("It resets at 2026-08-16T23:00:00Z, then", "resets at 2026-08-16T23:00:00Z"),
            ("access: regain access on 2026-09-01 at 00:00 UTC.", "regain access on 2026-09-01 at 00:00"),
            ("retry after 2026-09-01.", "retry after 2026-09-01"),
        ] {
            let reset = Reset::in_sentence(sentence).expect("a time");
            assert_eq!(reset.words.as_deref(), Some(words));
        }
    }

    #[test]
    fn values_are_spans_or_dates() {
        for (text, seconds) in [
            ("30", 30),
            ("12.0", 12),
            ("6m0s", 360),
            ("1786921200", 3_600),
            ("1786921200000", 3_600),
            ("2026-08-16T23:00:00Z", 3_600),
            ("Sun, 16 Aug 2026 22:01:00 GMT", 60),
        ] {
            let wait = ResetTime::read(text).and_then(|moment| moment.wait(now()));
            assert_eq!(wait, Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn nonsense_and_the_past_are_no_wait() {
        for text in ["", "soon", "-1", "inf", "NaN", "1e9", "1.2.3", "0", "2020-01-01T00:00:00Z", "5 apples"]
        {
            assert_eq!(ResetTime::read(text).and_then(|moment| moment.wait(now())), None, "{text}");
        }
        assert_eq!(ResetTime::of_number(f64::NAN, 1.0), None);
        assert_eq!(ResetTime::of_number(-3.0, 1.0), None);
        assert_eq!(ResetTime::of_number(f64::MAX, 1.0), None);
    }
}
