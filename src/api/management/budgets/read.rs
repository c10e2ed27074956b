//! `GET /v1/model-router/budgets/{id}`.

use actix_web::{HttpResponse, web};
use entity::ids::BudgetId;

use super::{BudgetResponse, WHAT};
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{Caller, RouterRead};
use crate::domain::error::{Error, Result};
use crate::gateway::Gateway;
use crate::store::Store;

/// Read a budget
///
/// # Errors
/// The organization has no budget of that id.
#[utoipa::path(get, path = "/v1/model-router/budgets/{id}", tag = "model-router",
    operation_id = "readBudget", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The budget")),
    responses((status = 200, description = "The budget", body = BudgetResponse), (status = 404)))]
pub async fn read(
    caller: Caller<RouterRead>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let id: BudgetId = path_id(WHAT, &path)?;
    let data = store.organization(&caller.tenant);
    let row = data.budget_find(id).await?.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok(HttpResponse::Ok().json(BudgetResponse::new(&row, &data, &gateway)))
}
