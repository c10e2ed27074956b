//! `DELETE /v1/model-router/error-mappings/{id}`.

use actix_web::{HttpResponse, web};

use super::WHAT;
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{Caller, RouterManage};
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// Delete an error mapping
///
/// From then on such sentences are read as they were before.
///
/// # Errors
/// The organization has no mapping of that id.
#[utoipa::path(delete, path = "/v1/model-router/error-mappings/{id}", tag = "model-router",
    operation_id = "deleteErrorMapping", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The mapping")),
    responses((status = 204, description = "It is gone"), (status = 404)))]
pub async fn delete(
    caller: Caller<RouterManage>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let deleted = store.organization(&caller.tenant).error_mapping_delete(id).await?;
    deleted.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::NoContent().finish())
}
