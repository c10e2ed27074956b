//! Checks of bodies, paths and queries. The message of each is a clause that follows the field's name.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::Value;

pub use crate::api::body::values::id;
use crate::domain::error::{Error, Result};
use crate::store::{OrgStore, unknown_provider};
pub use crate::validation::ViolationReason;

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

/// Parses the id in a path. A malformed id is the id of no resource, so it is absent as well.
///
/// # Errors
/// [`Error::Absent`].
pub fn path_id<T: FromStr>(what: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::absent(what, text))
}

/// Adds a provider that the organization does not have to the violations of a body, so that all of its faults are reported
/// at once.
///
/// # Errors
/// The body is invalid; the database cannot be read.
pub async fn with_unknown_provider<T>(parsed: Result<T>, bytes: &[u8], data: &OrgStore) -> Result<T> {
    let mut violations = match parsed {
        Err(Error::Invalid(violations)) => violations,
        parsed => return parsed,
    };
    let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let id = body.get("provider_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    if let Some(id) = id
        && data.provider_find(id).await?.is_none()
    {
        violations.push(unknown_provider(id));
    }
    Err(Error::Invalid(violations))
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
