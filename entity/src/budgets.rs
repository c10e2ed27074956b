//! Table `budgets`: how much an organization or one of its keys may spend in a period.

use sea_orm::entity::prelude::*;

use crate::ids::{ApiKeyId, BudgetId, OrganizationId};

/// One budget.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "budgets")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BudgetId,
    /// Whose budget it is.
    pub organization_id: OrganizationId,
    /// The key that it limits. None: the whole organization.
    pub api_key_id: Option<ApiKeyId>,
    /// After what time it starts anew, such as `day` or `month`.
    pub period: String,
    /// Nano-dollars from which on people are told. None: never.
    pub soft_limit_nano_dollars: Option<i64>,
    /// Nano-dollars from which on requests are refused. None: never.
    pub hard_limit_nano_dollars: Option<i64>,
    /// When people were last told that the soft limit was crossed. None: never yet.
    pub warned_at: Option<DateTimeUtc>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
    /// Since when it is gone.
    pub deleted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
