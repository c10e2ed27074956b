//! Lenient query string parsing: invalid parameters are ignored, and a note on the page says so.
//!
//! An API rejects a misspelled filter; an old bookmark of a page must still open.

use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use url::form_urlencoded;

use crate::domain::closed_set::ClosedSet;

/// Parameters beyond this number are ignored.
const MOST_PARAMETERS: usize = 64;
/// Longest accepted value, in bytes.
const LONGEST: usize = 512;

/// The parameters of a page and the notes about them.
#[derive(Debug, Clone, Default)]
pub struct Query {
    parameters: Vec<(String, String)>,
    notes: Vec<String>,
}

impl Query {
    /// Parses a query string. Empty values count as missing, because browsers send empty fields that way.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let read = form_urlencoded::parse(text.as_bytes()).take(MOST_PARAMETERS);
        let trimmed = read.map(|(name, value)| (name.into_owned(), value.trim().to_owned()));
        let mut query =
            Self { parameters: trimmed.filter(|(_, value)| !value.is_empty()).collect(), ..Self::default() };
        let fits = |value: &String| value.len() <= LONGEST && !value.contains('\0');
        if query.parameters.iter().any(|(_, value)| !fits(value)) {
            query.note("Part of the address is too long or unreadable and was ignored.");
            query.parameters.retain(|(_, value)| fits(value));
        }
        query
    }

    /// Adds a note to the page.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// The notes about the parameters.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    /// The first value of a parameter.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// A parameter parsed by `parse`.
    pub fn parsed<T>(&mut self, name: &str, label: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.parameters.retain(|(known, _)| known != name);
            self.note(format!(
                "The filter \u{201c}{label}\u{201d} cannot be \u{201c}{text}\u{201d}, so it was ignored."
            ));
        }
        parsed
    }

    /// A parameter with a fixed set of values.
    pub fn word(&mut self, name: &str, label: &str, words: &[&str]) -> Option<String> {
        self.parsed(name, label, |text| words.contains(&text).then(|| text.to_owned()))
    }

    /// A value of a closed set. Only those of `values` are accepted.
    pub fn one_of<T: ClosedSet>(&mut self, name: &str, label: &str, values: &[T]) -> Option<T> {
        self.parsed(name, label, |text| T::from_word(text).filter(|value| values.contains(value)))
    }

    /// A parameter that is an id.
    pub fn id<T: FromStr>(&mut self, name: &str, label: &str) -> Option<T> {
        self.parsed(name, label, |text| text.parse().ok())
    }

    /// A parameter that is a timestamp: RFC 3339, or the value of a `datetime-local` input in UTC.
    pub fn moment(&mut self, name: &str, label: &str) -> Option<DateTime<Utc>> {
        self.parsed(name, label, |text| {
            let zoned = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
            let local = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
            let mut local = local.iter().filter_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
            let time = zoned.ok().or_else(|| local.next().map(|time| time.and_utc()))?;
            // Databases do not support years far from now.
            let age = time - DateTime::UNIX_EPOCH;
            (TimeDelta::zero() <= age && age < TimeDelta::days(365 * 1_000)).then_some(time)
        })
    }

    /// The query string with some values replaced; `None` removes a parameter.
    #[must_use]
    pub fn with(&self, changes: &[(&str, Option<&str>)]) -> String {
        let kept =
            self.parameters.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept);
        query.extend_pairs(changes.iter().filter_map(|(name, value)| value.map(|value| (*name, value))));
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_parameters_are_ignored_with_a_note() {
        let mut query =
            Query::parse("class=timeout&origin=&request=no&since=2026-11-20T14:16&until=1969-01-01T00:00");
        assert_eq!(query.word("class", "Reason", &["timeout"]).as_deref(), Some("timeout"));
        assert_eq!(query.text("origin"), None);
        assert_eq!(query.id::<uuid::Uuid>("request", "Request"), None);
        let since = query.moment("since", "From").expect("a time");
        assert_eq!(since.to_rfc3339(), "2026-11-20T14:16:00+00:00");
        assert_eq!(query.moment("until", "Until"), None);
        assert_eq!(query.notes().len(), 2, "{:?}", query.notes());
        assert!(query.notes()[0].contains("\u{201c}no\u{201d}"));
        assert_eq!(query.with(&[]), "?class=timeout&since=2026-11-20T14%3A16");
    }

    #[test]
    fn a_query_is_written_with_changes() {
        let query = Query::parse("model=a%2Fb+c&older=x&model=y");
        assert_eq!(query.text("model").as_deref(), Some("a/b c"));
        assert_eq!(query.with(&[("older", None), ("newer", Some("z"))]), "?model=a%2Fb+c&model=y&newer=z");
        assert_eq!(Query::parse("").with(&[("older", None)]), "");
        let long = format!("session={}&x=%00", "y".repeat(600));
        assert_eq!(Query::parse(&long).text("session"), None);
        assert_eq!(Query::parse(&long).notes().len(), 1);
    }
}
