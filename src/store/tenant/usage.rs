//! Usage: sums of requests, tokens and costs by day, model, key and session, from the roll-ups.

use chrono::{DateTime, NaiveDate, Utc};
use entity::ids::ApiKeyId;
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Func, Order, Query, SelectStatement, SimpleExpr};
use sea_orm::{Condition, ConnectionTrait as _, FromQueryResult};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::error::Error;
use crate::domain::origin::Origin;
use crate::store::OrgStore;
use crate::store::pagination::equals;

/// The dimensions of usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UsageBy {
    /// The day of the request in UTC.
    Day,
    /// The model that answered.
    Model,
    /// The API key of the caller.
    Key,
    /// The session of the caller.
    Session,
}

impl UsageBy {
    /// Every dimension, in sort order.
    pub const ALL: [Self; 4] = [Self::Day, Self::Model, Self::Key, Self::Session];

    /// The word in queries.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Model => "model",
            Self::Key => "key",
            Self::Session => "session",
        }
    }

    /// The dimension of a word; `None` if the word is unknown.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == word)
    }

    fn column(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Model => "served_model",
            Self::Key => "api_key_id",
            Self::Session => "session_id",
        }
    }
}

/// The dimensions and the filter of usage. All set fields must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// The dimensions to group by; empty for one total.
    pub by: Vec<UsageBy>,
    /// From the UTC day of this time on.
    pub since: Option<DateTime<Utc>>,
    /// Only days that begin before this time.
    pub until: Option<DateTime<Utc>>,
    /// Where the requests come from. Drills are not counted.
    pub origin: Option<Origin>,
    /// Catalog name of the model that answered.
    pub model: Option<String>,
    /// The API key of the caller.
    pub api_key_id: Option<ApiKeyId>,
    /// The session of the caller.
    pub session_id: Option<Uuid>,
}

/// The position of a row. Dimensions that are not grouped by have their minimum.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UsagePlace {
    day: i64,
    model: String,
    key: Uuid,
    session: Uuid,
}

/// The usage of one group.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct UsageRow {
    /// The start of the UTC day in Unix seconds; 0 for all days.
    day: i64,
    served_model: String,
    api_key_id: Uuid,
    session_id: Uuid,
    /// Number of requests in this group.
    pub requests: i64,
    /// Number of requests that were answered completely.
    pub answered: i64,
    /// Number of those that a fallback answered.
    pub by_fallback: i64,
    /// Tokens of the whole prompt.
    pub input_tokens: i64,
    /// Tokens of the completion, including reasoning.
    pub output_tokens: i64,
    /// Prompt tokens read from the cache of a provider.
    pub cached_tokens: i64,
    /// Tokens spent on reasoning.
    pub reasoning_tokens: i64,
    /// The known costs in nano-dollars.
    pub cost_nano_dollars: i64,
    /// Number of requests with unknown cost.
    pub unpriced: i64,
    /// Number of requests with estimated token counts.
    pub estimated: i64,
}

impl UsageRow {
    /// The UTC day; `None` for all days.
    #[must_use]
    pub fn day(&self) -> Option<NaiveDate> {
        let day = DateTime::from_timestamp(self.day, 0).filter(|_| self.day != 0);
        day.map(|day| day.date_naive())
    }

    /// The model that answered; `None` if none did, or for all models.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        (!self.served_model.is_empty()).then_some(&*self.served_model)
    }

    /// The API key; `None` without a key, or for all keys.
    #[must_use]
    pub fn api_key_id(&self) -> Option<Uuid> {
        (!self.api_key_id.is_nil()).then_some(self.api_key_id)
    }

    /// The known cost in nano-dollars. The actual cost is higher if some costs are unknown. `None` if no cost is known.
    #[must_use]
    pub fn cost(&self) -> Option<i64> {
        known_cost(self.cost_nano_dollars, self.unpriced)
    }

    /// The session; `None` for all sessions.
    #[must_use]
    pub fn session_id(&self) -> Option<Uuid> {
        (!self.session_id.is_nil()).then_some(self.session_id)
    }
}

impl From<&UsageRow> for UsagePlace {
    fn from(row: &UsageRow) -> Self {
        Self { day: row.day, model: row.served_model.clone(), key: row.api_key_id, session: row.session_id }
    }
}

/// The known part of a sum of costs; `None` if no part of it is known, because unknown is not 0.
#[must_use]
pub fn known_cost(sum: i64, unpriced: i64) -> Option<i64> {
    (unpriced == 0 || sum > 0).then_some(sum)
}

const SUMS: [&str; 10] = [
    "requests",
    "answered",
    "by_fallback",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cost_nano_dollars",
    "unpriced",
    "estimated",
];

impl OrgStore {
    /// At most `limit` rows after a position: newest days first, then by model, key and session.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn usage(
        &self,
        filter: &UsageFilter,
        after: Option<&UsagePlace>,
        limit: u64,
    ) -> Result<Vec<UsageRow>, Error> {
        let mut select = Query::select();
        let sessions = filter.by.contains(&UsageBy::Session) || filter.session_id.is_some();
        select.from(Alias::new(if sessions { "session_rollups" } else { "usage_rollups" }));
        select.cond_where(self.chosen(filter));
        for by in UsageBy::ALL {
            let column = Expr::col(Alias::new(by.column()));
            if filter.by.contains(&by) {
                select.expr_as(column.clone(), Alias::new(by.column()));
                select.add_group_by([column.clone()]);
                select.order_by_expr(column, if by == UsageBy::Day { Order::Desc } else { Order::Asc });
            } else {
                select.expr_as(nothing(by), Alias::new(by.column()));
            }
        }
        for sum in SUMS {
            let total = Func::sum(Expr::col(Alias::new(sum)));
            select.expr_as(Expr::from(total).cast_as(Alias::new("bigint")), Alias::new(sum));
        }
        if let Some(after) = after {
            select.cond_where(behind(&filter.by, after));
        }
        // Without grouping, SQL returns a row even if nothing matches.
        select.cond_having(Condition::all().add(Expr::cust("COUNT(*) > 0")));
        select.limit(limit);
        self.found(&select).await
    }

    async fn found(&self, select: &SelectStatement) -> Result<Vec<UsageRow>, Error> {
        let statement = self.reader().get_database_backend().build(select);
        Ok(UsageRow::find_by_statement(statement).all(&self.folded_records().await).await?)
    }

    fn chosen(&self, filter: &UsageFilter) -> Condition {
        let column = |name: &'static str| Expr::col(Alias::new(name));
        let mut chosen = Condition::all().add(column("organization_id").eq(self.organization_id.0));
        // They are in the roll-ups for budgets only.
        chosen = chosen.add(column("origin").ne(Origin::Drill.as_str()));
        if let Some(since) = filter.since {
            chosen =
                chosen.add(column("day").gte(crate::domain::period::Period::Day.start(since).timestamp()));
        }
        if let Some(until) = filter.until {
            chosen = chosen.add(column("day").lt(until.timestamp()));
        }
        for (name, text) in
            [("origin", filter.origin.map(Origin::as_str)), ("served_model", filter.model.as_deref())]
        {
            if let Some(text) = text {
                chosen = chosen.add(equals(Alias::new(name), text));
            }
        }
        let ids = [("api_key_id", filter.api_key_id.map(|id| id.0)), ("session_id", filter.session_id)];
        for (name, id) in ids {
            if let Some(id) = id {
                chosen = chosen.add(column(name).eq(id));
            }
        }
        chosen
    }
}

/// The value of a dimension that is not grouped by.
fn nothing(by: UsageBy) -> SimpleExpr {
    match by {
        UsageBy::Day => Expr::cust("CAST(0 AS bigint)"),
        UsageBy::Model => Expr::cust("''"),
        UsageBy::Key | UsageBy::Session => Expr::value(Uuid::nil()),
    }
}

/// The condition for rows after a position, by the grouped dimensions.
fn behind(by: &[UsageBy], after: &UsagePlace) -> Condition {
    let mut any = Condition::any();
    let mut same = Condition::all();
    for by in UsageBy::ALL.into_iter().filter(|column| by.contains(column)) {
        let column = || Expr::col(Alias::new(by.column()));
        let (beyond, equal) = match by {
            UsageBy::Day => (column().lt(after.day), column().eq(after.day)),
            UsageBy::Model => (column().gt(after.model.clone()), column().eq(after.model.clone())),
            UsageBy::Key => (column().gt(after.key), column().eq(after.key)),
            UsageBy::Session => (column().gt(after.session), column().eq(after.session)),
        };
        any = any.add(same.clone().add(beyond));
        same = same.add(equal);
    }
    any
}
