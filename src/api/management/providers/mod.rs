//! `/v1/model-router/providers`: the providers of the organization's models. Credentials are never returned.

mod body;

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::ids::ProviderId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use body::{NewProviderBody, ProviderChangeBody};

use crate::api::management::checks::path_id;
use crate::api::management::page::{CursorPage, PageParameters, Size, requested};
use crate::api::management::query::QueryParameters;
use crate::auth::api::api_caller::{ApiCaller, RouterManage, RouterRead};
use crate::domain::error::{Error, Result};
use crate::domain::error_class::ErrorClass;
use crate::gateway::Gateway;
use crate::gateway::preview::connection_test::ConnectionReport;
use crate::http::body_reader::BodyReader;
use crate::providers::StreamOptions;
use crate::store::{ProviderRow, Store};

/// The name of the resource in messages.
const WHAT: &str = "provider";

/// The name of the list. Its cursors are valid for this list only.
const LIST: &str = "providers";

/// A provider, without its credential.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderResponse {
    /// The id of the provider.
    id: Uuid,
    /// Its name, unique among the organization's providers.
    name: String,
    /// The vendor, such as `openai`, `custom` or `simulated`.
    preset: String,
    /// Its base URL; null: the preset's.
    #[schema(required)]
    base_url: Option<String>,
    /// The credential's last four characters; null if there is none or it is too short to show them.
    #[schema(required)]
    credential_hint: Option<String>,
    /// `unknown`, `ok` or `failing`.
    health: String,
    /// Why it is failing, with secrets removed.
    #[schema(required)]
    health_message: Option<String>,
    /// When the health last changed.
    #[schema(required)]
    health_at: Option<DateTime<Utc>>,
    /// Whether it accepts `stream_options`: `auto` (the preset's value, until the provider refuses it), `supported`
    /// or `unsupported`.
    stream_options: StreamOptions,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

impl From<ProviderRow> for ProviderResponse {
    fn from(row: ProviderRow) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            preset: row.preset,
            base_url: row.base_url,
            credential_hint: row.credential_hint,
            health: row.health,
            health_message: row.health_message,
            health_at: row.health_at,
            stream_options: row.stream_options,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// List providers
///
/// The organization's providers, newest first.
///
/// # Errors
/// A parameter is unknown, sent twice or out of range; the cursor belongs to another list.
#[utoipa::path(get, path = "", params(PageParameters),
    responses((status = 200, body = CursorPage<ProviderResponse>)))]
pub async fn list(
    caller: ApiCaller<RouterRead>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&caller.tenant);
    let page = requested(QueryParameters::parse(request.query_string()), &data, LIST, Size::PAGE)?;
    let page = data.provider_list(&page).await?.map(ProviderResponse::from);
    Ok(HttpResponse::Ok().json(CursorPage::new(&data, LIST, page)))
}

/// Add a provider
///
/// Its models can be added immediately.
///
/// # Errors
/// A field is invalid; the name is taken.
#[utoipa::path(post, path = "", request_body = NewProviderBody,
    responses((status = 201, body = ProviderResponse), (status = 409, description = "The name is taken")))]
pub async fn create(
    caller: ApiCaller<RouterManage>,
    request: HttpRequest,
    payload: web::Payload,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    reader: web::Data<BodyReader>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let new = body::parse_new(&body.bytes, gateway.upstream.address_policy())?;
    let row = store.organization(&caller.tenant).provider_create(new).await?;
    let location = format!("/v1/model-router/providers/{}", row.id);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(ProviderResponse::from(row)))
}

/// Read a provider
///
/// One provider.
///
/// # Errors
/// The organization has no provider with this id.
#[utoipa::path(get, path = "", responses((status = 200, body = ProviderResponse)))]
pub async fn read(
    caller: ApiCaller<RouterRead>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let row = store.organization(&caller.tenant).provider_find(id).await?;
    let row = row.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::Ok().json(ProviderResponse::from(row)))
}

/// Change a provider
///
/// Absent fields stay as they are. The change takes effect immediately.
///
/// # Errors
/// The organization has no provider with this id; a field is invalid; the name is taken.
#[utoipa::path(patch, path = "", request_body = ProviderChangeBody,
    responses((status = 200, body = ProviderResponse), (status = 409, description = "The name is taken")))]
pub async fn change(
    caller: ApiCaller<RouterManage>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    reader: web::Data<BodyReader>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let id: ProviderId = path_id(WHAT, &path)?;
    let absent = || Error::absent(WHAT, id);
    let data = store.organization(&caller.tenant);
    let before = data.provider_find(id).await?.ok_or_else(absent)?;
    let to = body::parse_change(&body.bytes, &before, gateway.upstream.address_policy())?;
    let after = data.provider_change(id, to).await?.ok_or_else(absent)?;
    Ok(HttpResponse::Ok().json(ProviderResponse::from(after)))
}

/// Delete a provider
///
/// Its credential is erased. A provider that serves models cannot be deleted.
///
/// # Errors
/// The organization has no provider with this id; it serves models.
#[utoipa::path(delete, path = "",
    responses((status = 204), (status = 409, description = "The provider serves models")))]
pub async fn delete(
    caller: ApiCaller<RouterManage>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let deleted = store.organization(&caller.tenant).provider_delete(id).await?;
    deleted.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::NoContent().finish())
}

/// The result of a connection test.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionResponse {
    /// Whether the provider can be reached and accepts the credential.
    ok: bool,
    /// How long the test took, in milliseconds.
    took_ms: u64,
    /// The provider's names of its models; at most 1,000.
    models: Vec<String>,
    /// The class of the failure; null: the test passed.
    #[schema(required)]
    error_class: Option<ErrorClass>,
    /// The HTTP status of the failure; null: there was no response, or the test passed.
    #[schema(required)]
    status: Option<u16>,
    /// What went wrong, with secrets removed.
    #[schema(required)]
    message: Option<String>,
    /// How to fix it.
    #[schema(required)]
    remedy: Option<&'static str>,
}

impl From<ConnectionReport> for ConnectionResponse {
    fn from(report: ConnectionReport) -> Self {
        let remedy = report.remedy();
        let failure = report.failure;
        Self {
            ok: failure.is_none(),
            took_ms: u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
            models: report.models,
            error_class: failure.as_ref().map(|failure| failure.class),
            status: failure.as_ref().and_then(|failure| failure.status),
            message: failure.map(|failure| failure.message),
            remedy,
        }
    }
}

/// Test a provider
///
/// Requests the provider's list of models the same way as live calls: with the same address policy and credential.
///
/// # Errors
/// The organization has no provider with this id. A failed test is not an error.
#[utoipa::path(post, path = "",
    responses((status = 200, description = "The result of the test", body = ConnectionResponse)))]
pub async fn test(
    caller: ApiCaller<RouterManage>,
    path: web::Path<String>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let organization = &caller.organization;
    let provider = organization.providers.get(&id).ok_or_else(|| Error::absent(WHAT, id))?;
    let _slot = gateway.shares.of(organization.id).request()?;
    let report = gateway.test_connection(organization.id, provider).await;
    Ok(HttpResponse::Ok().json(ConnectionResponse::from(report)))
}
