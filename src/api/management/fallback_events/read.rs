//! `GET /v1/model-router/fallback-events/{id}`.

use actix_web::{HttpResponse, web};

use super::FallbackEventResponse;
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{Caller, RouterRead};
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// Read a fallback event
///
/// One failover.
///
/// # Errors
/// The organization has no event of that id.
#[utoipa::path(get, path = "/v1/model-router/fallback-events/{id}", tag = "model-router",
    operation_id = "readFallbackEvent", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The event")),
    responses((status = 200, description = "As it is now", body = FallbackEventResponse), (status = 404)))]
pub async fn read(
    caller: Caller<RouterRead>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id("fallback event", &path)?;
    let event = store.organization(&caller.tenant).event_find(id).await?;
    let event = event.ok_or_else(|| Error::absent("fallback event", id))?;
    Ok(HttpResponse::Ok().json(FallbackEventResponse::from(event)))
}
