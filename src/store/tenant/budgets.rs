//! Budgets: what an organization or one of its keys may spend in a UTC day or month.
//!
//! Who checks them is the gateway, from the snapshot and from what it knows of the spending; here they are kept, and
//! what was spent is read from the roll-ups.

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

/// A budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetRow {
    /// Its id.
    pub id: BudgetId,
    /// The key that it limits. None: the whole organization.
    pub api_key_id: Option<ApiKeyId>,
    /// After what time it starts anew.
    pub period: Period,
    /// Nano-dollars from which on people are told. None: never.
    pub soft_limit_nano_dollars: Option<i64>,
    /// Nano-dollars from which on requests are refused. None: never.
    pub hard_limit_nano_dollars: Option<i64>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A budget to be made. The fields are those of [`BudgetRow`].
#[derive(Debug, Clone, Copy)]
pub struct NewBudget {
    /// The key, or the whole organization.
    pub api_key_id: Option<ApiKeyId>,
    /// Day or month.
    pub period: Period,
    /// Nano-dollars.
    pub soft_limit_nano_dollars: Option<i64>,
    /// Nano-dollars.
    pub hard_limit_nano_dollars: Option<i64>,
}

/// What to change. An outer none leaves the limit as it is; an inner one takes it away.
#[derive(Debug, Clone, Copy, Default)]
pub struct BudgetChange {
    /// Nano-dollars.
    pub soft_limit_nano_dollars: Option<Option<i64>>,
    /// Nano-dollars.
    pub hard_limit_nano_dollars: Option<Option<i64>>,
}

/// What was spent on one UTC day with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub struct Spent {
    /// Whose.
    pub organization_id: OrganizationId,
    /// With which key; the nil UUID: none.
    pub api_key_id: Uuid,
    /// Start of the day, in Unix seconds.
    pub day: i64,
    /// In nano-dollars, of the requests with a known cost.
    pub cost_nano_dollars: i64,
    /// How many requests' cost is unknown.
    pub unpriced: i64,
}

impl OrgStore {
    /// Makes a budget. It is checked, in this process, when this returns.
    ///
    /// # Errors
    /// [`Error::Invalid`]: the key does not live, or the limits make no sense. [`Error::Conflict`]: there is one for
    /// that period already.
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

    /// A page of the budgets, newest first.
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

    /// The budgets of a key, or the organization's own: at most one for each period.
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

    /// Changes a budget; none if there is none of that id.
    ///
    /// # Errors
    /// [`Error::Invalid`]: the limits make no sense together.
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
        // A limit that was moved is crossed anew.
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

    /// Deletes a budget; none if there is none of that id.
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

    /// Notes that the soft limit was crossed, once a period whichever process sees it first. False: it is noted.
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

    /// What the organization has spent since the month began, by day and key.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn spent_this_month(&self) -> Result<Vec<Spent>, Error> {
        let start = Period::Month.start(self.clock().now());
        Ok(spent(self.reader(), Some(self.organization_id), start).await?)
    }

    pub(in crate::store) fn budgets(&self) -> Select<budgets::Entity> {
        budgets::Entity::find()
            .filter(budgets::Column::OrganizationId.eq(self.organization_id))
            .filter(budgets::Column::DeletedAt.is_null())
    }

    /// Whose budget it is, as people read it; a key must be one of the organization's living ones.
    async fn budget_name(&self, on: &impl ConnectionTrait, key: Option<ApiKeyId>) -> Result<String, Error> {
        let Some(id) = key else { return Ok("the organization".to_owned()) };
        let found = api_keys::Entity::find()
            .filter(api_keys::Column::OrganizationId.eq(self.organization_id))
            .filter(api_keys::Column::Id.eq(id))
            .one(on)
            .await?;
        let unknown = || {
            let message = format!("the organization has no API key {id}: list them at /v1/identity/api-keys");
            Error::Invalid(vec![Violation::body("api_key_id", "value_error", message)])
        };
        Ok(format!("the API key '{}'", found.ok_or_else(unknown)?.name))
    }
}

/// What one organization, or every organization with a budget, has spent since the start of a day, by day and key.
/// Demo data and drills cost nothing. One statement without a list of organizations: there may be more of them than a
/// statement takes parameters.
pub(in crate::store) async fn spent(
    on: &impl ConnectionTrait,
    only: Option<OrganizationId>,
    start: DateTime<Utc>,
) -> Result<Vec<Spent>, sea_orm::DbErr> {
    use usage_rollups::Column;
    let sum = |column: Column| Expr::col(column).sum().cast_as("bigint");
    let organizations = match only {
        Some(id) => Column::OrganizationId.eq(id),
        None => Column::OrganizationId.in_subquery(with_budgets()),
    };
    usage_rollups::Entity::find()
        .select_only()
        .columns([Column::OrganizationId, Column::ApiKeyId, Column::Day])
        .column_as(sum(Column::CostNanoDollars), "cost_nano_dollars")
        .column_as(sum(Column::Unpriced), "unpriced")
        .filter(
            Condition::all()
                .add(organizations)
                .add(Column::Day.gte(start.timestamp()))
                .add(Column::Origin.eq(Origin::Live.as_str())),
        )
        .group_by(Column::OrganizationId)
        .group_by(Column::ApiKeyId)
        .group_by(Column::Day)
        .into_model()
        .all(on)
        .await
}

/// The organizations that have a budget.
fn with_budgets() -> sea_orm::sea_query::SelectStatement {
    sea_orm::sea_query::Query::select()
        .distinct()
        .column(budgets::Column::OrganizationId)
        .from(budgets::Entity)
        .and_where(budgets::Column::DeletedAt.is_null())
        .take()
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
