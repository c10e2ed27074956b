//! `GET /v1/model-router/error-mappings`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::ErrorMappingResponse;
use crate::api::management::page::{CursorPage, Size, requested};
use crate::api::management::query::Query;
use crate::auth::api::api_caller::{Caller, RouterRead};
use crate::domain::error::Result;
use crate::store::Store;

/// What the cursors of this list are sealed for.
const LIST: &str = "error-mappings";

/// List error mappings
///
/// The organization's, newest first. A provider's own are asked before those of every provider, the newest first.
///
/// # Errors
/// A parameter is unknown, sent twice or out of its range; the cursor is not one of this list.
#[utoipa::path(get, path = "/v1/model-router/error-mappings", tag = "model-router",
    operation_id = "listErrorMappings", security(("bearer" = []), ("x-api-key" = [])),
    params(
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 200, description = "Mappings on a page, 50 unless said otherwise"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, description = "A page", body = CursorPage<ErrorMappingResponse>),
        (status = 400, description = "The cursor is not one of this list"), (status = 422)))]
pub async fn list(
    caller: Caller<RouterRead>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&caller.tenant);
    let page = requested(Query::parse(request.query_string()), &data, LIST, Size::PAGE)?;
    let page = data.error_mapping_list(&page).await?.map(ErrorMappingResponse::from);
    Ok(HttpResponse::Ok().json(CursorPage::new(&data, LIST, page)))
}
