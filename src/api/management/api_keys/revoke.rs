//! `DELETE /v1/identity/api-keys/{id}`.

use actix_web::{HttpResponse, web};

use super::WHAT;
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{Caller, KeysManage};
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// Revoke an API key
///
/// For good. The key is refused from now on, and stays in the list.
///
/// # Errors
/// The organization has no key of that id.
#[utoipa::path(delete, path = "/v1/identity/api-keys/{id}", tag = "identity",
    operation_id = "revokeApiKey", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The key's id")),
    responses((status = 204, description = "It is revoked"), (status = 404)))]
pub async fn revoke(
    caller: Caller<KeysManage>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let revoked = store.organization(&caller.tenant).api_key_revoke(id).await?;
    revoked.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::NoContent().finish())
}
