//! The bodies that create and change an API key.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::Value;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::api::body::values::{BodyText, Name, Whole, strings_schema};
use crate::api::body::{Body as _, BodyFields, BodyValue, Field, Patch, Schemas, body};
use crate::api::management::checks;
use crate::auth::api::api_key;
use crate::domain::error::Result;
use crate::domain::permission::Scope;
use crate::store::{ApiKeyChange, NewApiKey};
use crate::validation::ViolationReason;
use crate::validation::bounds::{CONCURRENT_REQUESTS, REQUESTS_PER_MINUTE};

/// Fields that are accepted and ignored, so that a response can be sent back.
const READ_ONLY: &[&str] =
    &["id", "prefix", "last_four", "last_used_at", "revoked_at", "created_at", "updated_at"];

body! {
    /// A key to create.
    pub struct NewApiKeyBody {
        /// 1 to 100 printable characters; several keys may share a name.
        name: Name,
        /// At least one of `inference`, `router:read`, `router:manage`, `keys:manage`, `budgets:manage`,
        /// `drill`, and none that the calling key lacks.
        scopes: Scopes,
        /// The models it may use; null: all, including models that are added later.
        models: Patch<AllowList>,
        /// Requests per minute; null: no limit. At most the calling key's own limit.
        requests_per_minute: Patch<RequestsPerMinute>,
        /// Concurrent requests; null: no limit. At most the calling key's own limit.
        concurrent_requests: Patch<ConcurrentRequests>,
        /// When the key expires, which must be in the future; null: never. Not later than the calling key's own expiry.
        expires_at: Patch<ExpiryTime>,
    }
}

body! {
    /// A change of a key. Absent fields stay as they are.
    pub struct ApiKeyChangeBody {
        /// The key's new name.
        name: Option<Name>,
        /// Its new scopes. The calling key must have every scope that is added.
        scopes: Option<Scopes>,
        /// The models it may use; null: all.
        models: Patch<AllowList>,
        /// Requests per minute; null: no limit.
        requests_per_minute: Patch<RequestsPerMinute>,
        /// Concurrent requests; null: no limit.
        concurrent_requests: Patch<ConcurrentRequests>,
        /// When the key expires, which must be in the future; null: never.
        expires_at: Patch<ExpiryTime>,
    }
}

type RequestsPerMinute = Whole<{ *REQUESTS_PER_MINUTE.start() }, { *REQUESTS_PER_MINUTE.end() }>;
type ConcurrentRequests = Whole<{ *CONCURRENT_REQUESTS.start() }, { *CONCURRENT_REQUESTS.end() }>;

/// The words of the scopes of a key.
#[derive(Debug)]
struct Scopes(Vec<String>);

impl BodyValue for Scopes {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        let Value::Array(entries) = value else {
            field.refuse("list_type", "must be a list of strings");
            return None;
        };
        if entries.is_empty() {
            field.refuse("too_short", "must name at least one scope");
        }
        let mut scopes = Vec::with_capacity(Scope::ALL.len());
        for (index, entry) in entries.iter().enumerate() {
            match entry.as_str().and_then(Scope::parse) {
                Some(scope) if scopes.contains(&scope) => {
                    let message = format!("The scope '{scope}' is a duplicate.");
                    field.refuse_entry(index, "value_error", message);
                }
                Some(scope) => scopes.push(scope),
                None => {
                    let words = Scope::ALL.map(Scope::as_str).join("', '");
                    field.refuse_entry(index, "literal_error", format!("A scope must be one of '{words}'."));
                }
            }
        }
        Some(Self(scopes.iter().map(ToString::to_string).collect()))
    }

    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        strings_schema(1, None).into()
    }
}

/// The models that a key may use.
#[derive(Debug)]
struct AllowList(Vec<String>);

impl From<AllowList> for Vec<String> {
    fn from(list: AllowList) -> Self {
        list.0
    }
}

impl BodyValue for AllowList {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        let Value::Array(entries) = value else {
            field.refuse("list_type", "must be a list of names, or null for all");
            return None;
        };
        if entries.is_empty() {
            field.refuse("too_short", "must name at least one model, or be null for all");
        }
        let mut names: Vec<String> = Vec::with_capacity(entries.len());
        let mut seen = HashSet::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            match entry {
                Value::String(name) if seen.insert(name.clone()) => names.push(name),
                Value::String(name) => {
                    field.refuse_entry(index, "value_error", format!("The model '{name}' is a duplicate."));
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    field.refuse_entry(index, "string_type", "A model's name must be a string.");
                }
            }
        }
        Some(Self(names))
    }

    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        strings_schema(1, None).into()
    }
}

/// When a key expires.
#[derive(Debug)]
struct ExpiryTime(DateTime<Utc>);

impl From<ExpiryTime> for DateTime<Utc> {
    fn from(time: ExpiryTime) -> Self {
        time.0
    }
}

impl BodyText for ExpiryTime {
    fn parse(text: &str) -> Result<Self, ViolationReason> {
        checks::time(text).map(Self)
    }

    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

/// Reads the fields of a body and refuses a time of expiry that is not in the future.
fn parse(bytes: &[u8], now: DateTime<Utc>) -> Result<BodyFields> {
    let mut fields = BodyFields::parse(bytes)?;
    fields.ignore(READ_ONLY);
    let expires_at = fields.raw("expires_at").and_then(Value::as_str).map(checks::time);
    if expires_at.is_some_and(|time| time.is_ok_and(|time| time <= now)) {
        let message = "'expires_at' must be in the future; to end a key now, delete it.";
        fields.refuse("expires_at", "value_error", message);
    }
    Ok(fields)
}

pub(super) fn parse_new(
    bytes: &[u8],
    now: DateTime<Utc>,
    fresh: &api_key::NewKey,
    key_hash: [u8; 32],
) -> Result<NewApiKey> {
    let mut fields = parse(bytes, now)?;
    let body = NewApiKeyBody::read(&mut fields);
    let body = fields.finish(body)?;
    Ok(NewApiKey {
        name: body.name.0,
        key_hash,
        prefix: fresh.prefix.clone(),
        last_four: fresh.last_four.clone(),
        scopes: body.scopes.0,
        models: body.models.value(),
        requests_per_minute: body.requests_per_minute.value(),
        concurrent_requests: body.concurrent_requests.value(),
        expires_at: body.expires_at.value(),
        created_by: None,
    })
}

pub(super) fn parse_change(bytes: &[u8], now: DateTime<Utc>) -> Result<ApiKeyChange> {
    let mut fields = parse(bytes, now)?;
    let body = ApiKeyChangeBody::read(&mut fields);
    let body = fields.finish(body)?;
    Ok(ApiKeyChange {
        seen: None,
        name: body.name.map(|name| name.0),
        scopes: body.scopes.map(|scopes| scopes.0),
        models: body.models.into_option(),
        requests_per_minute: body.requests_per_minute.into_option(),
        concurrent_requests: body.concurrent_requests.into_option(),
        expires_at: body.expires_at.into_option(),
    })
}
