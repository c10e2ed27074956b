//! `PATCH /v1/model-router/budgets/{id}`.

use actix_web::{HttpRequest, HttpResponse, web};
use entity::ids::BudgetId;

use super::{BudgetChangeBody, BudgetResponse, WHAT, body};
use crate::api::json_fields::Fields;
use crate::api::management::checks::path_id;
use crate::auth::api::api_caller::{BudgetsManage, Caller};
use crate::domain::error::{Error, Result};
use crate::gateway::Gateway;
use crate::http::body_reader::BodyReader;
use crate::store::{BudgetChange, BudgetRow, Store};

/// Change a budget
///
/// What is left out stays. In force at once; what was spent stays spent.
///
/// # Errors
/// The organization has no budget of that id; a field is refused.
#[utoipa::path(patch, path = "/v1/model-router/budgets/{id}", tag = "model-router",
    operation_id = "changeBudget", security(("bearer" = []), ("x-api-key" = [])),
    params(("id" = uuid::Uuid, Path, description = "The budget")),
    request_body = BudgetChangeBody,
    responses((status = 200, description = "As it is now", body = BudgetResponse), (status = 404), (status = 422)))]
pub async fn change(
    caller: Caller<BudgetsManage>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    reader: web::Data<BodyReader>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let id: BudgetId = path_id(WHAT, &path)?;
    let absent = || Error::absent(WHAT, id);
    let data = store.organization(&caller.tenant);
    let before = data.budget_find(id).await?.ok_or_else(absent)?;
    let to = parse(&before, &body.bytes)?;
    let row = data.budget_change(id, to).await?.ok_or_else(absent)?;
    Ok(HttpResponse::Ok().json(BudgetResponse::new(&row, &data, &gateway)))
}

fn parse(before: &BudgetRow, bytes: &[u8]) -> Result<BudgetChange> {
    let mut fields = Fields::parse(bytes)?;
    body::keep_place(&mut fields, before.period, before.api_key_id.map(|id| id.0));
    let limits = body::limits(&mut fields);
    fields.finish()?;
    Ok(BudgetChange {
        soft_limit_nano_dollars: limits.soft.into_option(),
        hard_limit_nano_dollars: limits.hard.into_option(),
    })
}
