//! The bodies that create and change an API key.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::json_fields::{BodyFields, Change};
use crate::api::management::checks;
use crate::api::management::checks::{Need, ViolationReason};
use crate::auth::api::api_key;
use crate::domain::error::{Error, Result};
use crate::domain::permission::Scope;
use crate::store::{ApiKeyChange, NewApiKey};
use crate::validation::bounds::{CONCURRENT_REQUESTS, REQUESTS_PER_MINUTE};

/// Fields that are accepted and ignored, so that a response can be sent back.
const READ_ONLY: &[&str] =
    &["id", "prefix", "last_four", "last_used_at", "revoked_at", "created_at", "updated_at"];

/// A key to create.
#[derive(Debug, ToSchema)]
pub struct NewApiKeyBody {
    /// 1 to 100 printable characters; several keys may share a name.
    pub name: String,
    /// At least one of `inference`, `router:read`, `router:manage`, `keys:manage`, `budgets:manage`,
    /// `drill`, and none that the calling key lacks.
    #[schema(min_items = 1)]
    pub scopes: Vec<String>,
    /// The models it may use; null: all, including models that are added later.
    #[schema(min_items = 1)]
    pub models: Option<Vec<String>>,
    /// Requests per minute; null: no limit. At most the calling key's own limit.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub requests_per_minute: Option<i64>,
    /// Concurrent requests; null: no limit. At most the calling key's own limit.
    #[schema(minimum = 1, maximum = 100_000)]
    pub concurrent_requests: Option<i64>,
    /// When the key expires, which must be in the future; null: never. Not later than the calling key's own expiry.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A change of a key. Absent fields stay as they are.
#[derive(Debug, ToSchema)]
pub struct ApiKeyChangeBody {
    /// The key's new name.
    pub name: Option<String>,
    /// Its new scopes. The calling key must have every scope that is added.
    #[schema(min_items = 1)]
    pub scopes: Option<Vec<String>>,
    /// The models it may use; null: all.
    #[schema(nullable, min_items = 1)]
    pub models: Option<Vec<String>>,
    /// Requests per minute; null: no limit.
    #[schema(nullable, minimum = 1, maximum = 1_000_000)]
    pub requests_per_minute: Option<i64>,
    /// Concurrent requests; null: no limit.
    #[schema(nullable, minimum = 1, maximum = 100_000)]
    pub concurrent_requests: Option<i64>,
    /// When the key expires, which must be in the future; null: never.
    #[schema(nullable)]
    pub expires_at: Option<DateTime<Utc>>,
}

/// The fields of a body, read and checked.
#[derive(Debug)]
pub(super) struct ApiKeyBodyFields {
    pub(super) name: Option<String>,
    pub(super) scopes: Option<Vec<Scope>>,
    pub(super) models: Change<Vec<String>>,
    pub(super) requests_per_minute: Change<i64>,
    pub(super) concurrent_requests: Change<i64>,
    pub(super) expires_at: Change<DateTime<Utc>>,
}

/// Reads the fields. `need` applies to the name and the scopes.
pub(super) fn read(fields: &mut BodyFields, need: Need, now: DateTime<Utc>) -> ApiKeyBodyFields {
    fields.ignore(READ_ONLY);
    let expires_at = checks::nullable_text(fields, "expires_at", |text| {
        checks::time(text).and_then(|time| if time > now { Ok(time) } else { Err(past()) })
    });
    ApiKeyBodyFields {
        name: checks::text(fields, "name", need, checks::name),
        scopes: scopes(fields, need),
        models: models(fields),
        requests_per_minute: fields.integer("requests_per_minute", REQUESTS_PER_MINUTE),
        concurrent_requests: fields.integer("concurrent_requests", CONCURRENT_REQUESTS),
        expires_at: expires_at.unwrap_or(Change::Keep),
    }
}

fn past() -> ViolationReason {
    ViolationReason::new("value_error", "must be in the future; to end a key now, delete it")
}

fn scopes(fields: &mut BodyFields, need: Need) -> Option<Vec<Scope>> {
    let entries = match fields.take("scopes") {
        Some(Value::Array(entries)) => entries,
        Some(_) => {
            fields.refuse("scopes", "list_type", "'scopes' must be a list of strings.");
            return None;
        }
        None => {
            if need == Need::Required {
                fields.refuse("scopes", "missing", "The field 'scopes' is required.");
            }
            return None;
        }
    };
    if entries.is_empty() {
        fields.refuse("scopes", "too_short", "'scopes' must name at least one scope.");
    }
    let words = Scope::ALL.map(Scope::as_str);
    let mut scopes = Vec::with_capacity(Scope::ALL.len());
    for (index, entry) in entries.iter().enumerate() {
        match entry.as_str().and_then(Scope::parse) {
            Some(scope) if scopes.contains(&scope) => {
                fields.refuse_entry(
                    "scopes",
                    index,
                    "value_error",
                    format!("The scope '{scope}' is a duplicate."),
                );
            }
            Some(scope) => scopes.push(scope),
            None => {
                let message = format!("A scope must be one of '{}'.", words.join("', '"));
                fields.refuse_entry("scopes", index, "literal_error", message);
            }
        }
    }
    Some(scopes)
}

fn models(fields: &mut BodyFields) -> Change<Vec<String>> {
    let entries = match fields.take("models") {
        None => return Change::Keep,
        Some(Value::Null) => return Change::Clear,
        Some(Value::Array(entries)) => entries,
        Some(_) => {
            fields.refuse("models", "list_type", "'models' must be a list of names, or null for all.");
            return Change::Keep;
        }
    };
    if entries.is_empty() {
        fields.refuse("models", "too_short", "'models' must name at least one model, or be null for all.");
    }
    let mut names: Vec<String> = Vec::with_capacity(entries.len());
    let mut seen = HashSet::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        match entry {
            Value::String(name) if seen.insert(name.clone()) => names.push(name),
            Value::String(name) => {
                fields.refuse_entry(
                    "models",
                    index,
                    "value_error",
                    format!("The model '{name}' is a duplicate."),
                );
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                fields.refuse_entry("models", index, "string_type", "A model's name must be a string.");
            }
        }
    }
    Change::Set(names)
}

pub(super) fn parse_new(
    bytes: &[u8],
    now: DateTime<Utc>,
    fresh: &api_key::NewKey,
    key_hash: [u8; 32],
) -> Result<NewApiKey> {
    let mut fields = BodyFields::parse(bytes)?;
    let body = read(&mut fields, Need::Required, now);
    fields.finish()?;
    // `finish` has already refused a missing required field.
    let missing = || Error::internal("a required field is missing after the checks");
    let scopes = body.scopes.ok_or_else(missing)?;
    Ok(NewApiKey {
        name: body.name.ok_or_else(missing)?,
        key_hash,
        prefix: fresh.prefix.clone(),
        last_four: fresh.last_four.clone(),
        scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        models: body.models.value(),
        requests_per_minute: body.requests_per_minute.value(),
        concurrent_requests: body.concurrent_requests.value(),
        expires_at: body.expires_at.value(),
        created_by: None,
    })
}

pub(super) fn parse_change(bytes: &[u8], now: DateTime<Utc>) -> Result<ApiKeyChange> {
    let mut fields = BodyFields::parse(bytes)?;
    let body = read(&mut fields, Need::Optional, now);
    fields.finish()?;
    Ok(ApiKeyChange {
        seen: None,
        name: body.name,
        scopes: body.scopes.map(|scopes| scopes.iter().map(ToString::to_string).collect()),
        models: body.models.into_option(),
        requests_per_minute: body.requests_per_minute.into_option(),
        concurrent_requests: body.concurrent_requests.into_option(),
        expires_at: body.expires_at.into_option(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::management::checks::assert_reads_all_of;

    #[test]
    fn what_is_described_is_read() {
        assert_reads_all_of::<NewApiKeyBody>(|fields| {
            drop(read(fields, Need::Required, DateTime::UNIX_EPOCH))
        });
        assert_reads_all_of::<ApiKeyChangeBody>(|fields| {
            drop(read(fields, Need::Optional, DateTime::UNIX_EPOCH))
        });
    }
}
