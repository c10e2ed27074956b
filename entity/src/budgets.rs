//! Table `budgets`: spending limits of organizations and API keys per period.

use sea_orm::entity::prelude::*;

use crate::ids::{ApiKeyId, BudgetId, OrganizationId};

/// One budget of an organization or key.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "budgets")]
pub struct Model {
    /// The primary key of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BudgetId,
    /// The organization that owns the budget.
    pub organization_id: OrganizationId,
    /// The limited API key; `None` for the whole organization.
    pub api_key_id: Option<ApiKeyId>,
    /// `day` or `month`, in UTC.
    pub period: String,
    /// Nano-dollars above which the gateway warns; `None` for no warning.
    pub soft_limit_nano_dollars: Option<i64>,
    /// Nano-dollars above which requests are refused; `None` for no limit.
    pub hard_limit_nano_dollars: Option<i64>,
    /// When the last warning about the soft limit was sent; `None` before the first.
    pub warned_at: Option<DateTimeUtc>,
    /// When it was created.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
    /// When it was deleted; `None` while it exists.
    pub deleted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
