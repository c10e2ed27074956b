//! `DELETE /v1/model-router/models/{id}/cooldown`.

use actix_web::{HttpResponse, web};

use super::{ModelResponse, WHAT};
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{Caller, RouterManage};
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// End a model's cooldown
///
/// The next request calls the model again, in every process. A model without a cooldown stays as it is.
///
/// # Errors
/// The organization has no model of that id.
#[utoipa::path(delete, path = "/v1/model-router/models/{id}/cooldown", tag = "model-router",
    operation_id = "endModelCooldown", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The model")),
    responses((status = 200, description = "The model, without a cooldown", body = ModelResponse), (status = 404)))]
pub async fn end(
    caller: Caller<RouterManage>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let row = store.organization(&caller.tenant).model_end_cooldown(id).await?;
    let row = row.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::Ok().json(ModelResponse::from(row)))
}
