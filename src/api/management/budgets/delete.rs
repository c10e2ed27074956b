//! `DELETE /v1/model-router/budgets/{id}`.

use actix_web::{HttpResponse, web};

use super::WHAT;
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{BudgetsManage, Caller};
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// Delete a budget
///
/// From then on nothing is limited by it.
///
/// # Errors
/// The organization has no budget of that id.
#[utoipa::path(delete, path = "/v1/model-router/budgets/{id}", tag = "model-router",
    operation_id = "deleteBudget", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The budget")),
    responses((status = 204, description = "It is gone"), (status = 404)))]
pub async fn delete(
    caller: Caller<BudgetsManage>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = path_id(WHAT, &path)?;
    let deleted = store.organization(&caller.tenant).budget_delete(id).await?;
    deleted.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::NoContent().finish())
}
