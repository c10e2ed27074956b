//! `/v1/model-router/providers`: the providers of the organization's models. Credentials are never returned.

mod body;
mod credential_body;
pub mod credentials;

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use body::{NewProviderBody, ProviderChangeBody};

use crate::api::management::call::{Call, deleted, found};
use crate::api::management::page::{CursorPage, PageParameters};
use crate::auth::api::api_caller::{RouterManage, RouterRead};
use crate::domain::error::Result;
use crate::domain::failure::class::ErrorClass;
use crate::gateway::Gateway;
use crate::gateway::preview::connection_test::ConnectionReport;
use crate::providers::StreamOptions;
use crate::store::ProviderRow;

/// The name of the resource in messages.
const WHAT: &str = "provider";

/// The name of the list. Its cursors are valid for this list only.
const LIST: &str = "providers";

/// A provider, without its credential.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderResponse {
    /// The id of the provider.
    #[schema(read_only)]
    id: Uuid,
    /// Its name, unique among the organization's providers.
    name: String,
    /// The vendor, such as `openai`, `custom` or `simulated`.
    preset: String,
    /// Its base URL; null: the preset's.
    #[schema(required)]
    base_url: Option<String>,
    /// The credential's last four characters, or for a key file or an access key those of the key's id; null if there is
    /// none or it is too short to show them.
    #[schema(required, read_only)]
    credential_hint: Option<String>,
    /// What calls and connection tests have shown: `unknown`, `ok`, or `failing` after a rejected credential or a failed test.
    #[schema(read_only)]
    health: String,
    /// Why it is failing, with secrets removed.
    #[schema(required, read_only)]
    health_message: Option<String>,
    /// When the health last changed, or its cause in a test.
    #[schema(required, read_only)]
    health_at: Option<DateTime<Utc>>,
    /// Whether it accepts `stream_options`: `auto` (the preset's value, until the provider refuses it), `supported`
    /// or `unsupported`.
    stream_options: StreamOptions,
    /// Requests per minute that its account may make; null: not known.
    #[schema(required)]
    requests_per_minute: Option<i64>,
    /// Tokens per minute that its account may use, of prompts and answers together; null: not known.
    #[schema(required)]
    tokens_per_minute: Option<i64>,
    /// When it was created.
    #[schema(read_only)]
    created_at: DateTime<Utc>,
    /// When it last changed.
    #[schema(read_only)]
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
            requests_per_minute: row.limits.requests_per_minute,
            tokens_per_minute: row.limits.tokens_per_minute,
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
pub async fn list(call: Call<RouterRead>) -> Result<HttpResponse> {
    let page = call.page_request(call.query(), LIST)?;
    Ok(call.page(LIST, call.data.provider_list(&page).await?.map(ProviderResponse::from)))
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
    call: Call<RouterManage>,
    payload: web::Payload,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let new = body::parse_new(&call.body(payload).await?.bytes, gateway.upstream.address_policy())?;
    let row = call.data.provider_create(new).await?;
    Ok(call.created(row.id).json(ProviderResponse::from(row)))
}

/// Read a provider
///
/// One provider.
///
/// # Errors
/// The organization has no provider with this id.
#[utoipa::path(get, path = "", responses((status = 200, body = ProviderResponse)))]
pub async fn read(call: Call<RouterRead>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    let row = found(WHAT, id, call.data.provider_find(id).await?)?;
    Ok(HttpResponse::Ok().json(ProviderResponse::from(row)))
}

/// Change a provider
///
/// Absent fields stay as they are. The change takes effect immediately. Another path of the base URL keeps the stored
/// credential; another vendor, scheme, host or port needs it again, so that it reaches no other server.
///
/// # Errors
/// The organization has no provider with this id; a field is invalid; the stored credential would be sent to another vendor,
/// scheme, host or port, so it must be sent again; the name is taken.
#[utoipa::path(patch, path = "", request_body = ProviderChangeBody,
    responses((status = 200, body = ProviderResponse), (status = 409, description = "The name is taken")))]
pub async fn change(
    call: Call<RouterManage>,
    payload: web::Payload,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let body = call.body(payload).await?;
    let id = call.id(WHAT)?;
    let before = found(WHAT, id, call.data.provider_find(id).await?)?;
    let to = body::parse_change(&body.bytes, &before, gateway.upstream.address_policy())?;
    let after = found(WHAT, id, call.data.provider_change(id, to).await?)?;
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
pub async fn delete(call: Call<RouterManage>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    found(WHAT, id, call.data.provider_delete(id).await?)?;
    Ok(deleted())
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
/// Requests the provider's list of models the same way as live calls: with the same address policy and credential. The result
/// becomes the provider's `health`.
///
/// # Errors
/// The organization has no provider with this id. A failed test is not an error.
#[utoipa::path(post, path = "",
    responses((status = 200, description = "The result of the test", body = ConnectionResponse)))]
pub async fn test(call: Call<RouterManage>, gateway: web::Data<Gateway>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    let organization = &call.caller.organization;
    let provider = found(WHAT, id, organization.providers.get(&id))?;
    let _slot = gateway.shares.of(organization.id).request()?;
    let report = gateway.test_connection(&call.data, provider).await;
    Ok(HttpResponse::Ok().json(ConnectionResponse::from(report)))
}
