//! The fields of the budget form: two limits per period, in dollars.

use crate::console::components::number_input::{plain, scaled};
use crate::console::http::forms::{Fields, Problems};
use crate::domain::error::Result;
use crate::domain::period::Period;
use crate::store::BudgetRow;
use crate::validation::bounds::BUDGET_LIMIT;

/// Decimals of a dollar: limits are nano-dollars.
const DOLLAR: usize = 9;

/// The form values, in dollars.
#[derive(Debug, Clone, Default)]
pub(crate) struct FormValues {
    pub(crate) day_soft: String,
    pub(crate) day_hard: String,
    pub(crate) month_soft: String,
    pub(crate) month_hard: String,
}

/// The limits of one period, in nano-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) period: Period,
    pub(crate) soft: Option<i64>,
    pub(crate) hard: Option<i64>,
}

impl FormValues {
    pub(super) fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).trim().trim_start_matches('$').to_owned();
        Self {
            day_soft: text("day_soft"),
            day_hard: text("day_hard"),
            month_soft: text("month_soft"),
            month_hard: text("month_hard"),
        }
    }

    pub(crate) fn of_rows(rows: &[BudgetRow]) -> Self {
        let of = |period: Period| rows.iter().find(|row| row.period == period);
        let shown = |limit: Option<i64>| limit.map(|limit| plain(limit, DOLLAR)).unwrap_or_default();
        let soft = |period| shown(of(period).and_then(|row| row.soft_limit_nano_dollars));
        let hard = |period| shown(of(period).and_then(|row| row.hard_limit_nano_dollars));
        Self {
            day_soft: soft(Period::Day),
            day_hard: hard(Period::Day),
            month_soft: soft(Period::Month),
            month_hard: hard(Period::Month),
        }
    }

    /// Parses and validates the limits.
    pub(super) fn read(&self) -> Result<[Limits; 2], Problems> {
        let mut problems = Problems::default();
        let mut limit = |field: &'static str, text: &str| {
            let read =
                scaled(text, DOLLAR, &BUDGET_LIMIT).map_err(|expected| format!("The limit {expected}"));
            problems.check(field, read).flatten()
        };
        let day = (limit("day_soft", &self.day_soft), limit("day_hard", &self.day_hard));
        let month = (limit("month_soft", &self.month_soft), limit("month_hard", &self.month_hard));
        for (field, (soft, hard)) in [("day_soft", day), ("month_soft", month)] {
            if soft.zip(hard).is_some_and(|(soft, hard)| soft > hard) {
                problems.add(field, "The soft limit must not be higher than the hard limit.");
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let of = |period, (soft, hard)| Limits { period, soft, hard };
        Ok([of(Period::Day, day), of(Period::Month, month)])
    }
}
