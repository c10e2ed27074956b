//! `/v1/model-router/budgets`: what the organization, or one of its keys, may spend in a UTC day or month.
//!
//! Reading needs the scope `router:read`; changing needs `budgets:manage`, and a key's budget is compared like its other bounds.

mod body;
pub mod change;
pub mod create;
pub mod delete;
pub mod list;
pub mod read;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use body::{BudgetChangeBody, NewBudgetBody};

use crate::domain::period::Period;
use crate::gateway::Gateway;
use crate::store::{BudgetRow, OrgStore, known_cost};

/// What a budget is called in messages.
const WHAT: &str = "budget";

/// A budget, and how much of it is spent.
#[derive(Debug, Serialize, ToSchema)]
pub struct BudgetResponse {
    /// The budget's row.
    id: Uuid,
    /// The key that it limits; null: the whole organization.
    #[schema(required)]
    api_key_id: Option<Uuid>,
    /// `day` or `month`, of UTC.
    #[schema(value_type = String)]
    period: Period,
    /// Nano-dollars from which on people are told and answers carry `x-failsoft-budget: soft`; null: never.
    #[schema(required)]
    soft_limit_nano_dollars: Option<i64>,
    /// Nano-dollars beyond which nobody is called; null: no limit.
    #[schema(required)]
    hard_limit_nano_dollars: Option<i64>,
    /// What was spent since `period_start`, in nano-dollars; at least that where `unpriced_requests` is not 0. Null: nothing
    /// of it is known.
    #[schema(required)]
    spent_nano_dollars: Option<i64>,
    /// Requests since `period_start` with an unknown cost, which no limit can hold: give their models a price.
    unpriced_requests: i64,
    /// When the period began.
    period_start: DateTime<Utc>,
    /// When the next one begins, with nothing spent.
    resets_at: DateTime<Utc>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it last changed.
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
