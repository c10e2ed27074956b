//! `GET /v1/identity/api-keys`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::ApiKeyResponse;
use crate::api::management::page::{CursorPage, Size, requested};
use crate::api::management::query::Query;
use crate::auth::api::api_caller::{Caller, KeysManage};
use crate::domain::error::Result;
use crate::store::Store;

/// What the cursors of this list are sealed for.
const LIST: &str = "api-keys";

/// List API keys
///
/// The organization's keys, newest first, revoked ones included.
///
/// # Errors
/// A parameter is unknown, sent twice or out of its range; the cursor is not one of this list.
#[utoipa::path(get, path = "/v1/identity/api-keys", tag = "identity",
    operation_id = "listApiKeys", security(("bearer" = []), ("x-api-key" = [])),
    params(
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 200, description = "Keys on a page, 50 unless said otherwise"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, description = "A page", body = CursorPage<ApiKeyResponse>),
        (status = 400, description = "The cursor is not one of this list"), (status = 422)))]
pub async fn list(
    caller: Caller<KeysManage>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&caller.tenant);
    let page = requested(Query::parse(request.query_string()), &data, LIST, Size::PAGE)?;
    let uses = caller.organization.last_uses();
    let page = data.api_key_list(&page).await?.map(|row| ApiKeyResponse::new(row, &uses));
    Ok(HttpResponse::Ok().json(CursorPage::new(&data, LIST, page)))
}
