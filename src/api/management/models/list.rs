//! `GET /v1/model-router/models`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::ModelResponse;
use crate::api::management::page::{CursorPage, Size, requested};
use crate::api::management::query::Query;
use crate::auth::api::api_caller::{Caller, RouterRead};
use crate::domain::error::Result;
use crate::gateway::Gateway;
use crate::store::{ModelFilter, Store};

/// What the cursors of this list are sealed for.
const LIST: &str = "models";

/// List models
///
/// The models of the organization's catalogue, newest first.
///
/// # Errors
/// A parameter is unknown, sent twice or out of its range; the cursor is not one of this list.
#[utoipa::path(get, path = "/v1/model-router/models", tag = "model-router",
    operation_id = "listModels", security(("bearer" = []), ("x-api-key" = [])),
    params(
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 200, description = "Models on a page, 50 unless said otherwise"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("name" = Option<String>, Query, description = "The model of that name"),
        ("provider_id" = Option<uuid::Uuid>, Query, description = "Models that it serves"),
        ("enabled" = Option<bool>, Query, description = "Models that may, or may not, be called")),
    responses((status = 200, description = "A page", body = CursorPage<ModelResponse>),
        (status = 400, description = "The cursor is not one of this list"), (status = 422)))]
pub async fn list(
    caller: Caller<RouterRead>,
    request: HttpRequest,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&caller.tenant);
    let mut query = Query::parse(request.query_string());
    let filter = ModelFilter {
        name: query.model_name("name"),
        provider_id: query.id("provider_id"),
        enabled: query.boolean("enabled"),
        ..ModelFilter::default()
    };
    let page = requested(query, &data, LIST, Size::PAGE)?;
    let shown = |row| ModelResponse::from(row).with_cooldown(&caller.organization, &gateway);
    let page = data.model_list(&filter, &page).await?.map(shown);
    Ok(HttpResponse::Ok().json(CursorPage::new(&data, LIST, page)))
}
