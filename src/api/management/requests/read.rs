//! `GET /v1/model-router/requests/{id}`.

use actix_web::{HttpResponse, web};

use super::RequestResponse;
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{Caller, RouterRead};
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// Read a request
///
/// One request, by the id that its caller got as `x-request-id`.
///
/// # Errors
/// The organization has no request of that id.
#[utoipa::path(get, path = "/v1/model-router/requests/{id}", tag = "model-router",
    operation_id = "readRequest", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The request")),
    responses((status = 200, description = "As it is now", body = RequestResponse), (status = 404)))]
pub async fn read(
    caller: Caller<RouterRead>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id("request", &path)?;
    let request = store.organization(&caller.tenant).request_find(id).await?;
    let request = request.ok_or_else(|| Error::absent("request", id))?;
    Ok(HttpResponse::Ok().json(RequestResponse::from(request)))
}
