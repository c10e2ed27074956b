//! `/v1/model-router/budgets`: how much the organization, or one of its keys, may spend in a UTC day or month.
//!
//! Reading needs the scope `router:read`, changing needs `budgets:manage`. A key with any limit
//! widens no budget, neither of a key nor of the organization.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::ids::ApiKeyId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;

use crate::api::body::values::{BodyText, Id, Whole, word};
use crate::api::body::{Body as _, BodyFields, Patch, Schemas, body, reference};
use crate::api::management::call::{Call, deleted, found};
use crate::api::management::page::{CursorPage, PageParameters};
use crate::auth::api::api_caller::{BudgetsManage, RouterRead};
use crate::domain::error::{Error, Result};
use crate::domain::period::Period;
use crate::gateway::Gateway;
use crate::store::{BudgetChange, BudgetRow, NewBudget, OrgStore, known_cost, unknown_key};
use crate::validation::ViolationReason;
use crate::validation::bounds::BUDGET_LIMIT;

/// The name of the resource in messages.
const WHAT: &str = "budget";

/// The name of the list. Its cursors are valid for this list only.
const LIST: &str = "budgets";

/// A budget and the amount spent.
#[derive(Debug, Serialize, ToSchema)]
pub struct BudgetResponse {
    /// The id of the budget.
    #[schema(read_only)]
    id: Uuid,
    /// The key that it limits; null: the whole organization.
    #[schema(required)]
    api_key_id: Option<Uuid>,
    /// `day` or `month`, in UTC.
    period: Period,
    /// The amount in nano-dollars from which the console shows a warning and responses have `x-failsoft-budget:
    /// soft`; null: never.
    #[schema(required)]
    soft_limit_nano_dollars: Option<i64>,
    /// The amount in nano-dollars beyond which no model is called; null: no limit.
    #[schema(required)]
    hard_limit_nano_dollars: Option<i64>,
    /// The amount spent since `period_start`, in nano-dollars; a lower bound if `unpriced_requests` is not 0. Null:
    /// no cost is known.
    #[schema(required, read_only)]
    spent_nano_dollars: Option<i64>,
    /// Requests since `period_start` with an unknown cost. Toward the limits only what is known of it counts, which is
    /// nothing without a price: set one for their models.
    #[schema(read_only)]
    unpriced_requests: i64,
    /// When the current period began.
    #[schema(read_only)]
    period_start: DateTime<Utc>,
    /// When the next period begins, with nothing spent.
    #[schema(read_only)]
    resets_at: DateTime<Utc>,
    /// When it was created.
    #[schema(read_only)]
    created_at: DateTime<Utc>,
    /// When it last changed.
    #[schema(read_only)]
    updated_at: DateTime<Utc>,
}

impl BudgetResponse {
    fn new(row: &BudgetRow, data: &OrgStore, gateway: &Gateway) -> Self {
        let now = gateway.clock.now();
        let spending = &gateway.shared_state.spending;
        let spent = spending.spent(data.organization_id(), row.api_key_id, row.period);
        let unpriced = spending.unpriced(data.organization_id(), row.api_key_id, row.period);
        Self {
            id: row.id.0,
            api_key_id: row.api_key_id.map(|id| id.0),
            period: row.period,
            soft_limit_nano_dollars: row.soft_limit_nano_dollars,
            hard_limit_nano_dollars: row.hard_limit_nano_dollars,
            spent_nano_dollars: known_cost(spent, unpriced),
            unpriced_requests: unpriced,
            period_start: row.period.start(now),
            resets_at: row.period.end(now),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

body! {
    /// A budget to create, with at least one of the limits.
    pub struct NewBudgetBody ignores ["id", "spent_nano_dollars", "unpriced_requests", "period_start", "resets_at", "created_at", "updated_at"] {
        /// The key that it limits; null: the whole organization.
        api_key_id: Patch<Id<ApiKeyId>>,
        /// `day` or `month`, in UTC.
        period: Period,
        /// The soft limit in nano-dollars, from which the gateway warns; null: never.
        soft_limit_nano_dollars: Patch<BudgetLimit>,
        /// The amount in nano-dollars beyond which no model is called; null: no limit.
        hard_limit_nano_dollars: Patch<BudgetLimit>,
    }
}

body! {
    /// A change of a budget. Absent fields stay as they are. The key and the period cannot be changed.
    pub struct BudgetChangeBody ignores ["id", "api_key_id", "period", "spent_nano_dollars", "unpriced_requests", "period_start", "resets_at", "created_at", "updated_at"] {
        /// The soft limit in nano-dollars, from which the gateway warns; null: never.
        soft_limit_nano_dollars: Patch<BudgetLimit>,
        /// The amount in nano-dollars beyond which no model is called; null: no limit.
        hard_limit_nano_dollars: Patch<BudgetLimit>,
    }
}

type BudgetLimit = Whole<{ *BUDGET_LIMIT.start() }, { *BUDGET_LIMIT.end() }>;

impl BodyText for Period {
    const CLOSED: bool = true;

    fn parse(text: &str) -> Result<Self, ViolationReason> {
        word(text, &Self::ALL.map(Self::as_str), Self::parse)
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        reference::<Self>(schemas)
    }
}

/// List budgets
///
/// The budgets of the organization and of its keys, newest first, with the amounts spent.
///
/// # Errors
/// A parameter is unknown, sent twice or out of range; the cursor belongs to another list.
#[utoipa::path(get, path = "", params(PageParameters),
    responses((status = 200, body = CursorPage<BudgetResponse>)))]
pub async fn list(call: Call<RouterRead>, gateway: web::Data<Gateway>) -> Result<HttpResponse> {
    let page = call.page_request(call.query(), LIST)?;
    let shown = |row| BudgetResponse::new(&row, &call.data, &gateway);
    Ok(call.page(LIST, call.data.budget_list(&page).await?.map(shown)))
}

/// Create a budget
///
/// Limits how much the organization, or one of its keys, may spend in a UTC day or month. It takes effect
/// immediately and is checked before every call of a model. Spending earlier in the period counts.
///
/// # Errors
/// A field is invalid; there already is a budget for this period.
#[utoipa::path(post, path = "", request_body = NewBudgetBody,
    responses((status = 201, body = BudgetResponse),
        (status = 409, description = "There already is a budget for this period")))]
pub async fn create(
    call: Call<BudgetsManage>,
    payload: web::Payload,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let body = call.body(payload).await?;
    let data = &call.data;
    let new = match parse_new(&body.bytes) {
        Ok(new) => new,
        Err(error) => return Err(with_unknown_key(error, &body.bytes, data).await?),
    };
    let row = data.budget_create(new).await?;
    let spending = &gateway.shared_state.spending;
    if let Err(error) =
        spending.read(Some(data.organization_id()), Period::Month, data.spent_this_month()).await
    {
        // The budget exists all the same, and a job reads the spending again within a second.
        tracing::warn!(%error, "cannot read what was spent");
    }
    Ok(call.created(row.id).json(BudgetResponse::new(&row, data, &gateway)))
}

/// Read a budget
///
/// # Errors
/// The organization has no budget with this id.
#[utoipa::path(get, path = "", responses((status = 200, description = "The budget", body = BudgetResponse)))]
pub async fn read(call: Call<RouterRead>, gateway: web::Data<Gateway>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    let row = found(WHAT, id, call.data.budget_find(id).await?)?;
    Ok(HttpResponse::Ok().json(BudgetResponse::new(&row, &call.data, &gateway)))
}

/// Change a budget
///
/// Absent fields stay as they are. The change takes effect immediately, and the amount spent is kept.
///
/// # Errors
/// The organization has no budget with this id; a field is invalid.
#[utoipa::path(patch, path = "", request_body = BudgetChangeBody,
    responses((status = 200, body = BudgetResponse)))]
pub async fn change(
    call: Call<BudgetsManage>,
    payload: web::Payload,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let body = call.body(payload).await?;
    let id = call.id(WHAT)?;
    let before = found(WHAT, id, call.data.budget_find(id).await?)?;
    let to = parse_change(&before, &body.bytes)?;
    let row = found(WHAT, id, call.data.budget_change(id, to).await?)?;
    Ok(HttpResponse::Ok().json(BudgetResponse::new(&row, &call.data, &gateway)))
}

/// Delete a budget
///
/// Its limits stop applying immediately.
///
/// # Errors
/// The organization has no budget with this id.
#[utoipa::path(delete, path = "", responses((status = 204)))]
pub async fn delete(call: Call<BudgetsManage>) -> Result<HttpResponse> {
    let id = call.id(WHAT)?;
    found(WHAT, id, call.data.budget_delete(id).await?)?;
    Ok(deleted())
}

/// Refuses a change of the key or the period; both may be sent back unchanged.
fn refuse_target_change(fields: &mut BodyFields, before: &BudgetRow) {
    let known = [
        ("period", Value::from(before.period.as_str())),
        ("api_key_id", before.api_key_id.map_or(Value::Null, |id| Value::from(id.to_string()))),
    ];
    for (name, known) in known {
        if fields.take(name).is_some_and(|value| value != known) {
            let message = format!("'{name}' cannot be changed. Delete the budget and make another one.");
            fields.refuse(name, "value_error", message);
        }
    }
}

/// Adds an unknown key of an invalid body, so that one answer has all of its faults. The store checks a valid one.
async fn with_unknown_key(error: Error, bytes: &[u8], data: &OrgStore) -> Result<Error> {
    let Error::Invalid(mut violations) = error else { return Ok(error) };
    let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let id = body.get("api_key_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    if let Some(id) = id
        && data.api_key_find(id).await?.is_none()
    {
        violations.push(unknown_key(id));
    }
    Ok(Error::Invalid(violations))
}

fn parse_new(bytes: &[u8]) -> Result<NewBudget> {
    let body = NewBudgetBody::parse(bytes)?;
    Ok(NewBudget {
        api_key_id: body.api_key_id.value().map(|Id(id)| id),
        period: body.period,
        soft_limit_nano_dollars: body.soft_limit_nano_dollars.value(),
        hard_limit_nano_dollars: body.hard_limit_nano_dollars.value(),
    })
}

fn parse_change(before: &BudgetRow, bytes: &[u8]) -> Result<BudgetChange> {
    let mut fields = BodyFields::parse(bytes)?;
    refuse_target_change(&mut fields, before);
    fields.ignore(BudgetChangeBody::READ_ONLY);
    let body = BudgetChangeBody::read(&mut fields);
    let body = fields.finish(body)?;
    Ok(BudgetChange {
        soft_limit_nano_dollars: body.soft_limit_nano_dollars.into_option(),
        hard_limit_nano_dollars: body.hard_limit_nano_dollars.into_option(),
    })
}
