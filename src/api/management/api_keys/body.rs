//! The bodies that create and change an API key.

use chrono::{DateTime, Utc};
use serde_json::Value;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::api::body::values::{BodyText, Name, Whole, entries, refuse_duplicates, strings_schema, word};
use crate::api::body::{Body, BodyFields, BodyValue, Field, Patch, Schemas, body};
use crate::api::management::checks;
use crate::auth::api::api_key;
use crate::domain::error::{Error, Result};
use crate::domain::permission::Scope;
use crate::store::{ApiKeyChange, NewApiKey, unknown_models};
use crate::validation::ViolationReason;
use crate::validation::bounds::{CONCURRENT_REQUESTS, REQUESTS_PER_MINUTE};

body! {
    /// A key to create.
    pub struct NewApiKeyBody ignores ["id", "prefix", "last_four", "last_used_at", "revoked_at", "created_at", "updated_at"] {
        /// 1 to 100 printable characters; several keys may share a name.
        name: Name,
        /// At least one of `inference`, `router:read`, `router:manage`, `keys:manage`, `budgets:manage`,
        /// `drill`, and none that the calling key lacks.
        scopes: Scopes,
        /// The models it may use; null: all, including models that are added later.
        models: Patch<AllowList<1>>,
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
    pub struct ApiKeyChangeBody ignores ["id", "prefix", "last_four", "last_used_at", "revoked_at", "created_at", "updated_at"] {
        /// The key's new name.
        name: Option<Name>,
        /// Its new scopes. The calling key must have every scope that is added.
        scopes: Option<Scopes>,
        /// The models it may use; null: all. Empty, as it is read where its models were deleted: none.
        models: Patch<AllowList<0>>,
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

impl BodyText for Scope {
    const CLOSED: bool = true;

    fn parse(text: &str) -> Result<Self, ViolationReason> {
        word(text, &Self::ALL.map(Self::as_str), Self::parse)
    }
}

impl BodyValue for Scopes {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        let scopes = entries::<Scope>(field, value)?;
        if scopes.is_empty() {
            field.refuse("too_short", "must name at least one scope");
        }
        refuse_duplicates(field, &scopes);
        Some(Self(scopes.into_iter().flatten().map(|scope| scope.to_string()).collect()))
    }

    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        strings_schema(1, None).into()
    }
}

/// The models that a key may use, at least `LEAST`.
#[derive(Debug)]
struct AllowList<const LEAST: usize>(Vec<String>);

impl<const LEAST: usize> From<AllowList<LEAST>> for Vec<String> {
    fn from(list: AllowList<LEAST>) -> Self {
        list.0
    }
}

impl<const LEAST: usize> BodyValue for AllowList<LEAST> {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        let names = entries::<String>(field, value)?;
        if names.len() < LEAST {
            field.refuse("too_short", "must name at least one model, or be null for all");
        }
        refuse_duplicates(field, &names);
        Some(Self(names.into_iter().flatten().collect()))
    }

    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        strings_schema(LEAST, None).into()
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

/// Parses the fields of a body and refuses a time of expiry that is not in the future.
fn fields<B: Body>(bytes: &[u8], now: DateTime<Utc>) -> Result<BodyFields> {
    let mut fields = B::fields(bytes)?;
    let expires_at = fields.raw("expires_at").and_then(Value::as_str).map(checks::time);
    if expires_at.is_some_and(|time| time.is_ok_and(|time| time <= now)) {
        let message = "'expires_at' must be in the future; to end a key now, delete it.";
        fields.refuse("expires_at", "value_error", message);
    }
    Ok(fields)
}

/// Adds the unknown models of an invalid body, so that one answer has all of its faults. The store checks a valid one.
pub(super) fn with_unknown_models(error: Error, bytes: &[u8], known: impl Fn(&str) -> bool) -> Error {
    let Error::Invalid(mut violations) = error else { return error };
    let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let names = body.get("models").and_then(Value::as_array).into_iter().flatten().enumerate();
    let names = names.filter_map(|(index, name)| Some((index, name.as_str()?)));
    violations.extend(unknown_models(names, known));
    Error::Invalid(violations)
}

pub(super) fn parse_new(
    bytes: &[u8],
    now: DateTime<Utc>,
    fresh: &api_key::NewKey,
    key_hash: [u8; 32],
) -> Result<NewApiKey> {
    let mut fields = fields::<NewApiKeyBody>(bytes, now)?;
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
    let mut fields = fields::<ApiKeyChangeBody>(bytes, now)?;
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
