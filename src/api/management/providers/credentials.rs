//! `/v1/model-router/providers/{id}/credentials` and `/v1/model-router/credentials/{id}`: the credentials of a provider, which
//! share its calls. Secrets are never returned.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use super::credential_body::{CredentialChangeBody, NewCredentialBody};

use super::credential_body::{parse_change, parse_new};
use super::{ConnectionResponse, WHAT as PROVIDER};
use crate::api::management::call::{Call, deleted, found};
use crate::auth::api::api_caller::{RouterManage, RouterRead};
use crate::domain::error::Result;
use crate::gateway::Gateway;
use crate::store::CredentialRow;

/// The name of the resource in messages.
const WHAT: &str = "credential";

/// A credential of a provider, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct CredentialResponse {
    /// The id of the credential. The first credential of a provider has the provider's id.
    #[schema(read_only)]
    id: Uuid,
    /// The provider that it is for.
    #[schema(read_only)]
    provider_id: Uuid,
    /// Its name, unique among the provider's credentials. The attempts of requests name it.
    name: String,
    /// Its share of the calls, beside the provider's credentials of the same tier.
    weight: i32,
    /// Credentials of a later tier are used while those of the earlier ones are away: reserved capacity is tier 0, what it
    /// spills to is tier 1.
    tier: i32,
    /// Its last four characters, or for a key file or an access key those of the key's id; null if it is too short to show
    /// them.
    #[schema(required, read_only)]
    credential_hint: Option<String>,
    /// What calls and connection tests have shown: `unknown`, `ok`, or `failing` after it was rejected or a test failed.
    #[schema(read_only)]
    health: String,
    /// Why it is failing, with secrets removed.
    #[schema(required, read_only)]
    health_message: Option<String>,
    /// When the health last changed.
    #[schema(required, read_only)]
    health_at: Option<DateTime<Utc>>,
    /// When it was created; of the first one, when the provider was.
    #[schema(read_only)]
    created_at: DateTime<Utc>,
    /// When it last changed; of the first one, when the provider did.
    #[schema(read_only)]
    updated_at: DateTime<Utc>,
}

impl From<CredentialRow> for CredentialResponse {
    fn from(row: CredentialRow) -> Self {
        Self {
            id: row.id.0,
            provider_id: row.provider_id.0,
            name: row.name,
            weight: row.weight,
            tier: row.tier,
            credential_hint: row.credential_hint,
            health: row.health,
            health_message: row.health_message,
            health_at: row.health_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The credentials of a provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct CredentialList {
    /// All of them, at most 16, the first one first.
    items: Vec<CredentialResponse>,
}

/// List a provider's credentials
///
/// All credentials of the provider, the first one first.
///
/// # Errors
/// The organization has no provider with this id.
#[utoipa::path(get, path = "", operation_id = "listProviderCredentials",
    responses((status = 200, body = CredentialList)))]
pub async fn list(call: Call<RouterRead>) -> Result<HttpResponse> {
    let id = call.id(PROVIDER)?;
    let rows = found(PROVIDER, id, call.data.credential_list(id).await?)?;
    let items = rows.into_iter().map(CredentialResponse::from).collect();
    Ok(HttpResponse::Ok().json(CredentialList { items }))
}

/// Add a credential to a provider
///
/// Calls of the provider's models use it immediately, in proportion to the weights of the credentials of its tier. When a
/// credential is rejected or over its limit, another one answers the same request, and only that credential is not called for
/// a while. A provider without a credential gets it as its first one.
///
/// # Errors
/// The organization has no provider with this id; a field is invalid; the provider has a credential of this name, or 16 of
/// them.
#[utoipa::path(post, path = "", operation_id = "createProviderCredential", request_body = NewCredentialBody,
    responses((status = 201, body = CredentialResponse),
        (status = 409, description = "The provider has a credential of this name, or 16 of them")))]
pub async fn create(
    call: Call<RouterManage>,
    payload: web::Payload,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let body = call.body(payload).await?;
    let id = call.id(PROVIDER)?;
    let provider = found(PROVIDER, id, call.data.provider_find(id).await?)?;
    let new = parse_new(&body.bytes, &provider, gateway.upstream.address_policy())?;
    let row = found(PROVIDER, id, call.data.credential_create(id, new).await?)?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/v1/model-router/credentials/{}", row.id)))
        .json(CredentialResponse::from(row)))
}

/// Read a credential
///
/// One credential of a provider.
///
/// # Errors
/// The organization has no credential with this id.
#[utoipa::path(get, path = "", operation_id = "readProviderCredential",
    responses((status = 200, body = CredentialResponse)))]
pub async fn read(call: Call<RouterRead>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    let row = found(WHAT, id, call.data.credential_find(id).await?)?;
    Ok(HttpResponse::Ok().json(CredentialResponse::from(row)))
}

/// Change a credential
///
/// Absent fields stay as they are; `credential` puts another secret in place of the stored one. The change takes effect
/// immediately and ends the cooldowns of this credential.
///
/// # Errors
/// The organization has no credential with this id; a field is invalid; another credential of the provider has the name.
#[utoipa::path(patch, path = "", operation_id = "changeProviderCredential", request_body = CredentialChangeBody,
    responses((status = 200, body = CredentialResponse), (status = 409, description = "The name is taken")))]
pub async fn change(
    call: Call<RouterManage>,
    payload: web::Payload,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let body = call.body(payload).await?;
    let id = call.id(WHAT)?;
    let before = found(WHAT, id, call.data.credential_find(id).await?)?;
    let provider = found(WHAT, id, call.data.provider_find(before.provider_id).await?)?;
    let to = parse_change(&body.bytes, &provider, gateway.upstream.address_policy())?;
    let after = found(WHAT, id, call.data.credential_change(id, to).await?)?;
    Ok(HttpResponse::Ok().json(CredentialResponse::from(after)))
}

/// Remove a credential
///
/// It is erased, and calls no longer use it. The only credential of a provider is removed by a change of the provider.
///
/// # Errors
/// The organization has no credential with this id; the provider has no other.
#[utoipa::path(delete, path = "", operation_id = "deleteProviderCredential",
    responses((status = 204), (status = 409, description = "The provider has no other credential")))]
pub async fn delete(call: Call<RouterManage>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    found(WHAT, id, call.data.credential_delete(id).await?)?;
    Ok(deleted())
}

/// Test a credential
///
/// As the test of its provider, with this credential. The result becomes the credential's `health`.
///
/// # Errors
/// The organization has no credential with this id. A failed test is not an error.
#[utoipa::path(post, path = "", operation_id = "testProviderCredential",
    responses((status = 200, description = "The result of the test", body = ConnectionResponse)))]
pub async fn test(call: Call<RouterManage>, gateway: web::Data<Gateway>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    let row = found(WHAT, id, call.data.credential_find(id).await?)?;
    let organization = &call.caller.organization;
    let provider = organization.providers.get(&row.provider_id);
    let provider = found(WHAT, id, provider.and_then(|provider| provider.with_credential(id)))?;
    let _slot = gateway.shares.of(organization.id).request()?;
    let report = gateway.test_connection(&call.data, provider).await;
    Ok(HttpResponse::Ok().json(ConnectionResponse::from(report)))
}
