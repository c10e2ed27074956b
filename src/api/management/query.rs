//! Reads query parameters strictly: each at most once, none unknown, and every violation is collected.
//!
//! If a misspelled filter were ignored, the response would contain rows that the caller did not ask for.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use entity::ids::OrganizationId;
use url::form_urlencoded;
use uuid::Uuid;

use super::checks::{self, ViolationReason};
use crate::api::body::values::word;
use crate::domain::closed_set::ClosedSet;
use crate::domain::error::{Error, Location, Result, Violation};
use crate::domain::session_id;

/// The most parameters of a query, more than any list has. The rest is not read.
const MOST_PARAMETERS: usize = 64;

/// The parameters that have not been read yet, and the violations found so far.
#[derive(Debug)]
pub struct QueryParameters {
    parameters: BTreeMap<String, String>,
    violations: Vec<Violation>,
}

impl QueryParameters {
    /// Splits a query string. `+` and `%20` are spaces.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut query = Self { parameters: BTreeMap::new(), violations: Vec::new() };
        for (number, (name, value)) in form_urlencoded::parse(text.as_bytes()).enumerate() {
            if number == MOST_PARAMETERS {
                let message = format!("The query has more than {MOST_PARAMETERS} parameters.");
                query.violations.push(Violation::new([Location::from("query")], "too_long", message));
                break;
            }
            query.keep(name.into_owned(), value.into_owned());
        }
        query
    }

    fn keep(&mut self, name: String, value: String) {
        if value.contains(char::REPLACEMENT_CHARACTER) || value.contains('\0') {
            self.refuse(&name, "value_error", format!("'{name}' is not UTF-8 text: check its encoding."));
        }
        match self.parameters.entry(name) {
            Entry::Vacant(place) => {
                place.insert(value);
            }
            Entry::Occupied(known) => {
                let name = known.key().clone();
                self.refuse(
                    &name,
                    "value_error",
                    format!("The parameter '{name}' is a duplicate. Send it once."),
                );
            }
        }
    }

    /// Adds a violation of a parameter.
    pub fn refuse(&mut self, parameter: &str, kind: &'static str, message: impl Into<String>) {
        self.violations.push(Violation::query(parameter, kind, message));
    }

    /// Takes a parameter's text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.parameters.remove(name)
    }

    /// Takes a parameter and parses it.
    pub fn parsed<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, ViolationReason>,
    ) -> Option<T> {
        let text = self.parameters.remove(name)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(ViolationReason { kind, message }) => {
                self.refuse(name, kind, format!("'{name}' {message}."));
                None
            }
        }
    }

    /// Takes an integer within a range.
    pub fn integer(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        self.parsed(name, |text| {
            let (least, most) = (range.start(), range.end());
            // `parse` would accept a plus as well, which a caller meant as a space. A negative number is out of range.
            let digits = text.strip_prefix('-').unwrap_or(text);
            let digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|number| range.contains(number));
            number.filter(|_| digits).ok_or_else(|| {
                let kind = if digits { "value_error" } else { "int_parsing" };
                ViolationReason::new(kind, format!("must be a whole number from {least} to {most}"))
            })
        })
    }

    /// Takes `true` or `false`.
    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        self.parsed(name, |text| {
            text.parse().map_err(|_| ViolationReason::new("bool_parsing", "must be true or false"))
        })
    }

    /// Takes and parses an id.
    pub fn id<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.parsed(name, checks::id)
    }

    /// Takes a time in RFC 3339.
    pub fn time(&mut self, name: &str) -> Option<DateTime<Utc>> {
        self.parsed(name, checks::time)
    }

    /// Takes a time range: `since` is inclusive, `until` is exclusive.
    pub fn span(&mut self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let (since, until) = (self.time("since"), self.time("until"));
        if since.zip(until).is_some_and(|(since, until)| until < since) {
            self.refuse("until", "value_error", "'until' must not be before 'since'.");
        }
        (since, until)
    }

    /// A value of a closed set. Only those of `values` are accepted.
    pub fn one_of<T: ClosedSet>(&mut self, name: &str, values: &[T]) -> Option<T> {
        let words: Vec<&str> = values.iter().map(|value| value.word()).collect();
        let word = self
            .parsed(name, |text| word(text, &words, |text| words.contains(&text).then(|| text.to_owned())))?;
        T::from_word(&word)
    }

    /// Takes a model's name.
    pub fn model_name(&mut self, name: &str) -> Option<String> {
        self.parsed(name, checks::model_name)
    }

    /// Takes a session's name and returns the id that records have for it.
    pub fn session(&mut self, name: &str, organization_id: OrganizationId) -> Option<Uuid> {
        self.parsed(name, |text| match session_id::identify(organization_id, text) {
            Ok(session) => Ok(session.id),
            Err(_) => Err(ViolationReason::new("value_error", "must be 1 to 256 characters")),
        })
    }

    /// Finishes: the fields that are left are unknown and refused.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation that was found.
    pub fn finish(mut self) -> Result<()> {
        for name in std::mem::take(&mut self.parameters).into_keys() {
            let message = format!("There is no parameter '{name}' here. Check its spelling.");
            self.refuse(&name, "extra_forbidden", message);
        }
        if self.violations.is_empty() { Ok(()) } else { Err(Error::Invalid(self.violations)) }
    }
}
