//! `DELETE /v1/model-router/models/{id}`.

use actix_web::{HttpResponse, web};

use super::WHAT;
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{Caller, RouterManage};
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// Delete a model
///
/// A model that a fallback configuration uses cannot be deleted.
///
/// # Errors
/// The organization has no model of that id; a fallback configuration uses it.
#[utoipa::path(delete, path = "/v1/model-router/models/{id}", tag = "model-router",
    operation_id = "deleteModel", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The model")),
    responses((status = 204, description = "It is gone"), (status = 404),
        (status = 409, description = "A fallback configuration uses it")))]
pub async fn delete(
    caller: Caller<RouterManage>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let deleted = store.organization(&caller.tenant).model_delete(id).await?;
    deleted.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::NoContent().finish())
}
