//! `DELETE /fallback/{model}`: takes one list out of force.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::Selection;
use super::revision::IfMatch;
use crate::auth::api::api_caller::{Caller, RouterManage};
use crate::domain::error::{Error, Result};
use crate::domain::fallback_type::FallbackType;
use crate::store::Store;

/// A configuration that was taken out of force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FallbackDeleted {
    /// The model.
    #[schema(example = "smart")]
    model: String,
    /// Which of its lists.
    fallback_type: FallbackType,
    /// That it is done.
    #[schema(example = "Fallback configuration deleted successfully")]
    message: &'static str,
}

/// Delete a fallback list
///
/// The next chat request does without it. A later create gets the same `router_config_id` and the next revision.
///
/// # Errors
/// As for reading; 412 when `If-Match` names another revision.
#[utoipa::path(delete, path = "/fallback/{model}", operation_id = "deleteFallback", tag = "fallbacks",
    security(("bearer" = []), ("x-api-key" = [])),
    params(
        ("model" = String, Path, description = "The model's catalogue name; it may hold slashes, raw or as `%2F`"), Selection,
        ("If-Match" = Option<String>, Header, description = "The `ETag` as it was read")),
    responses(
        (status = 200, description = "No longer in force", body = FallbackDeleted),
        (status = 404, description = "No such list is in force"),
        (status = 412, description = "Another revision is in force than the one in `If-Match`"),
        (status = 422, description = "An unknown `fallback_type`")))]
pub async fn delete(
    caller: Caller<RouterManage>,
    request: HttpRequest,
    model: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let kind = Selection::of_query(request.query_string())?.fallback_type;
    let if_match = IfMatch::of(request.headers())?;
    let model = model.into_inner();
    let store = store.organization(&caller.tenant);
    let expected = if_match.expected(&store, &model, kind).await?;
    if store.fallback_delete(&model, kind, expected).await?.is_none() {
        return Err(Error::FallbackAbsent { model, kind: kind.as_str().to_owned() });
    }
    let message = "Fallback configuration deleted successfully";
    Ok(HttpResponse::Ok().json(FallbackDeleted { model, fallback_type: kind, message }))
}
