//! `POST /v1/model-router/budgets`.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{BudgetResponse, NewBudgetBody, body};
use crate::api::json_fields::Fields;
use crate::auth::api::api_caller::{BudgetsManage, Caller};
use crate::domain::error::{Error, Result};
use crate::domain::period::Period;
use crate::gateway::Gateway;
use crate::http::body_reader::BodyReader;
use crate::store::{NewBudget, Store};

/// Create a budget
///
/// What the organization, or one of its keys, may spend in a UTC day or month. It is checked at once, before every
/// call of a model; what was spent in the period so far counts.
///
/// # Errors
/// A field is refused; there is a budget for that period already.
#[utoipa::path(post, path = "/v1/model-router/budgets", tag = "model-router",
    operation_id = "createBudget", security(("bearer" = []), ("x-api-key" = [])),
    request_body = NewBudgetBody,
    responses((status = 201, description = "What was made", body = BudgetResponse, headers(("location" = String, description = "The budget's path"))),
        (status = 409, description = "There is one for that period already"), (status = 422)))]
pub async fn create(
    caller: Caller<BudgetsManage>,
    request: HttpRequest,
    payload: web::Payload,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    reader: web::Data<BodyReader>,
) -> Result<HttpResponse> {
    let body = reader.read_management(caller.organization.id, &request, payload).await?;
    let new = parse(&body.bytes)?;
    let data = store.organization(&caller.tenant);
    let row = data.budget_create(new).await?;
    let spending = &gateway.shared_state.spending;
    if let Err(error) =
        spending.read(Some(data.organization_id()), Period::Month, data.spent_this_month()).await
    {
        // The budget is there all the same, and what was spent is read again within a second.
        tracing::warn!(%error, "cannot read what was spent");
    }
    let location = format!("/v1/model-router/budgets/{}", row.id);
    let budget = BudgetResponse::new(&row, &data, &gateway);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(budget))
}

fn parse(bytes: &[u8]) -> Result<NewBudget> {
    let mut fields = Fields::parse(bytes)?;
    let place = body::place(&mut fields);
    let limits = body::limits(&mut fields);
    fields.finish()?;
    Ok(NewBudget {
        api_key_id: place.api_key_id.map(Into::into),
        // What is required and not there has been refused.
        period: place.period.ok_or_else(|| Error::internal("a required field got lost"))?,
        soft_limit_nano_dollars: limits.soft.value(),
        hard_limit_nano_dollars: limits.hard.value(),
    })
}
