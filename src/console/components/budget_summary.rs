//! Budgets as pages show them: spending, limits, and which limit is reached.

use chrono::{DateTime, Utc};
use entity::ids::ApiKeyId;

use crate::console::components::format::{counted, money, sum};
use crate::console::components::timestamp::minute;
use crate::domain::period::Period;
use crate::gateway::routing::budget::Spending;
use crate::store::snapshot::{BudgetEntry, OrganizationSnapshot};

/// One budget with its spending.
#[derive(Debug, Clone)]
pub struct BudgetLine {
    /// Name of the period: `Today`, `This month`.
    pub name: &'static str,
    /// Spending, limits and reset time, as text.
    pub value: String,
    /// The limit that is reached; empty if none is.
    pub note: &'static str,
}

/// Name of a period.
#[must_use]
pub fn name(period: Period) -> &'static str {
    match period {
        Period::Day => "Today",
        Period::Month => "This month",
    }
}

/// The budgets of a key, or the organization's own if `key` is `None`.
#[must_use]
pub fn lines(
    organization: &OrganizationSnapshot,
    key: Option<ApiKeyId>,
    spending: &Spending,
    now: DateTime<Utc>,
) -> Vec<BudgetLine> {
    let own = |period: Period| {
        let is_it = |budget: &&BudgetEntry| budget.api_key_id == key && budget.period == period;
        organization.budgets.iter().find(is_it)
    };
    let line = |budget: &BudgetEntry| {
        let spent = spending.spent(organization.id, key, budget.period);
        let unpriced = spending.unpriced(organization.id, key, budget.period);
        let limits = [("warning at", budget.soft), ("limit at", budget.hard)];
        let limits = limits.into_iter().filter_map(|(word, limit)| Some(format!("{word} {}", money(limit?))));
        let resets = minute(budget.period.end(now));
        BudgetLine {
            name: name(budget.period),
            value: format!(
                "{} spent{} · {} · resets {resets} UTC",
                sum(spent, unpriced),
                without_price(unpriced),
                limits.collect::<Vec<_>>().join(", ")
            ),
            note: reached(budget, spent).unwrap_or_default(),
        }
    };
    Period::ALL.into_iter().filter_map(own).map(line).collect()
}

/// Budget warnings for the top of the overview.
#[must_use]
pub fn warnings(organization: &OrganizationSnapshot, spending: &Spending) -> Vec<String> {
    let warning = |budget: &BudgetEntry| {
        let spent = spending.spent(organization.id, budget.api_key_id, budget.period);
        let unpriced = spending.unpriced(organization.id, budget.api_key_id, budget.period);
        let note = reached(budget, spent)?;
        let whose = match budget.api_key_id {
            None => "The organization".to_owned(),
            Some(id) => {
                let key = organization.keys.values().find(|key| key.id == id)?;
                format!("The key “{}”", key.name)
            }
        };
        let period = name(budget.period).to_lowercase();
        Some(format!("{whose} has spent {} {period}: {note}.", sum(spent, unpriced)))
    };
    organization.budgets.iter().filter_map(warning).collect()
}

/// Text for requests of unknown cost, which are not included.
fn without_price(requests: i64) -> String {
    match requests {
        ..=0 => String::new(),
        _ => format!(", not counting {} without a known price", counted(requests, "request", "requests")),
    }
}

fn reached(budget: &BudgetEntry, spent: i64) -> Option<&'static str> {
    let at = |limit: Option<i64>| limit.is_some_and(|limit| spent >= limit);
    if at(budget.hard) {
        return Some("its budget is used up");
    }
    at(budget.soft).then_some("its soft limit is reached")
}
