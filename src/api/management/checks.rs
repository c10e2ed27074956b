//! Checks of bodies, paths and queries. The message of each is a clause that follows the field's name.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::api::json_fields::{BodyFields, Change};
use crate::domain::error::{Error, Result};
pub use crate::validation::{ViolationReason, name, printable};

/// Whether a field is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The field is required.
    Required,
    /// The field may be absent, but not null.
    Optional,
}

/// Takes a string and parses it. None: the field is absent, or a violation was added.
pub fn text<T>(
    fields: &mut BodyFields,
    field: &str,
    need: Need,
    parse: impl FnOnce(&str) -> Result<T, ViolationReason>,
) -> Option<T> {
    let text = match fields.take(field) {
        Some(Value::String(text)) => text,
        Some(_) => {
            fields.refuse(field, "string_type", format!("'{field}' must be a string."));
            return None;
        }
        None => {
            if need == Need::Required {
                fields.refuse(field, "missing", format!("The field '{field}' is required."));
            }
            return None;
        }
    };
    noted(fields, field, parse(&text))
}

/// Takes a nullable string and parses it. None: a violation was added.
pub fn nullable_text<T>(
    fields: &mut BodyFields,
    field: &str,
    parse: impl FnOnce(&str) -> Result<T, ViolationReason>,
) -> Option<Change<T>> {
    match fields.take(field) {
        None => Some(Change::Keep),
        Some(Value::Null) => Some(Change::Clear),
        Some(Value::String(text)) => noted(fields, field, parse(&text)).map(Change::Set),
        Some(_) => {
            fields.refuse(field, "string_type", format!("'{field}' must be a string or null."));
            None
        }
    }
}

/// Refuses null for a field that cannot be cleared.
pub fn present<T>(fields: &mut BodyFields, field: &str, change: Change<T>) -> Option<T> {
    match change {
        Change::Keep => None,
        Change::Set(value) => Some(value),
        Change::Clear => {
            fields.refuse(
                field,
                "value_error",
                format!("'{field}' must not be null. Leave it out to keep it."),
            );
            None
        }
    }
}

fn noted<T>(fields: &mut BodyFields, field: &str, parsed: Result<T, ViolationReason>) -> Option<T> {
    parsed
        .map_err(|ViolationReason { kind, message }| {
            fields.refuse(field, kind, format!("'{field}' {message}."))
        })
        .ok()
}

/// Checks a model's name, in a query or in a body.
///
/// # Errors
/// It is not a valid model name.
pub fn model_name(text: &str) -> Result<String, ViolationReason> {
    crate::validation::model_name(text).map_err(|reason| ViolationReason {
        message: format!("{} (in a query, + is written %2B)", reason.message),
        ..reason
    })
}

/// Parses an id.
///
/// # Errors
/// It is not a UUID.
pub fn id<T: FromStr>(text: &str) -> Result<T, ViolationReason> {
    text.parse().map_err(|_| ViolationReason::new("uuid_parsing", "must be a UUID"))
}

/// Parses a time in RFC 3339.
///
/// # Errors
/// It is not in RFC 3339.
pub fn time(text: &str) -> Result<DateTime<Utc>, ViolationReason> {
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(|_| {
        let expected =
            "must be a time of RFC 3339, such as 2026-11-20T09:30:00Z (in a query, + is written %2B)";
        ViolationReason::new("datetime_parsing", expected)
    })
}

/// Returns the word if it is one of `words`.
///
/// # Errors
/// It is none of them.
pub fn word<'a>(text: &str, words: &[&'a str]) -> Result<&'a str, ViolationReason> {
    words.iter().find(|word| **word == text).copied().ok_or_else(|| {
        ViolationReason::new("literal_error", format!("must be one of '{}'", words.join("', '")))
    })
}

/// Parses the id in a path. A malformed id is the id of no resource, so it is absent as well.
///
/// # Errors
/// [`Error::Absent`].
pub fn path_id<T: FromStr>(what: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::absent(what, text))
}

/// Fails unless `read` takes every property of the schema of `B`.
#[cfg(test)]
pub(super) fn assert_reads_all_of<B: utoipa::PartialSchema>(read: impl FnOnce(&mut BodyFields)) {
    let schema = serde_json::to_value(B::schema()).expect("a schema is JSON");
    let properties = schema["properties"].as_object().expect("a body is an object");
    let body: serde_json::Map<String, Value> =
        properties.keys().map(|name| (name.clone(), Value::Array(Vec::new()))).collect();
    let mut fields = BodyFields::parse(Value::Object(body).to_string().as_bytes()).expect("an object");
    read(&mut fields);
    let Err(Error::Invalid(violations)) = fields.finish() else { panic!("a list is no name") };
    let unknown: Vec<_> = violations.iter().filter(|violation| violation.kind == "extra_forbidden").collect();
    assert!(unknown.is_empty() && !properties.is_empty(), "described and not read: {unknown:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_need_an_offset() {
        let noon = time("2026-11-20T12:00:00Z").expect("a time");
        assert_eq!(time("2026-11-20T14:00:00.000+02:00"), Ok(noon));
        for bad in ["", "2026-11-20", "2026-11-20T12:00:00", "2026-11-20T14:00:00 02:00x", "1763640000"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
