//! `DELETE /v1/model-router/providers/{id}`.

use actix_web::{HttpResponse, web};

use super::WHAT;
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{Caller, RouterManage};
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// Delete a provider
///
/// Its credential is wiped. A provider that serves models cannot be deleted.
///
/// # Errors
/// The organization has no provider of that id; models are served by it.
#[utoipa::path(delete, path = "/v1/model-router/providers/{id}", tag = "model-router",
    operation_id = "deleteProvider", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The provider")),
    responses((status = 204, description = "It is gone"), (status = 404),
        (status = 409, description = "Models are served by it")))]
pub async fn delete(
    caller: Caller<RouterManage>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let deleted = store.organization(&caller.tenant).provider_delete(id).await?;
    deleted.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::NoContent().finish())
}
