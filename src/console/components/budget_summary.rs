//! Budgets as pages show them: what is spent of each, and which limit is reached.

use chrono::{DateTime, SecondsFormat, Utc};
use entity::ids::ApiKeyId;

use crate::console::components::format::{count, money, sum};
use crate::domain::period::Period;
use crate::gateway::routing::budget::Spending;
use crate::store::snapshot::{BudgetEntry, OrganizationSnapshot};

/// One budget.
#[derive(Debug, Clone)]
pub struct BudgetLine {
    /// The period.
    pub name: &'static str,
    /// What is spent of it, and what its limits are.
    pub value: String,
    /// Which limit is reached; empty if none is.
    pub note: &'static str,
}

/// What the period is called.
#[must_use]
pub fn name(period: Period) -> &'static str {
    match period {
        Period::Day => "Today",
        Period::Month => "This month",
    }
}

/// The budgets of a key, or the organization's own.
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
        let limits = [("warns at", budget.soft), ("ends at", budget.hard)];
        let limits = limits.into_iter().filter_map(|(word, limit)| Some(format!("{word} {}", money(limit?))));
        let resets = budget.period.end(now).to_rfc3339_opts(SecondsFormat::Secs, true);
        BudgetLine {
            name: name(budget.period),
            value: format!(
                "{} spent{} · {} · anew at {resets}",
                sum(spent, unpriced),
                without_price(unpriced),
                limits.collect::<Vec<_>>().join(", ")
            ),
            note: reached(budget, spent).unwrap_or_default(),
        }
    };
    Period::ALL.into_iter().filter_map(own).map(line).collect()
}

/// What is to be said on top of the overview.
#[must_use]
pub fn warnings(organization: &OrganizationSnapshot, spending: &Spending) -> Vec<String> {
    let warning = |budget: &BudgetEntry| {
        let spent = spending.spent(organization.id, budget.api_key_id, budget.period);
        let note = reached(budget, spent)?;
        let whose = match budget.api_key_id {
            None => "The organisation".to_owned(),
            Some(id) => {
                let key = organization.keys.values().find(|key| key.id == id)?;
                format!("The key “{}”", key.name)
            }
        };
        let period = name(budget.period).to_lowercase();
        Some(format!("{whose} has spent {} {period}: {note}.", money(spent)))
    };
    organization.budgets.iter().filter_map(warning).collect()
}

/// What no limit can hold.
fn without_price(requests: i64) -> String {
    match requests {
        ..=0 => String::new(),
        1 => ", 1 request without a known price is not in it".to_owned(),
        _ => format!(", {} requests without a known price are not in it", count(requests)),
    }
}

fn reached(budget: &BudgetEntry, spent: i64) -> Option<&'static str> {
    let at = |limit: Option<i64>| limit.is_some_and(|limit| spent >= limit);
    if at(budget.hard) {
        return Some("its budget is used up");
    }
    at(budget.soft).then_some("its soft limit is reached")
}
