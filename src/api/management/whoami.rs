//! `GET /v1/identity/whoami`: the key that the request uses.

use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::api::api_caller::{AnyKey, ApiCaller};
use crate::domain::error::Result;

/// The caller of the request.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhoamiResponse {
    /// The organization of the key.
    organization: CallingOrganization,
    /// The key of the request.
    api_key: CallingApiKey,
}

/// The organization of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallingOrganization {
    /// The id of the organization.
    id: Uuid,
    /// The name of the organization.
    name: String,
}

/// The key of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallingApiKey {
    /// The id of the key.
    id: Uuid,
    /// The name of the key.
    name: String,
    /// The scopes of the key.
    scopes: Vec<String>,
    /// The models it may use, sorted; null: all.
    #[schema(required)]
    models: Option<Vec<String>>,
    /// When it expires; null: never.
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
}

/// Say who is calling
///
/// The organization, name and permissions of the key.
///
/// # Errors
/// The key is missing or invalid.
#[utoipa::path(get, path = "", responses((status = 200, body = WhoamiResponse)))]
pub async fn read(caller: ApiCaller<AnyKey>) -> Result<HttpResponse> {
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
