//! `GET /v1/model-router/models/{id}`.

use actix_web::{HttpResponse, web};

use super::{ModelResponse, WHAT};
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{Caller, RouterRead};
use crate::domain::error::{Error, Result};
use crate::gateway::Gateway;
use crate::store::Store;

/// Read a model
///
/// One model.
///
/// # Errors
/// The organization has no model of that id.
#[utoipa::path(get, path = "/v1/model-router/models/{id}", tag = "model-router",
    operation_id = "readModel", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The model")),
    responses((status = 200, description = "As it is now", body = ModelResponse), (status = 404)))]
pub async fn read(
    caller: Caller<RouterRead>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let row = store.organization(&caller.tenant).model_find(id).await?;
    let row = row.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::Ok().json(ModelResponse::from(row).with_cooldown(&caller.organization, &gateway)))
}
