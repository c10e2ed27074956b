//! `/v1/model-router/error-mappings`: how the organization classifies error messages of its providers.
//!
//! Reading needs the scope `router:read`, changing needs `router:manage`.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::ids::ProviderId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;

use crate::api::body::values::{BodyText, Id, Whole, all_valid, entries, strings_schema, word};
use crate::api::body::{Body as _, BodyFields, BodyValue, Field, Lenient, Patch, Schemas, body, reference};
use crate::api::management::call::{Call, deleted, found};
use crate::api::management::checks::with_unknown_provider;
use crate::api::management::page::{CursorPage, PageParameters};
use crate::auth::api::api_caller::{RouterManage, RouterRead};
use crate::domain::error::Result;
use crate::providers::{MOST_PARTS, Mapping, MappingMeaning, SentenceClass};
use crate::store::{ErrorMappingRow, NewErrorMapping};
use crate::validation::ViolationReason;

/// The name of the resource in messages.
const WHAT: &str = "error mapping";

/// The name of the list. Its cursors are valid for this list only.
const LIST: &str = "error-mappings";

/// A mapping. Either `class` or `scope` is set.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorMappingResponse {
    /// The id of the mapping.
    #[schema(read_only)]
    id: Uuid,
    /// The provider with these messages; null: every provider of the organization.
    #[schema(required)]
    provider_id: Option<Uuid>,
    /// The parts that a message must contain, in this order, in lower case.
    #[schema(example = json!(["tokens is beyond the", "window"]))]
    contains: Vec<String>,
    /// The error class of such a message; null if `scope` is set.
    #[schema(required, value_type = Option<SentenceClass>)]
    class: Option<String>,
    /// `request`: such a message is about the one request, so the model gets no cooldown for it; null if `class` is
    /// set.
    #[schema(required, value_type = Option<MappingScope>)]
    scope: Option<String>,
    /// The HTTP status that it applies to; null: every status with messages that are classified.
    #[schema(required, example = 400)]
    status: Option<i32>,
    /// The user who created it; null: an API key or the command line.
    #[schema(required, read_only)]
    created_by: Option<Uuid>,
    /// When it was created.
    #[schema(read_only)]
    created_at: DateTime<Utc>,
}

impl From<ErrorMappingRow> for ErrorMappingResponse {
    fn from(row: ErrorMappingRow) -> Self {
        Self {
            id: row.id.0,
            provider_id: row.provider_id.map(|id| id.0),
            contains: row.contains,
            class: row.class,
            scope: row.scope,
            status: row.status,
            created_by: row.created_by.map(|id| id.0),
            created_at: row.created_at,
        }
    }
}

/// An HTTP status with messages that are classified.
type MappedStatus = Whole<400, 599>;

/// What a mapping without a class is about.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MappingScope {
    /// The mapping is about the one request.
    Request,
}

body! {
    /// A mapping to create, with either `class` or `scope`.
    pub struct NewErrorMappingBody ignores ["id", "created_by", "created_at"] {
        /// Parts that a message must contain, in this order, each of 6 to 500 characters. Leave out what differs
        /// between requests, such as numbers. Case, quotes and whitespace do not matter.
        contains: Lenient<MessageParts>,
        /// The error class of such a message. It applies only to the statuses 400, 413 and 422 and to an error inside a
        /// 200.
        class: Lenient<Patch<SentenceClass>>,
        /// `request`: such a message is about the one request and not about the model, whatever its class.
        scope: Lenient<Patch<MappingScope>>,
        /// Applies only to this HTTP status; null: to every status with messages that are classified.
        status: Lenient<Patch<MappedStatus>>,
        /// The provider with these messages; null: every provider of the organization.
        provider_id: Lenient<Patch<Id<ProviderId>>>,
    }
}

/// The parts of a message.
#[derive(Debug)]
struct MessageParts(Vec<String>);

impl MessageParts {
    fn of(parts: Vec<MessagePart>) -> Self {
        Self(parts.into_iter().map(|part| part.0).collect())
    }
}

impl BodyValue for MessageParts {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        let parts = entries::<MessagePart>(field, value)?;
        let (kind, expected) = match parts.len() {
            0 => ("too_short", "must hold at least one part of the message".to_owned()),
            1..=MOST_PARTS => return all_valid(parts).map(Self::of),
            count => ("too_long", format!("may hold at most {MOST_PARTS} parts, not {count}")),
        };
        field.refuse(kind, expected);
        None
    }

    fn schema(_schemas: &mut Schemas) -> RefOr<Schema> {
        strings_schema(1, Some(MOST_PARTS)).into()
    }
}

/// One part of a message.
struct MessagePart(String);

impl BodyText for MessagePart {
    fn parse(text: &str) -> Result<Self, ViolationReason> {
        let invalid = |expected| ViolationReason::new("value_error", expected);
        Mapping::part(text).map(Self).map_err(invalid)
    }
}

impl BodyText for SentenceClass {
    const CLOSED: bool = true;

    fn parse(text: &str) -> Result<Self, ViolationReason> {
        word(text, &Self::ALL.map(Self::as_str), Self::parse)
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        reference::<Self>(schemas)
    }
}

impl BodyText for MappingScope {
    const CLOSED: bool = true;

    fn parse(text: &str) -> Result<Self, ViolationReason> {
        word(text, &["request"], |text| (text == "request").then_some(Self::Request))
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        reference::<Self>(schemas)
    }
}

/// List error mappings
///
/// The organization's mappings, newest first. Mappings of one provider are tried before those of every provider,
/// newest first.
///
/// # Errors
/// A parameter is unknown, sent twice or out of range; the cursor belongs to another list.
#[utoipa::path(get, path = "", params(PageParameters),
    responses((status = 200, body = CursorPage<ErrorMappingResponse>)))]
pub async fn list(call: Call<RouterRead>) -> Result<HttpResponse> {
    let page = call.page_request(call.query(), LIST)?;
    Ok(call.page(LIST, call.data.error_mapping_list(&page).await?.map(ErrorMappingResponse::from)))
}

/// Create an error mapping
///
/// Providers change the wording of their errors, and an unknown message is classified as `invalid_request`. A
/// mapping classifies it for this organization, before the installation's own rules apply. It takes effect
/// immediately: the next failure with this message uses the fallback list of its class.
///
/// # Errors
/// A field is invalid; the same messages are mapped already; the organization has 200 mappings.
#[utoipa::path(post, path = "", request_body = NewErrorMappingBody,
    responses((status = 201, body = ErrorMappingResponse),
        (status = 409, description = "The same messages are mapped already, or there are 200 mappings")))]
pub async fn create(call: Call<RouterManage>, payload: web::Payload) -> Result<HttpResponse> {
    let body = call.body(payload).await?;
    let new = with_unknown_provider(parse_new(&body.bytes), &body.bytes, &call.data).await?;
    let row = call.data.error_mapping_create(new).await?;
    Ok(call.created(row.id).json(ErrorMappingResponse::from(row)))
}

/// Read an error mapping
///
/// # Errors
/// The organization has no mapping with this id.
#[utoipa::path(get, path = "",
    responses((status = 200, description = "The mapping", body = ErrorMappingResponse)))]
pub async fn read(call: Call<RouterRead>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    let row = found(WHAT, id, call.data.error_mapping_find(id).await?)?;
    Ok(HttpResponse::Ok().json(ErrorMappingResponse::from(row)))
}

/// Delete an error mapping
///
/// Such messages are classified as before the mapping.
///
/// # Errors
/// The organization has no mapping with this id.
#[utoipa::path(delete, path = "", responses((status = 204)))]
pub async fn delete(call: Call<RouterManage>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    found(WHAT, id, call.data.error_mapping_delete(id).await?)?;
    Ok(deleted())
}

fn parse_new(bytes: &[u8]) -> Result<NewErrorMapping> {
    let mut fields = NewErrorMappingBody::fields(bytes)?;
    let new = read_new(&mut fields);
    fields.finish(new)
}

/// Reads the fields and checks them together. `None`: a violation was added.
fn read_new(fields: &mut BodyFields) -> Option<NewErrorMapping> {
    let body = NewErrorMappingBody::read(fields)?;
    let means = means(fields, body.class, body.scope);
    let status = body.status.into_valid().and_then(Patch::value::<i64>);
    let status = status.and_then(|status| u16::try_from(status).ok());
    let (MessageParts(contains), means) = (body.contains.into_valid()?, means?);
    let provider_id = body.provider_id.into_valid()?.value().map(|Id(id)| id);
    // The parts were checked, so what is refused is the status.
    let checked = Mapping::new(means, status, &contains).map_err(|refused| {
        let message = format!("'{}' {}.", refused.field, refused.expected);
        fields.refuse(refused.field, "value_error", message);
    });
    checked.ok().map(|mapping| NewErrorMapping { provider_id, mapping })
}

/// Combines `class` and `scope`, of which exactly one must be there.
fn means(
    fields: &mut BodyFields,
    class: Lenient<Patch<SentenceClass>>,
    scope: Lenient<Patch<MappingScope>>,
) -> Option<MappingMeaning> {
    match (class.into_valid()?.value(), scope.into_valid()?.value::<MappingScope>()) {
        (Some(class), None) => Some(MappingMeaning::Class(class)),
        (None, Some(MappingScope::Request)) => Some(MappingMeaning::Request),
        (Some(_), Some(_)) => {
            fields.refuse("scope", "value_error", "A mapping has either 'class' or 'scope'. Leave one out.");
            None
        }
        (None, None) => {
            fields.refuse(
                "class",
                "missing",
                "A mapping needs a 'class', or the scope 'request' in its place.",
            );
            None
        }
    }
}
