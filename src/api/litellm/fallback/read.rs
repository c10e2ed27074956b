//! `GET /fallback/{model}`: one list.

use actix_web::{HttpRequest, HttpResponse, web};

use super::revision::etag;
use super::{Fallback, Selection};
use crate::auth::api::api_caller::{Caller, RouterRead};
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// Read a fallback list
///
/// The `ETag` is what `If-Match` of a change asks for.
///
/// # Errors
/// 404: no list of that type is in force for a model of that name, whether there is such a model or not.
#[utoipa::path(get, path = "/fallback/{model}", operation_id = "getFallback", tag = "fallbacks",
    security(("bearer" = []), ("x-api-key" = [])),
    params(("model" = String, Path, description = "The model's catalogue name; it may hold slashes, raw or as `%2F`"), Selection),
    responses(
        (status = 200, description = "The list in force", body = Fallback, headers(("ETag" = String, description = "The revision in quotes"))),
        (status = 404, description = "No such list is in force"),
        (status = 422, description = "An unknown `fallback_type`")))]
pub async fn read(
    caller: Caller<RouterRead>,
    request: HttpRequest,
    model: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let kind = Selection::of_query(request.query_string())?.fallback_type;
    let model = model.into_inner();
    match store.organization(&caller.tenant).fallback_find(&model, kind).await? {
        Some(row) => Ok(HttpResponse::Ok().insert_header(etag(row.revision)).json(Fallback::from(row))),
        None => Err(Error::FallbackAbsent { model, kind: kind.as_str().to_owned() }),
    }
}
