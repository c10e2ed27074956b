//! `GET /v1/identity/api-keys/{id}`.

use actix_web::{HttpResponse, web};

use super::{ApiKeyResponse, WHAT};
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{Caller, KeysManage};
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// Read an API key
///
/// One key, living or revoked, without what would let one call with it.
///
/// # Errors
/// The organization has no key of that id.
#[utoipa::path(get, path = "/v1/identity/api-keys/{id}", tag = "identity",
    operation_id = "readApiKey", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The key's id")),
    responses((status = 200, description = "As it is now", body = ApiKeyResponse), (status = 404)))]
pub async fn read(
    caller: Caller<KeysManage>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let row = store.organization(&caller.tenant).api_key_find(id).await?;
    let row = row.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::Ok().json(ApiKeyResponse::new(row, &caller.organization.last_uses())))
}
