//! Budgets: spending limits of an organization or a key per UTC day or month.
//!
//! The gateway enforces them, from the snapshot and its own spending counters. This module stores them and reads the
//! spending from the roll-ups.

use crate::domain::period::Period;
use chrono::{DateTime, Utc};
use entity::ids::{ApiKeyId, BudgetId, OrganizationId};
use entity::{api_keys, budgets, usage_rollups};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _,
    FromQueryResult, IntoActiveModel as _, QueryFilter as _, QuerySelect as _, Select,
};
use serde::Serialize;
use uuid::Uuid;

use super::audit::AuditEntry;
use crate::domain::error::{Error, Violation};
use crate::domain::origin::Origin;
use crate::store::OrgStore;
use crate::store::pagination::{Page, PageRequest, Position, newest_first};

/// A budget of an organization or key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetRow {
    /// The id of the budget.
    pub id: BudgetId,
    /// The limited key; `None` for the whole organization.
    pub api_key_id: Option<ApiKeyId>,
    /// The period of the budget.
    pub period: Period,
    /// The soft limit in nano-dollars; `None` for no warning.
    pub soft_limit_nano_dollars: Option<i64>,
    /// The hard limit in nano-dollars; `None` for no limit.
    pub hard_limit_nano_dollars: Option<i64>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A new budget. The fields are those of [`BudgetRow`].
#[derive(Debug, Clone, Copy)]
pub struct NewBudget {
    /// The limited key; `None` for the whole organization.
    pub api_key_id: Option<ApiKeyId>,
    /// The period of the budget.
    pub period: Period,
    /// The soft limit in nano-dollars.
    pub soft_limit_nano_dollars: Option<i64>,
    /// The hard limit in nano-dollars.
    pub hard_limit_nano_dollars: Option<i64>,
}

/// A change of a budget. `None` leaves a limit unchanged; `Some(None)` removes it.
#[derive(Debug, Clone, Copy, Default)]
pub struct BudgetChange {
    /// The soft limit in nano-dollars.
    pub soft_limit_nano_dollars: Option<Option<i64>>,
    /// The hard limit in nano-dollars.
    pub hard_limit_nano_dollars: Option<Option<i64>>,
}

/// The spending of one key on one UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub struct Spent {
    /// The id of the organization.
    pub organization_id: OrganizationId,
    /// The key; the nil UUID for requests without a key.
    pub api_key_id: Uuid,
    /// The start of the day in Unix seconds.
    pub day: i64,
    /// What budgets count, in nano-dollars: the known costs, and what is known of the others.
    pub counted_nano_dollars: i64,
    /// Number of requests with unknown cost.
    pub unpriced: i64,
}

/// The spending of keys on UTC days, as one reading of the roll-ups found it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpentByDay {
    /// The spending by organization, key and day.
    pub rows: Vec<Spent>,
    /// Whether all that was committed before the reading is in it. If not, it could not be folded in time.
    pub folded: bool,
}

impl OrgStore {
    /// Creates a budget. This process enforces it when this returns.
    ///
    /// # Errors
    /// [`Error::Invalid`]: the key does not exist or is revoked, or the limits are invalid. [`Error::Conflict`]: there is a
    /// budget for that period already.
    pub async fn budget_create(&self, new: NewBudget) -> Result<BudgetRow, Error> {
        check_limits(new.soft_limit_nano_dollars, new.hard_limit_nano_dollars)?;
        let change = self.change().await?;
        let name = self.budget_name(change.on(), new.api_key_id).await?;
        let key = match new.api_key_id {
            Some(id) => budgets::Column::ApiKeyId.eq(id),
            None => budgets::Column::ApiKeyId.is_null(),
        };
        let same = self.budgets().filter(key).filter(budgets::Column::Period.eq(new.period.as_str()));
        if same.one(change.on()).await?.is_some() {
            let period = new.period.as_str();
            let message =
                format!("{name} has a budget for the {period} already: change that one, or delete it first");
            return Err(Error::Conflict { message });
        }
        let grant = self.budget_grant(&change, new.api_key_id).await?;
        let now = self.clock().now();
        let row = budgets::ActiveModel {
            id: Set(BudgetId(self.clock().new_id())),
            organization_id: Set(self.organization_id),
            api_key_id: Set(new.api_key_id),
            period: Set(new.period.as_str().to_owned()),
            soft_limit_nano_dollars: Set(new.soft_limit_nano_dollars),
            hard_limit_nano_dollars: Set(new.hard_limit_nano_dollars),
            warned_at: Set(None),
            created_at: Set(now),
            updated_at: Set(now),
            deleted_at: Set(None),
        };
        let row = BudgetRow::try_from(row.insert(change.on()).await?)?;
        self.settle_budget_grant(&change, grant, row.api_key_id).await?;
        change.audit(AuditEntry::new("budget.create", "budget", row.id.0, &name, None, Some(&row))?).await?;
        change.commit().await?;
        Ok(row)
    }

    /// A page of budgets, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn budget_list(&self, page: &PageRequest) -> Result<Page<BudgetRow>, Error> {
        let keyset = (budgets::Column::CreatedAt, budgets::Column::Id);
        let rows = newest_first(self.budgets(), keyset, page.cursor, page.limit.saturating_add(1))
            .all(self.reader())
            .await?;
        let rows: Vec<BudgetRow> = rows.into_iter().map(BudgetRow::try_from).collect::<Result<_, _>>()?;
        Ok(Page::cut(rows, page.limit, |row| Position { created_at: row.created_at, id: row.id.0 }))
    }

    /// The budgets of a key or, for `None`, of the whole organization: at most one per period.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn budgets_of(&self, api_key_id: Option<ApiKeyId>) -> Result<Vec<BudgetRow>, Error> {
        let whose = match api_key_id {
            Some(id) => budgets::Column::ApiKeyId.eq(id),
            None => budgets::Column::ApiKeyId.is_null(),
        };
        let rows = self.budgets().filter(whose).all(self.reader()).await?;
        rows.into_iter().map(BudgetRow::try_from).collect()
    }

    /// The budget of that id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn budget_find(&self, id: BudgetId) -> Result<Option<BudgetRow>, Error> {
        let found = self.budgets().filter(budgets::Column::Id.eq(id)).one(self.reader()).await?;
        found.map(BudgetRow::try_from).transpose()
    }

    /// Changes a budget. `None` if no budget has that id.
    ///
    /// # Errors
    /// [`Error::Invalid`]: the limits are invalid.
    pub async fn budget_change(&self, id: BudgetId, to: BudgetChange) -> Result<Option<BudgetRow>, Error> {
        let change = self.change().await?;
        let found = self.budgets().filter(budgets::Column::Id.eq(id)).one(change.on()).await?;
        let Some(row) = found else { return Ok(None) };
        let before = BudgetRow::try_from(row.clone())?;
        let soft = to.soft_limit_nano_dollars.unwrap_or(before.soft_limit_nano_dollars);
        let hard = to.hard_limit_nano_dollars.unwrap_or(before.hard_limit_nano_dollars);
        check_limits(soft, hard)?;
        let grant = self.budget_grant(&change, before.api_key_id).await?;
        let mut row = row.into_active_model();
        row.soft_limit_nano_dollars = Set(soft);
        row.hard_limit_nano_dollars = Set(hard);
        // After a change of the soft limit, the warning is sent again.
        row.warned_at = Set(None);
        row.updated_at = Set(self.clock().now());
        let after = BudgetRow::try_from(row.update(change.on()).await?)?;
        self.settle_budget_grant(&change, grant, after.api_key_id).await?;
        let name = self.budget_name(change.on(), after.api_key_id).await?;
        let entry = AuditEntry::new("budget.change", "budget", id.0, &name, Some(&before), Some(&after))?;
        change.audit(entry).await?;
        change.commit().await?;
        Ok(Some(after))
    }

    /// Deletes a budget. `None` if no budget has that id.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn budget_delete(&self, id: BudgetId) -> Result<Option<BudgetRow>, Error> {
        let change = self.change().await?;
        let found = self.budgets().filter(budgets::Column::Id.eq(id)).one(change.on()).await?;
        let Some(row) = found else { return Ok(None) };
        let before = BudgetRow::try_from(row.clone())?;
        let grant = self.budget_grant(&change, before.api_key_id).await?;
        let mut row = row.into_active_model();
        row.deleted_at = Set(Some(self.clock().now()));
        row.update(change.on()).await?;
        self.settle_budget_grant(&change, grant, before.api_key_id).await?;
        let name = self.budget_name(change.on(), before.api_key_id).await?;
        let entry = AuditEntry::new("budget.delete", "budget", id.0, &name, Some(&before), None)?;
        change.audit(entry).await?;
        change.commit().await?;
        Ok(Some(before))
    }

    /// Notes that the soft limit is reached. Returns false if it was noted in this period already, possibly by another
    /// process.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn budget_warn(&self, id: BudgetId, spent: i64) -> Result<bool, Error> {
        let change = self.change().await?;
        let found = self.budgets().filter(budgets::Column::Id.eq(id)).one(change.on()).await?;
        let Some(row) = found else { return Ok(false) };
        let budget = BudgetRow::try_from(row.clone())?;
        let now = self.clock().now();
        if row.warned_at.is_some_and(|warned| warned >= budget.period.start(now)) {
            return Ok(false);
        }
        let mut row = row.into_active_model();
        row.warned_at = Set(Some(now));
        row.update(change.on()).await?;
        let name = self.budget_name(change.on(), budget.api_key_id).await?;
        let after = serde_json::json!({
            "period": budget.period,
            "period_start": budget.period.start(now),
            "soft_limit_nano_dollars": budget.soft_limit_nano_dollars,
            "spent_nano_dollars": spent,
        });
        let entry = AuditEntry::new("budget.soft_limit", "budget", id.0, &name, None, Some(&after))?;
        change.audit(entry).await?;
        change.commit().await?;
        Ok(true)
    }

    /// The spending of the organization since the start of the month, by day and key.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn spent_this_month(&self) -> Result<SpentByDay, Error> {
        let start = Period::Month.start(self.clock().now());
        let folded = self.store.is_folded().await;
        Ok(SpentByDay { rows: spent(self.reader(), Some(self.organization_id), start).await?, folded })
    }

    pub(in crate::store) fn budgets(&self) -> Select<budgets::Entity> {
        budgets::Entity::find()
            .filter(budgets::Column::OrganizationId.eq(self.organization_id))
            .filter(budgets::Column::DeletedAt.is_null())
    }

    /// The name of what is limited, for messages. A key must belong to the organization and not be revoked.
    async fn budget_name(&self, on: &impl ConnectionTrait, key: Option<ApiKeyId>) -> Result<String, Error> {
        let Some(id) = key else { return Ok("the organization".to_owned()) };
        let found = api_keys::Entity::find()
            .filter(api_keys::Column::OrganizationId.eq(self.organization_id))
            .filter(api_keys::Column::Id.eq(id))
            .one(on)
            .await?;
        let unknown = || Error::Invalid(vec![unknown_key(id)]);
        Ok(format!("the API key '{}'", found.ok_or_else(unknown)?.name))
    }
}

/// The spending since the start of a day, by day and key, of one organization or of all organizations with budgets. The
/// calls that drills really made are counted, demo data is not. It uses a subquery instead of a list of organizations, because a statement has a
/// limited number of parameters.
pub(in crate::store) async fn spent(
    on: &impl ConnectionTrait,
    only: Option<OrganizationId>,
    start: DateTime<Utc>,
) -> Result<Vec<Spent>, sea_orm::DbErr> {
    use usage_rollups::Column;
    let sum = |column: Column| Expr::col(column).sum().cast_as("bigint");
    let counted = sum(Column::CostNanoDollars).add(sum(Column::BudgetOnlyNanoDollars));
    let organizations = match only {
        Some(id) => Column::OrganizationId.eq(id),
        None => Column::OrganizationId.in_subquery(with_budgets()),
    };
    usage_rollups::Entity::find()
        .select_only()
        .columns([Column::OrganizationId, Column::ApiKeyId, Column::Day])
        .column_as(counted, "counted_nano_dollars")
        .column_as(sum(Column::Unpriced), "unpriced")
        .filter(
            Condition::all()
                .add(organizations)
                .add(Column::Day.gte(start.timestamp()))
                .add(Column::Origin.is_in([Origin::Live.as_str(), Origin::Drill.as_str()])),
        )
        .group_by(Column::OrganizationId)
        .group_by(Column::ApiKeyId)
        .group_by(Column::Day)
        .into_model()
        .all(on)
        .await
}

/// The organizations with budgets.
fn with_budgets() -> sea_orm::sea_query::SelectStatement {
    sea_orm::sea_query::Query::select()
        .distinct()
        .column(budgets::Column::OrganizationId)
        .from(budgets::Entity)
        .and_where(budgets::Column::DeletedAt.is_null())
        .take()
}

/// The violation of a budget for a key that the organization does not have.
#[must_use]
pub fn unknown_key(id: ApiKeyId) -> Violation {
    let message = format!("the organization has no API key {id}: list them at /v1/identity/api-keys");
    Violation::body("api_key_id", "value_error", message)
}

fn check_limits(soft: Option<i64>, hard: Option<i64>) -> Result<(), Error> {
    let refused = |field: &str, message: &str| {
        Err(Error::Invalid(vec![Violation::body(field, "value_error", message.to_owned())]))
    };
    match (soft, hard) {
        (None, None) => {
            refused("hard_limit_nano_dollars", "a budget needs a soft limit, a hard one, or both")
        }
        (Some(soft), Some(hard)) if soft > hard => {
            refused("soft_limit_nano_dollars", "the soft limit must not be above the hard one")
        }
        (Some(_) | None, _) => Ok(()),
    }
}

impl TryFrom<budgets::Model> for BudgetRow {
    type Error = Error;

    fn try_from(row: budgets::Model) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            api_key_id: row.api_key_id,
            period: Period::parse(&row.period)
                .ok_or_else(|| Error::internal("an unknown period of a budget"))?,
            soft_limit_nano_dollars: row.soft_limit_nano_dollars,
            hard_limit_nano_dollars: row.hard_limit_nano_dollars,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}
