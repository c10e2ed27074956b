//! The bodies that create and change an API key.

use chrono::{DateTime, Utc};
use serde_json::Value;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::api::body::values::{BodyText, Name, entries, refuse_duplicates, strings_schema, word};
use crate::api::body::{Body, BodyFields, BodyValue, Field, Patch, Schemas, body};
use crate::api::management::checks;
use crate::api::management::limits::fields::{LimitFields, LimitsByModel, limited_models};
use crate::auth::api::api_key;
use crate::domain::error::{Error, Result};
use crate::domain::permission::Scope;
use crate::store::{ApiKeyChange, NewApiKey, unknown_limited_models, unknown_models};
use crate::validation::ViolationReason;

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
        limits: LimitFields,
        /// Limits of single models inside the key, by their names; null: none. At most the calling key's own limits.
        model_limits: Patch<LimitsByModel>,
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
        limits: LimitFields,
        /// Limits of single models inside the key by their names, in place of all earlier ones; null: none.
        model_limits: Patch<LimitsByModel>,
        /// When the key expires, which must be in the future; null: never.
        expires_at: Patch<ExpiryTime>,
    }
}

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
    violations.extend(unknown_models(names, &known));
    violations.extend(unknown_limited_models(limited_models(&body), known));
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
    let limits = body.limits.values();
    Ok(NewApiKey {
        name: body.name.0,
        key_hash,
        prefix: fresh.prefix.clone(),
        last_four: fresh.last_four.clone(),
        scopes: body.scopes.0,
        models: body.models.value(),
        requests_per_minute: limits.requests_per_minute,
        concurrent_requests: limits.concurrent_requests,
        requests_per_day: limits.requests_per_day,
        tokens_per_minute: limits.tokens_per_minute,
        tokens_per_day: limits.tokens_per_day,
        model_limits: body.model_limits.value().unwrap_or_default(),
        expires_at: body.expires_at.value(),
        created_by: None,
    })
}

pub(super) fn parse_change(bytes: &[u8], now: DateTime<Utc>) -> Result<ApiKeyChange> {
    let mut fields = fields::<ApiKeyChangeBody>(bytes, now)?;
    let body = ApiKeyChangeBody::read(&mut fields);
    let body = fields.finish(body)?;
    let limits = body.limits;
    Ok(ApiKeyChange {
        seen: None,
        name: body.name.map(|name| name.0),
        scopes: body.scopes.map(|scopes| scopes.0),
        models: body.models.into_option(),
        requests_per_minute: limits.requests_per_minute.into_option(),
        concurrent_requests: limits.concurrent_requests.into_option(),
        requests_per_day: limits.requests_per_day.into_option(),
        tokens_per_minute: limits.tokens_per_minute.into_option(),
        tokens_per_day: limits.tokens_per_day.into_option(),
        model_limits: body.model_limits.into_option().map(Option::unwrap_or_default),
        expires_at: body.expires_at.into_option(),
    })
}
