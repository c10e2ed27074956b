//! `GET /v1/model-router/error-mappings/{id}`.

use actix_web::{HttpResponse, web};

use super::{ErrorMappingResponse, WHAT};
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{Caller, RouterRead};
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// Read an error mapping
///
/// # Errors
/// The organization has no mapping of that id.
#[utoipa::path(get, path = "/v1/model-router/error-mappings/{id}", tag = "model-router",
    operation_id = "readErrorMapping", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The mapping")),
    responses((status = 200, description = "The mapping", body = ErrorMappingResponse), (status = 404)))]
pub async fn read(
    caller: Caller<RouterRead>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let found = store.organization(&caller.tenant).error_mapping_find(id).await?;
    let row = found.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::Ok().json(ErrorMappingResponse::from(row)))
}
