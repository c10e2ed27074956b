//! `GET /v1/model-router/providers/{id}`.

use actix_web::{HttpResponse, web};

use super::{ProviderResponse, WHAT};
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{Caller, RouterRead};
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// Read a provider
///
/// One provider.
///
/// # Errors
/// The organization has no provider of that id.
#[utoipa::path(get, path = "/v1/model-router/providers/{id}", tag = "model-router",
    operation_id = "readProvider", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The provider")),
    responses((status = 200, description = "As it is now", body = ProviderResponse), (status = 404)))]
pub async fn read(
    caller: Caller<RouterRead>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let row = store.organization(&caller.tenant).provider_find(id).await?;
    let row = row.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::Ok().json(ProviderResponse::from(row)))
}
