//! `GET /v1/identity/whoami`: what a key is, for whoever holds it.

use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::api::api_caller::{AnyKey, ApiCaller};
use crate::domain::error::Result;

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhoamiResponse {
    /// The organization that the key belongs to.
    organization: CallingOrganization,
    /// The key.
    api_key: CallingApiKey,
}

/// The caller's organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallingOrganization {
    /// The organization.
    id: Uuid,
    /// Its name.
    name: String,
}

/// The caller's key.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallingApiKey {
    /// The key's row.
    id: Uuid,
    /// What people call it.
    name: String,
    /// What it may do.
    scopes: Vec<String>,
    /// The models it may use, sorted; null: all.
    #[schema(required)]
    models: Option<Vec<String>>,
    /// From when on it is refused; null: never.
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
}

/// Say who is calling
///
/// Whose key this is, and what it may do.
///
/// # Errors
/// The key is missing or bad.
#[utoipa::path(get, path = "/v1/identity/whoami", tag = "identity",
    operation_id = "readWhoami", security(("bearer" = []), ("x-api-key" = [])),
    responses((status = 200, description = "As it is now", body = WhoamiResponse)))]
pub async fn whoami(caller: ApiCaller<AnyKey>) -> Result<HttpResponse> {
    let key = &caller.key;
    let models = key.models.as_ref().map(|models| {
        let mut names: Vec<String> = models.iter().cloned().collect();
        names.sort_unstable();
        names
    });
    Ok(HttpResponse::Ok().json(WhoamiResponse {
        organization: CallingOrganization {
            id: caller.organization.id.0,
            name: caller.organization.name.to_string(),
        },
        api_key: CallingApiKey {
            id: key.id.0,
            name: key.name.to_string(),
            scopes: key.scopes.clone(),
            models,
            expires_at: key.expires_at,
        },
    }))
}
