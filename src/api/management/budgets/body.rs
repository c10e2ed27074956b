//! What a budget's body may hold.

use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::json_fields::{Change, Fields};
use crate::api::management::checks;
use crate::api::management::checks::Need;
use crate::domain::period::Period;
use crate::validation::budget::LIMIT;

/// What may be sent back as it was read, without any effect.
const READ_ONLY: &[&str] = &[
    "id",
    "spent_nano_dollars",
    "unpriced_requests",
    "period_start",
    "resets_at",
    "created_at",
    "updated_at",
];

/// A budget to be made. At least one of the limits must be there.
#[derive(Debug, ToSchema)]
pub struct NewBudgetBody {
    /// The key that it limits; null: the whole organization.
    pub api_key_id: Option<Uuid>,
    /// `day` or `month`, of UTC.
    pub period: String,
    /// Nano-dollars from which on people are told; null: never.
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_i64)]
    pub soft_limit_nano_dollars: Option<i64>,
    /// Nano-dollars beyond which nobody is called; null: no limit.
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_i64)]
    pub hard_limit_nano_dollars: Option<i64>,
}

/// A change of a budget: what is left out stays. Whose it is and its period cannot be changed.
#[derive(Debug, ToSchema)]
pub struct BudgetChangeBody {
    /// Nano-dollars from which on people are told; null: never.
    #[schema(nullable, minimum = 0, maximum = 9_000_000_000_000_000_i64)]
    pub soft_limit_nano_dollars: Option<i64>,
    /// Nano-dollars beyond which nobody is called; null: no limit.
    #[schema(nullable, minimum = 0, maximum = 9_000_000_000_000_000_i64)]
    pub hard_limit_nano_dollars: Option<i64>,
}

/// Whose it is, and for which time.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) api_key_id: Option<Uuid>,
    pub(super) period: Option<Period>,
}

/// The limits of a body.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) soft: Change<i64>,
    pub(super) hard: Change<i64>,
}

pub(super) fn place(fields: &mut Fields) -> Place {
    let api_key_id = checks::nullable_text(fields, "api_key_id", checks::id);
    let period = checks::text(fields, "period", Need::Required, |text| {
        checks::word(text, &Period::ALL.map(Period::as_str)).map(Period::parse)
    });
    Place { api_key_id: api_key_id.and_then(Change::value), period: period.flatten() }
}

pub(super) fn limits(fields: &mut Fields) -> Limits {
    fields.ignore(READ_ONLY);
    Limits {
        soft: fields.integer("soft_limit_nano_dollars", LIMIT),
        hard: fields.integer("hard_limit_nano_dollars", LIMIT),
    }
}

/// Whose it is and its period may be sent back as they are.
pub(super) fn keep_place(fields: &mut Fields, period: Period, api_key_id: Option<Uuid>) {
    let known = [
        ("period", Value::from(period.as_str())),
        ("api_key_id", api_key_id.map_or(Value::Null, |id| Value::from(id.to_string()))),
    ];
    for (name, known) in known {
        if fields.take(name).is_some_and(|value| value != known) {
            let message = format!("'{name}' cannot be changed. Delete the budget and make another one.");
            fields.refuse(name, "value_error", message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::management::checks::assert_reads_all_of;

    #[test]
    fn what_is_described_is_read() {
        assert_reads_all_of::<NewBudgetBody>(|fields| {
            let (_place, _limits) = (place(fields), limits(fields));
        });
        assert_reads_all_of::<BudgetChangeBody>(|fields| {
            let _limits = limits(fields);
        });
    }
}
